//! Connections to upstreams that are kept between calls, for one worker.

use std::{
    collections::HashMap,
    future::{Future as _, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use domain::gateway_service::UpstreamUrl;
use http::{HeaderValue, Uri};
use hyper::client::conn::http1::SendRequest;
use tokio::task::unconstrained;

use crate::{body::RequestBody, plain::PlainUpstream, supervision::lock, upstream::UpstreamConnection};

/// An upstream: what does not change between calls to it, and the connections that wait for their next call.
pub(crate) struct KnownUpstream {
    authority: Box<str>,
    host: HeaderValue,
    uri: Uri,
    idle: Mutex<IdleConnections>,
}

#[derive(Debug)]
struct IdleConnections {
    /// The one used last at the end.
    connections: Vec<Idle<Kept>>,
    /// Those of plain exchanges, which hyper does not know.
    plain: Vec<Idle<PlainUpstream>>,
    used_at: u64,
}

#[derive(Debug)]
struct Idle<T> {
    kept: T,
    since: u64,
}

impl std::fmt::Debug for KnownUpstream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.authority)
    }
}

impl KnownUpstream {
    fn of(url: &UpstreamUrl) -> Option<Self> {
        let uri = Uri::builder()
            .scheme(if url.is_https() { "https" } else { "http" })
            .authority(url.authority())
            .path_and_query("/")
            .build()
            .ok()?;
        Some(Self {
            authority: url.authority().into(),
            host: HeaderValue::from_str(url.authority()).ok()?,
            uri,
            idle: Mutex::new(IdleConnections {
                connections: Vec::new(),
                plain: Vec::new(),
                used_at: u64::MAX,
            }),
        })
    }

    /// The `Host` of requests.
    pub(crate) const fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Scheme and authority, to connect to.
    pub(crate) const fn uri(&self) -> &Uri {
        &self.uri
    }

    fn pop(&self) -> Option<Kept> {
        lock(&self.idle).connections.pop().map(|idle| idle.kept)
    }

    /// A connection that can take a request now, the one used last if it can.
    pub(crate) async fn take(&self) -> Option<Kept> {
        while let Some(mut kept) = self.pop() {
            if poll_fn(|cx| Poll::Ready(kept.poll_usable(cx))).await {
                return Some(kept);
            }
        }
        None
    }

    /// Keeps a connection whose call is over.
    pub(crate) fn put(&self, mut kept: Kept, clock: u64) {
        // Without a look at the end of the last exchange, hyper does not know that it is over.
        if !kept.is_open() {
            return;
        }
        let mut idle = lock(&self.idle);
        idle.used_at = clock;
        idle.connections.push(Idle { kept, since: clock });
    }

    /// A connection that can carry a plain exchange now, the one used last if it can.
    pub(crate) fn take_plain(&self) -> Option<PlainUpstream> {
        loop {
            let mut kept = lock(&self.idle).plain.pop()?.kept;
            if kept.is_clean() {
                return Some(kept);
            }
        }
    }

    /// Keeps a connection whose plain exchange is over.
    pub(crate) fn put_plain(&self, mut kept: PlainUpstream, clock: u64) {
        kept.rest();
        let mut idle = lock(&self.idle);
        idle.used_at = clock;
        idle.plain.push(Idle { kept, since: clock });
    }

    /// Closes what has waited for too long or was closed by the upstream; `false` when nobody has called for as long.
    fn tick(&self, clock: u64, keep_for: u64) -> bool {
        let mut idle = lock(&self.idle);
        let is_old = |since: u64| clock.saturating_sub(since) >= keep_for;
        idle.connections
            .retain_mut(|idle| !is_old(idle.since) && idle.kept.is_open());
        idle.plain
            .retain_mut(|idle| !is_old(idle.since) && idle.kept.is_clean());
        if idle.used_at == u64::MAX {
            idle.used_at = clock;
        }
        !idle.connections.is_empty() || !idle.plain.is_empty() || clock.saturating_sub(idle.used_at) < keep_for
    }
}

/// A connection, and the handle to send requests on it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) sender: SendRequest<RequestBody>,
    /// `None` once a task of its own drives it, or once it has ended. In a box, since it changes hands several times in
    /// each call.
    pub(crate) connection: Option<Box<UpstreamConnection>>,
}

impl Kept {
    pub(crate) fn new(sender: SendRequest<RequestBody>, connection: UpstreamConnection) -> Self {
        Self {
            sender,
            connection: Some(Box::new(connection)),
        }
    }

    /// From now on a task of its own drives the connection, through an upgrade if there is one.
    pub(crate) fn drive_in_task(&mut self) {
        if let Some(connection) = self.connection.take() {
            tokio::spawn(async move {
                if let Err(error) = connection.with_upgrades().await {
                    tracing::debug!(%error, "a connection to an upstream broke off");
                }
            });
        }
    }

    /// Whether the upstream has not closed it, as far as can be seen without waiting.
    fn is_open(&mut self) -> bool {
        if self.connection.is_none() {
            return !self.sender.is_closed();
        }
        // Whatever is left of this task's share of time: a look that is put off would find every connection busy.
        let look = pin!(unconstrained(poll_fn(|cx| Poll::Ready(self.poll_usable(cx)))));
        look.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(true)
    }

    /// Whether it can take a request: its last one is over, and the upstream has not closed it.
    fn poll_usable(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(cx).is_ready()
        {
            return false;
        }
        matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(())))
    }
}

/// The upstreams that one worker calls.
#[derive(Debug)]
pub(crate) struct Pool {
    keep_for: Duration,
    upstreams: Mutex<Upstreams>,
}

type Upstreams = HashMap<Box<str>, Arc<KnownUpstream>, foldhash::fast::RandomState>;

impl Pool {
    pub(crate) fn new(keep_for: Duration) -> Self {
        Self {
            keep_for,
            upstreams: Mutex::default(),
        }
    }

    /// An upstream; `None` for one that no request can name.
    pub(crate) fn upstream(&self, url: &UpstreamUrl) -> Option<Arc<KnownUpstream>> {
        let mut upstreams = lock(&self.upstreams);
        // As the admin wrote it: two spellings of one upstream have their own connections.
        if let Some(known) = upstreams.get(url.as_str()) {
            return Some(Arc::clone(known));
        }
        let known = Arc::new(KnownUpstream::of(url)?);
        upstreams.insert(url.as_str().into(), Arc::clone(&known));
        Some(known)
    }

    /// Closes what has waited for too long, or was closed by the upstream, and forgets upstreams that nobody calls.
    pub(crate) fn tick(&self, clock: u64) {
        let keep_for = u64::try_from(self.keep_for.as_millis()).unwrap_or(u64::MAX);
        lock(&self.upstreams).retain(|_, upstream| upstream.tick(clock, keep_for));
    }
}
