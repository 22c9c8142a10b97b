//! A client's socket as hyper sees it: framing looked at twice, stalled writes given up, closed without losing answers.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use crate::{
    gathered_io::GatheredIo,
    strict_framing::{REFUSAL, StrictFraming},
    supervision::Watched,
};

/// How long, and for how many bytes, a closed connection is still read from. A socket closed with bytes unread answers
/// them with RST, which can take the response away from the client that has not read it (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;

/// A client's connection.
#[derive(Debug)]
pub(crate) struct ClientIo {
    socket: GatheredIo,
    /// Who is told of each write, if anybody watches over the connection.
    watched: Option<Arc<Watched>>,
    framing: StrictFraming,
    /// What was read before, to be read again.
    before: Vec<u8>,
    /// How much of [`REFUSAL`] hyper has been given.
    refusal_given: usize,
    write_limit: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl ClientIo {
    /// Gives up a write that makes no progress for `write_limit`.
    pub(crate) fn new(socket: TcpStream, watched: Option<Arc<Watched>>, write_limit: Duration) -> Self {
        Self::after(Vec::new(), socket, watched, write_limit)
    }

    /// As [`ClientIo::new`], but `before` was read from the socket already, and is given first.
    pub(crate) fn after(
        before: Vec<u8>,
        socket: TcpStream,
        watched: Option<Arc<Watched>>,
        write_limit: Duration,
    ) -> Self {
        Self {
            socket: GatheredIo(socket),
            watched,
            framing: StrictFraming::new(),
            before,
            refusal_given: 0,
            write_limit,
            stalled: None,
            lingering: None,
        }
    }

    /// Closes the connection so that the client gets all that was sent.
    pub(crate) async fn close(mut self) {
        // Whoever has gone already needs no more.
        let _ = poll_fn(|cx| Pin::new(&mut self).poll_shutdown(cx)).await;
    }

    fn give_refusal(&mut self, buf: &mut ReadBuf<'_>) {
        let left = REFUSAL.get(self.refusal_given..).unwrap_or_default();
        let given = left.len().min(buf.remaining());
        buf.put_slice(&left[..given]);
        self.refusal_given += given;
    }

    /// Watches over one attempt to write.
    fn after_write<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            if let Some(watched) = &self.watched {
                watched.wrote();
            }
            return polled;
        }
        let limit = self.write_limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.framing.is_refused() {
            this.give_refusal(buf);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        if this.before.is_empty() {
            ready!(Pin::new(&mut this.socket).poll_read(cx, buf))?;
        } else {
            let given = this.before.len().min(buf.remaining());
            buf.put_slice(&this.before[..given]);
            this.before.drain(..given);
        }
        let accepted = this.framing.accept(&buf.filled()[before..]);
        if this.framing.is_refused() {
            buf.set_filled(before + accepted);
            this.give_refusal(buf);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.after_write(cx, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.socket).poll_write_vectored(cx, slices);
        this.after_write(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
        }
        let (timer, taken) = this
            .lingering
            .get_or_insert_with(|| (Box::pin(tokio::time::sleep_until(Instant::now() + LINGER)), 0));
        let mut scratch = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut this.socket).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() && *taken < LINGER_BYTES => {
                    *taken += buf.filled().len();
                }
                Poll::Ready(Ok(()) | Err(_)) => return Poll::Ready(Ok(())),
                Poll::Pending => return timer.as_mut().poll(cx).map(Ok),
            }
        }
    }
}
