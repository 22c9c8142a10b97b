//! Calls to upstreams, over connections that are kept.
//!
//! Each worker has its own connections, so that nothing is shared between threads. A call without a body carries its
//! connection along and drives it within its own task; one with a body has its connection driven by a task of its own,
//! so that what the client sends goes on while it takes nothing.

use std::{
    error::Error as StdError,
    future::{Future as _, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use domain::gateway_service::UpstreamUrl;
use http::{HeaderMap, Method, Request, Response, Uri};
use hyper::{body::Incoming, client::conn::http1};

use crate::{
    answer::Refused,
    body::RequestBody,
    config::GatewayConfig,
    connector::{ConnectError, Connector, UpstreamIo},
    plain::PlainUpstream,
    pool::{Kept, KnownUpstream, Pool},
    progress::Progress,
    replayed_io::ReplayedIo,
};

/// A connection to an upstream.
pub(crate) type UpstreamConnection = http1::Connection<ReplayedIo, RequestBody>;

/// Makes calls to upstreams, for one worker.
#[derive(Debug)]
pub(crate) struct Upstream {
    connector: Connector,
    pool: Pool,
    builder: http1::Builder,
}

/// A request on its way to an upstream, whole but for its framing.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// In origin form.
    pub(crate) target: Uri,
    pub(crate) headers: HeaderMap,
}

/// A response, with what must be kept until its body has ended.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) response: Response<Incoming>,
    pub(crate) lease: Lease,
}

impl Upstream {
    pub(crate) fn new(config: &GatewayConfig, connector: Connector) -> Self {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(config.limits.head_bytes.max(8192));
        Self {
            connector,
            pool: Pool::new(config.timeouts.upstream_keep_alive),
            builder,
        }
    }

    /// Closes what has not been used for too long, or was closed by the upstream. `clock`: by the coarse clock.
    pub(crate) fn tick(&self, clock: u64) {
        self.pool.tick(clock);
    }

    /// The upstream at this URL.
    pub(crate) fn at(&self, url: &UpstreamUrl) -> Result<Arc<KnownUpstream>, Refused> {
        self.pool.upstream(url).ok_or(Refused::BadUpstream)
    }

    /// Sends a request and waits for the head of its response; patience is the caller's.
    ///
    /// A kept connection may turn out to have been closed. What was not sent at all is sent on another one; what was
    /// sent is sent once more if it is safe to repeat and has no body (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
    pub(crate) async fn send(
        &self,
        upstream: &Arc<KnownUpstream>,
        outgoing: Outgoing,
        mut body: RequestBody,
        wants_task: bool,
    ) -> Result<Answered, Refused> {
        let progress = body.progress().cloned();
        let may_be_repeated =
            body.is_empty() && matches!(outgoing.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let mut outgoing = outgoing;
        while let Some(mut kept) = upstream.take().await {
            if wants_task {
                kept.drive_in_task();
            }
            let again = may_be_repeated.then(|| outgoing.repeat());
            match send_on(upstream, kept, outgoing, body, progress.as_deref()).await {
                Ok(answered) => return Ok(answered),
                Err(Failure::NotSent(unsent)) => {
                    (outgoing, body) = *unsent;
                }
                Err(Failure::Closed) => match again {
                    // On a connection of its own: another kept one may be as old.
                    Some(again) => {
                        outgoing = again;
                        body = RequestBody::empty();
                        break;
                    }
                    None => return Err(Refused::BadUpstream),
                },
                Err(Failure::Refused(refused)) => return Err(refused),
            }
        }
        // Rare, and large: in a box, it does not make the future of every call larger.
        let mut fresh = Box::pin(self.connect(upstream)).await?;
        if wants_task {
            fresh.drive_in_task();
        }
        send_on(upstream, fresh, outgoing, body, progress.as_deref())
            .await
            .map_err(|failure| match failure {
                Failure::NotSent(_) | Failure::Closed => Refused::BadUpstream,
                Failure::Refused(refused) => refused,
            })
    }

    /// Goes on with a call whose request has been sent already; only its method counts of `outgoing`. What has come of
    /// the answer is read first.
    pub(crate) async fn resume(
        &self,
        upstream: &Arc<KnownUpstream>,
        (io, answer): (UpstreamIo, Vec<u8>),
        outgoing: Outgoing,
    ) -> Result<Answered, Refused> {
        let kept = self.handshake(ReplayedIo::sent(io, answer)).await?;
        send_on(upstream, kept, outgoing, RequestBody::empty(), None)
            .await
            .map_err(|failure| match failure {
                Failure::NotSent(_) | Failure::Closed => Refused::BadUpstream,
                Failure::Refused(refused) => refused,
            })
    }

    /// A new connection for plain exchanges.
    pub(crate) async fn connect_plain(&self, upstream: &KnownUpstream) -> Result<PlainUpstream, Refused> {
        self.dial(upstream).await.map(PlainUpstream::new)
    }

    async fn connect(&self, upstream: &KnownUpstream) -> Result<Kept, Refused> {
        let io = self.dial(upstream).await?;
        self.handshake(ReplayedIo::live(io)).await
    }

    async fn handshake(&self, io: ReplayedIo) -> Result<Kept, Refused> {
        let (sender, connection) = self.builder.handshake(io).await.map_err(|error| {
            tracing::debug!(error = %Chain(&error), "an upstream's connection was not taken");
            Refused::BadUpstream
        })?;
        Ok(Kept::new(sender, connection))
    }

    async fn dial(&self, upstream: &KnownUpstream) -> Result<UpstreamIo, Refused> {
        self.connector.connect(upstream).await.map_err(|error| {
            let error: &(dyn StdError + 'static) = &*error;
            tracing::debug!(?upstream, error = %Chain(error), "an upstream could not be connected to");
            match ConnectError::within(error) {
                Some(ConnectError::Timeout) => Refused::UpstreamTimeout,
                Some(_) | None => Refused::BadUpstream,
            }
        })
    }
}

async fn send_on(
    upstream: &Arc<KnownUpstream>,
    mut kept: Kept,
    outgoing: Outgoing,
    body: RequestBody,
    progress: Option<&Progress>,
) -> Result<Answered, Failure> {
    let Outgoing {
        method,
        target,
        headers,
    } = outgoing;
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = target;
    *request.headers_mut() = headers;
    let result = {
        let mut response = pin!(kept.sender.try_send_request(request));
        let connection = &mut kept.connection;
        poll_fn(|cx| after_driving(connection, cx, |cx| response.as_mut().poll(cx))).await
    };
    match result {
        Ok(response) => Ok(Answered {
            response,
            lease: Lease {
                kept: Some(kept),
                upstream: Arc::clone(upstream),
            },
        }),
        Err(mut error) => {
            tracing::debug!(?upstream, error = %Chain(error.error()), "a call to an upstream failed");
            Err(match error.take_message() {
                Some(request) => {
                    let (parts, body) = request.into_parts();
                    let outgoing = Outgoing {
                        method: parts.method,
                        target: parts.uri,
                        headers: parts.headers,
                    };
                    Failure::NotSent(Box::new((outgoing, body)))
                }
                None => Failure::of(error.error(), progress),
            })
        }
    }
}

impl Outgoing {
    fn repeat(&self) -> Self {
        Self {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: self.headers.clone(),
        }
    }
}

/// Drives a connection that travels with its call, and then polls what comes of it. The connection's own result is told
/// to the response or the body.
fn after_driving<T>(
    connection: &mut Option<Box<UpstreamConnection>>,
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let Some(driven) = connection else {
        return poll(cx);
    };
    if Pin::new(driven).poll(cx).is_ready() {
        *connection = None;
        return poll(cx);
    }
    // Nothing comes but by driving, which wakes this task by itself: to be woken here as well would only poll it twice.
    poll(&mut Context::from_waker(Waker::noop()))
}

/// A connection while its response streams. Goes back to the pool once the body has ended.
#[derive(Debug)]
pub(crate) struct Lease {
    kept: Option<Kept>,
    upstream: Arc<KnownUpstream>,
}

impl Lease {
    /// Lets the connection read on, and polls the body that comes of it.
    pub(crate) fn poll_body<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        match &mut self.kept {
            Some(kept) => after_driving(&mut kept.connection, cx, poll),
            None => poll(cx),
        }
    }

    /// The body has ended: the connection may carry the next call.
    pub(crate) fn give_back(&mut self, clock: u64) {
        if let Some(kept) = self.kept.take() {
            self.upstream.put(kept, clock);
        }
    }
}

/// Why there is no response.
enum Failure {
    /// The connection was closed before any of it was sent.
    NotSent(Box<(Outgoing, RequestBody)>),
    /// The connection ended before the head of a response was whole.
    Closed,
    Refused(Refused),
}

impl Failure {
    fn of(error: &hyper::Error, progress: Option<&Progress>) -> Self {
        if progress.is_some_and(Progress::client_failed) {
            return Self::Refused(Refused::BadRequest("The request body is malformed"));
        }
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            let is_closed = error
                .downcast_ref::<hyper::Error>()
                .is_some_and(|error| error.is_incomplete_message() || error.is_closed())
                || error.downcast_ref::<io::Error>().is_some_and(|error| {
                    matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
                    )
                });
            if is_closed {
                return Self::Closed;
            }
            cause = error.source();
        }
        Self::Refused(Refused::BadUpstream)
    }
}

/// An error with its causes, for the log.
struct Chain<'a>(&'a (dyn StdError + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
