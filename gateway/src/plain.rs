//! The short way: plain exchanges, carried from socket to socket without a parser's objects in between.
//!
//! Most calls are plain: a GET that is whole when it comes, an answer of a known length. They are read in place, and
//! written as the next hop gets them, by the same rules and decisions as all others. What is the least bit unusual
//! (a body, an upgrade, a list in `Connection`, a line that ends oddly, an answer in chunks) goes the long way: hyper
//! gets the bytes as they came, and goes on. A connection that has gone the long way stays there.
//!
//! ```text
//!   head ─► request::look ─► admission ─► outgoing ─► upstream ─► response::look ─► client
//!              │ not plain                                            │ not plain
//!              ▼                                                      ▼
//!            hyper, from the first byte               hyper on both sides, as if it had sent the request
//! ```

mod exchange;
mod outgoing;
mod relay;
mod request;
mod response;

use std::{
    future::{Future as _, poll_fn},
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use domain::{
    Timestamp,
    gateway_service::{CanonicalHost, CanonicalPath},
};
use http::{HeaderValue, Method};
use tokio::{io::AsyncReadExt as _, net::TcpStream};

pub(crate) use self::exchange::PlainUpstream;
use self::{
    outgoing::Hop,
    request::{PlainRequest, Seen},
};
use crate::{
    admission::{self, Admitted, CallHeaders as _},
    answer::Refused,
    connection::Connection,
    connector::UpstreamIo,
    headers::REQUEST_ID,
    pool::KnownUpstream,
    snapshot::Snapshot,
};

/// How much is read at once of a request's head.
const HEAD_ROOM: usize = 4 * 1024;

/// What becomes of a client's connection that is no longer served here.
pub(crate) enum Left {
    /// It is over, or was broken off.
    Nothing,
    /// It is to be closed so that the client gets all that was sent.
    Close(TcpStream),
    /// hyper is to serve it from the first of these bytes on.
    Long {
        socket: TcpStream,
        bytes: Vec<u8>,
        /// What has become of the first request already.
        handed: Option<Box<Handed>>,
    },
}

/// A call whose request has gone to its upstream, and whose answer is not plain.
pub(crate) struct Handed {
    pub(crate) upstream: Arc<KnownUpstream>,
    pub(crate) io: UpstreamIo,
    /// What has come of the answer: something.
    pub(crate) answer: Vec<u8>,
    pub(crate) request_id: HeaderValue,
    pub(crate) began: Instant,
}

/// Serves a client's connection for as long as what comes on it is plain.
pub(crate) async fn serve(connection: &Connection, socket: TcpStream) -> Left {
    let mut plain = Plain {
        connection,
        client: Client {
            socket,
            bytes: Vec::new(),
        },
        out: Vec::new(),
    };
    loop {
        match plain.next().await {
            Next::Again => {}
            Next::Broken => return Left::Nothing,
            Next::Close => return Left::Close(plain.client.socket),
            Next::Long(handed) => {
                return Left::Long {
                    socket: plain.client.socket,
                    bytes: plain.client.bytes,
                    handed,
                };
            }
        }
    }
}

/// What comes after an exchange.
enum Next {
    Again,
    Broken,
    Close,
    Long(Option<Box<Handed>>),
}

/// A client's side of an exchange.
struct Client {
    socket: TcpStream,
    /// What has come and is not answered, the present request's head included.
    bytes: Vec<u8>,
}

impl Client {
    /// Reads more; tells how many bytes came, none at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.bytes.reserve(HEAD_ROOM);
        pin!(self.socket.read_buf(&mut self.bytes)).poll(cx)
    }
}

struct Plain<'a> {
    connection: &'a Connection,
    client: Client,
    /// What is being sent: a request to the upstream, then the answer to the client.
    out: Vec<u8>,
}

/// A request that was understood.
struct Taken {
    began: Instant,
    is_head: bool,
    /// Bytes of its head.
    length: usize,
    request_id: HeaderValue,
}

/// What a look at the client's bytes leads to.
enum Prepared {
    Partial,
    Other,
    Refused(Taken, Refused),
    /// The request for this upstream stands in [`Plain::out`], and the supervisor has the permit.
    Allowed(Taken, Arc<KnownUpstream>),
}

impl Plain<'_> {
    async fn next(&mut self) -> Next {
        loop {
            match self.prepare() {
                Prepared::Partial => {}
                Prepared::Other => return Next::Long(None),
                Prepared::Refused(taken, refused) => return self.refuse(&taken, refused).await,
                Prepared::Allowed(taken, upstream) => return self.exchange(taken, upstream).await,
            }
            let watched = self.connection.watched();
            let client = &mut self.client;
            let filled = poll_fn(|cx| {
                if client.bytes.is_empty() && watched.is_closing() {
                    return Poll::Ready(None);
                }
                client.poll_fill(cx).map(Some)
            });
            match filled.await {
                None => return Next::Close,
                Some(Ok(0) | Err(_)) => return Next::Broken,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Reads, decides and writes what goes on. It does not yield between the look at the snapshot and the word to the
    /// supervisor: a change could pass unseen.
    fn prepare(&mut self) -> Prepared {
        if self.client.bytes.is_empty() {
            return Prepared::Partial;
        }
        let mut room = request::room();
        let request = match request::look(&self.client.bytes, &mut room, self.connection.limits().header_lines) {
            Seen::Plain(request) => request,
            Seen::Partial => return Prepared::Partial,
            Seen::Other => return Prepared::Other,
        };
        let snapshot = self.connection.reader().load();
        // While some names of headers with keys are not known, those with a key in them are looked for.
        let hides_keys = snapshot
            .as_ref()
            .is_some_and(|snapshot| !snapshot.knows_all_key_headers());
        if hides_keys || self.connection.is_observed() {
            return Prepared::Other;
        }
        let (Ok((host, _)), Ok(path)) = (
            CanonicalHost::parse_authority(request.host),
            CanonicalPath::parse(request.path),
        ) else {
            return Prepared::Other;
        };
        let now = self.connection.reader().now();
        let peer = self.connection.peer();
        let id_name = REQUEST_ID;
        let sent_id = request.values(&id_name).next();
        let taken = Taken {
            began: Instant::now(),
            is_head: request.method == Method::HEAD,
            length: request.length,
            request_id: self.connection.request_ids().id_of(sent_id, peer.is_trusted(), now),
        };
        self.out.clear();
        let allowed = snapshot.ok_or(Refused::NotReady).and_then(|snapshot| {
            let target = (&host, &path, now);
            allow(
                self.connection,
                &snapshot,
                &request,
                target,
                &taken.request_id,
                &mut self.out,
            )
        });
        match allowed {
            Ok(upstream) => Prepared::Allowed(taken, upstream),
            Err(refused) => Prepared::Refused(taken, refused),
        }
    }
}

/// Decides on a request, writes it for its upstream, and tells the supervisor.
fn allow(
    connection: &Connection,
    snapshot: &Snapshot,
    request: &PlainRequest<'_>,
    (host, path, now): (&CanonicalHost, &CanonicalPath, Timestamp),
    request_id: &HeaderValue,
    out: &mut Vec<u8>,
) -> Result<Arc<KnownUpstream>, Refused> {
    let Admitted {
        permit,
        credential,
        stripped_prefix,
    } = admission::admit(snapshot, host, path, request.method.as_str(), request, now)?;
    if crate::DECIDES {
        connection.usage().record(permit.credential(), now);
    }
    let upstream_url = match &permit.version().service {
        Some(service) => &service.upstream_url,
        None => return Err(Refused::NoRoute),
    };
    let upstream = connection.upstream().at(upstream_url)?;
    let hop = Hop {
        peer: connection.peer(),
        request_id: request_id.as_bytes(),
        upstream_host: upstream.host().as_bytes(),
        target: path.forwarded_parts(upstream_url.path(), stripped_prefix.as_deref()),
        stripped_prefix: stripped_prefix.as_deref(),
        credential,
    };
    outgoing::write(out, request, snapshot, &hop);
    connection.watched().wait(permit, None);
    Ok(upstream)
}
