//! What an operator may set.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZero,
    sync::Arc,
    thread::available_parallelism,
    time::Duration,
};

use ipnet::IpNet;

use crate::{metrics::Metrics, observer::Observer};

/// The gateway's configuration. [`GatewayConfig::new`] gives working values for all but the address.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Where to listen; port 0 takes a free port.
    pub listen: SocketAddr,
    /// Peers whose `Forwarded`, `X-Forwarded-*`, `X-Real-IP` and `X-Request-Id` are believed. None unless set.
    pub trusted_proxies: Vec<IpNet>,
    /// Addresses that no upstream may have: those of our own other listeners. The gateway's own is added by itself.
    pub forbidden_upstreams: Vec<SocketAddr>,
    /// Threads that carry connections, each with its own connections to upstreams; as many as there are cores for this
    /// process. At least one.
    pub workers: NonZero<usize>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How much of what.
    pub limits: Limits,
    /// How TLS upstreams are verified; `None`: by the public authorities that webpki-roots holds.
    pub upstream_tls: Option<Arc<rustls::ClientConfig>>,
    /// Where calls are counted.
    pub metrics: Metrics,
    /// Who is told of each answered call. Nobody unless set.
    pub observer: Observer,
}

impl GatewayConfig {
    /// The defaults, on this address.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            trusted_proxies: Vec::new(),
            forbidden_upstreams: Vec::new(),
            workers: available_parallelism().unwrap_or(NonZero::<usize>::MIN),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            upstream_tls: None,
            metrics: Metrics::new(),
            observer: None,
        }
    }
}

/// Whether a peer is a proxy of ours.
pub(crate) fn is_trusted(trusted_proxies: &[IpNet], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    trusted_proxies.iter().any(|net| net.contains(&peer))
}

/// How long the gateway waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a client's next request head, from the last byte of the answer before; 30 s.
    pub request_head: Duration,
    /// For a connection to an upstream, name resolution included; 10 s, then 504.
    pub connect: Duration,
    /// For an upstream's response head, from the last byte of the request that it took; 60 s, then 504.
    pub response_head: Duration,
    /// For the next byte of a body, in either direction, and for a client to take one; 60 s. A client that keeps the
    /// request's body back is answered 408; a response that stalls is cut off.
    pub body_idle: Duration,
    /// How long an idle connection to an upstream is kept; 60 s.
    pub upstream_keep_alive: Duration,
    /// How long requests may go on after the shutdown has begun; 20 s.
    pub shutdown_grace: Duration,
    /// How long, once the shutdown has begun, a request may still come on a connection that is open; 1 s. It is answered,
    /// with `Connection: close`.
    pub shutdown_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            request_head: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            response_head: Duration::from_secs(60),
            body_idle: Duration::from_secs(60),
            upstream_keep_alive: Duration::from_secs(60),
            shutdown_grace: Duration::from_secs(20),
            shutdown_idle: Duration::from_secs(1),
        }
    }
}

/// How much the gateway takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Client connections at once, tunnels included; 4,096. More wait in the listen queue.
    pub connections: usize,
    /// Bytes of a request's head, and of a response's; 32 KiB, at least 8 KiB. More is answered 431.
    pub head_bytes: usize,
    /// Header lines of a request; 100. More is answered 431.
    pub header_lines: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_bytes: 32 * 1024,
            header_lines: 100,
        }
    }
}
