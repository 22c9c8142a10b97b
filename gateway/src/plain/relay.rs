//! A call's way to the upstream and back.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::AsyncWrite as _,
    net::TcpStream,
    time::{Sleep, sleep},
};

use super::{
    Client, Handed, Next, Plain, Taken,
    exchange::{HEAD_ROOM, PlainUpstream, room_for},
    request::{self, Seen},
    response::{self, push_header, write_own_headers},
};
use crate::{answer::Refused, body::ResponseBody, pool::KnownUpstream, supervision::Watched};

/// Why an exchange ends before the upstream's answer.
enum Ended {
    Refused(Refused),
    /// The client is gone.
    Gone,
}

/// What came of the first look at an answer.
enum Answer {
    /// Its head stands in [`Plain::out`] with what has come of the body, of which so much is missing; and whether the
    /// upstream's connection can be used again once it is whole.
    Plain {
        status: u16,
        missing: u64,
        is_clean: bool,
    },
    Other,
}

impl Plain<'_> {
    /// Sends the request that is in `out`, and brings the answer back.
    pub(super) async fn exchange(&mut self, taken: Taken, known: Arc<KnownUpstream>) -> Next {
        let (mut upstream, answer) = match self.answer(&taken, &known).await {
            Ok(answered) => answered,
            Err(Ended::Refused(refused)) => return self.refuse(&taken, refused).await,
            Err(Ended::Gone) => return Next::Broken,
        };
        let Answer::Plain {
            status,
            mut missing,
            is_clean,
        } = answer
        else {
            let (io, answer) = upstream.into_parts();
            return Next::Long(Some(Box::new(Handed {
                upstream: known,
                io,
                answer,
                request_id: taken.request_id,
                began: taken.began,
            })));
        };
        let closes = self.connection.watched().is_stopping();
        self.connection.count(status, None, taken.began.elapsed());
        self.client.bytes.drain(..taken.length);
        let watched = self.connection.watched();
        let limit = self.connection.timeouts().body_idle;
        if missing == 0 {
            if is_clean {
                known.put_plain(upstream, watched.clock().now());
            }
            if !write_all(&mut self.client.socket, &self.out, limit).await {
                return Next::Broken;
            }
        } else {
            watched.stream();
            if !write_all(&mut self.client.socket, &self.out, limit).await {
                return Next::Broken;
            }
            let mut is_clean = is_clean;
            while missing > 0 {
                upstream.bytes.clear();
                match fill_body(&mut upstream, room_for(missing), &mut self.client, limit).await {
                    Some(Ok(1..)) => {}
                    Some(Ok(0) | Err(_)) | None => {
                        tracing::debug!(upstream = ?known, "a response broke off");
                        return Next::Broken;
                    }
                }
                let come = upstream.bytes.len() as u64;
                is_clean &= come <= missing;
                upstream.bytes.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
                missing -= upstream.bytes.len() as u64;
                if !write_all(&mut self.client.socket, &upstream.bytes, limit).await {
                    return Next::Broken;
                }
            }
            if is_clean {
                known.put_plain(upstream, watched.clock().now());
            }
        }
        watched.rest();
        if closes { Next::Close } else { Next::Again }
    }

    /// Sends the request and looks at the head of the answer.
    ///
    /// A kept connection may turn out to have been closed. Plain requests are safe to repeat, and are sent once more on
    /// a connection of their own: another kept one may be as old (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
    async fn answer(&mut self, taken: &Taken, known: &Arc<KnownUpstream>) -> Result<(PlainUpstream, Answer), Ended> {
        if let Some(mut kept) = known.take_plain() {
            match self.try_on(&mut kept, taken).await? {
                Ok(answer) => return Ok((kept, answer)),
                Err(error) if kept.bytes.is_empty() && is_closed(&error) => {}
                Err(error) => return Err(self.failed(known, &error)),
            }
        }
        let watched = self.connection.watched();
        let mut connecting = Box::pin(self.connection.upstream().connect_plain(known));
        let connected = while_client_stays(&mut self.client, taken.length, watched, |cx| {
            connecting.as_mut().poll(cx)
        });
        let mut fresh = connected.await?.map_err(Ended::Refused)?;
        match self.try_on(&mut fresh, taken).await? {
            Ok(answer) => Ok((fresh, answer)),
            Err(error) => Err(self.failed(known, &error)),
        }
    }

    fn failed(&self, known: &Arc<KnownUpstream>, error: &io::Error) -> Ended {
        tracing::debug!(upstream = ?known, %error, "a call to an upstream failed");
        Ended::Refused(Refused::BadUpstream)
    }

    async fn try_on(&mut self, upstream: &mut PlainUpstream, taken: &Taken) -> Result<io::Result<Answer>, Ended> {
        let watched = self.connection.watched();
        let mut sent = 0;
        loop {
            let filled = while_client_stays(&mut self.client, taken.length, watched, |cx| {
                if let Err(error) = ready!(upstream.poll_send(cx, &self.out, &mut sent)) {
                    return Poll::Ready(Err(error));
                }
                upstream.poll_fill(cx, HEAD_ROOM)
            });
            match filled.await? {
                Ok(0) => return Ok(Err(io::ErrorKind::UnexpectedEof.into())),
                Err(error) => return Ok(Err(error)),
                Ok(_) => {}
            }
            let mut room = request::room();
            let response = match response::look(&upstream.bytes, &mut room, taken.is_head) {
                Seen::Partial => continue,
                Seen::Other => return Ok(Ok(Answer::Other)),
                Seen::Plain(response) => response,
            };
            self.out.clear();
            response.write_head(&mut self.out, taken.request_id.as_bytes(), watched.is_stopping());
            let come = &upstream.bytes[response.length..];
            let in_hand = usize::try_from(response.body).map_or(come.len(), |body| body.min(come.len()));
            self.out.extend_from_slice(&come[..in_hand]);
            let answer = Answer::Plain {
                status: response.status,
                missing: response.body - in_hand as u64,
                // What comes behind an answer belongs to no request.
                is_clean: response.stays_open && in_hand == come.len(),
            };
            return Ok(Ok(answer));
        }
    }

    /// Answers by itself.
    pub(super) async fn refuse(&mut self, taken: &Taken, refused: Refused) -> Next {
        let watched = self.connection.watched();
        watched.rest();
        let (parts, body) = refused.response().into_parts();
        self.connection
            .count(parts.status.as_u16(), Some(refused), taken.began.elapsed());
        let closes = watched.is_stopping() || parts.headers.contains_key(http::header::CONNECTION);
        let body = match body {
            ResponseBody::Own(bytes) => bytes,
            ResponseBody::Empty | ResponseBody::Relayed(_) => bytes::Bytes::new(),
        };
        let out = &mut self.out;
        out.clear();
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(parts.status.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(parts.status.canonical_reason().unwrap_or_default().as_bytes());
        out.extend_from_slice(b"\r\n");
        for (name, value) in &parts.headers {
            if name != http::header::CONNECTION {
                push_header(out, name.as_str().as_bytes(), value.as_bytes());
            }
        }
        push_header(out, b"content-length", body.len().to_string().as_bytes());
        write_own_headers(out, taken.request_id.as_bytes(), closes, false);
        if !taken.is_head {
            out.extend_from_slice(&body);
        }
        self.client.bytes.drain(..taken.length);
        let limit = self.connection.timeouts().body_idle;
        if !write_all(&mut self.client.socket, &self.out, limit).await {
            return Next::Broken;
        }
        watched.rest();
        if closes { Next::Close } else { Next::Again }
    }
}

/// Whether a connection ended, as kept ones do.
fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// Waits for the upstream, unless the supervisor says that the call is over, or the client goes away. `length`: how much
/// of what the client sent is the present request.
async fn while_client_stays<T>(
    client: &mut Client,
    length: usize,
    watched: &Watched,
    mut upstream: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Result<T, Ended> {
    poll_fn(|cx| {
        if let Some(refused) = watched.ended() {
            return Poll::Ready(Err(Ended::Refused(refused)));
        }
        if let Poll::Ready(come) = upstream(cx) {
            return Poll::Ready(Ok(come));
        }
        poll_gone(client, length, cx).map(|()| Err(Ended::Gone))
    })
    .await
}

/// Whether the client has gone. A next request that came early waits for its turn, and hides the end.
fn poll_gone(client: &mut Client, length: usize, cx: &mut Context<'_>) -> Poll<()> {
    if client.bytes.len() == length {
        match client.poll_fill(cx) {
            Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
            Poll::Ready(Ok(_)) | Poll::Pending => {}
        }
    }
    Poll::Pending
}

/// Reads more of a body; `None` when the client went away, or nothing came for too long.
async fn fill_body(
    upstream: &mut PlainUpstream,
    room: usize,
    client: &mut Client,
    limit: Duration,
) -> Option<io::Result<usize>> {
    let mut stalled = Patience::new(limit);
    poll_fn(|cx| {
        if let Poll::Ready(come) = upstream.poll_fill(cx, room) {
            return Poll::Ready(Some(come));
        }
        if poll_gone(client, 0, cx).is_ready() {
            return Poll::Ready(None);
        }
        stalled.poll(cx).map(|()| None)
    })
    .await
}

/// Sends all of it; `false` when the client went away, or took nothing for too long.
async fn write_all(socket: &mut TcpStream, bytes: &[u8], limit: Duration) -> bool {
    let mut sent = 0;
    let mut stalled = Patience::new(limit);
    poll_fn(|cx| {
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut *socket).poll_write(cx, rest) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(false),
                Poll::Ready(Ok(count)) => {
                    sent += count;
                    stalled = Patience::new(limit);
                }
                Poll::Pending => return stalled.poll(cx).map(|()| false),
            }
        }
        Poll::Ready(true)
    })
    .await
}

/// A time limit, whose timer is made when something is waited for.
struct Patience {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    const fn new(limit: Duration) -> Self {
        Self { limit, timer: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        self.timer
            .get_or_insert_with(|| Box::pin(sleep(limit)))
            .as_mut()
            .poll(cx)
    }
}
