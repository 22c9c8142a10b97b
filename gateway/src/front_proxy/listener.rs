//! Where proxies ask: a listener of its own for each protocol.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{HeaderValue, header::CONNECTION};
use hyper::{
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{asked::Asked, ext_authz, forward_auth};
use crate::{
    client_io::ClientIo, config::is_trusted, drain::drain, metrics::Metrics, server::BindError,
    snapshot::SnapshotReader, usage::Usage,
};

/// In which words proxies ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 subrequests of nginx, Traefik and Caddy.
    ForwardAuth,
    /// gRPC calls of Envoy and those who speak its protocol.
    ExtAuthz,
}

/// Who may ask, and where.
#[derive(Clone, Debug)]
pub struct FrontProxyConfig {
    /// Where to listen; port 0 takes a free port.
    pub listen: SocketAddr,
    /// Who may ask. All others are refused: they could find keys by trying without being seen at the gateway.
    pub trusted_proxies: Vec<IpNet>,
    /// How long questions may go on after the shutdown has begun.
    pub shutdown_grace: Duration,
    /// Where decisions are counted.
    pub metrics: Metrics,
}

/// Connections at once; more wait in the listen queue. Proxies keep a few open and ask many times over each.
const MAX_CONNECTIONS: usize = 1024;
/// Bytes of a question's head: a client's, and what the proxy says beside it.
const HEAD_BYTES: usize = 64 * 1024;
const HEADER_LINES: usize = 150;
/// For a proxy to take an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// For the next question on a kept connection.
const IDLE: Duration = Duration::from_secs(300);
/// Between signs of life on an HTTP/2 connection.
const PING: Duration = Duration::from_secs(30);
/// For questions that are on their way when the shutdown begins. HTTP/2 has its own word for the end.
const LAST_QUESTIONS: Duration = Duration::from_secs(1);
/// After a failure to accept that is not the connection's own.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener that serves once [`FrontProxyListener::serve`] is called.
#[derive(Debug)]
pub struct FrontProxyListener {
    protocol: Protocol,
    listener: TcpListener,
    local: SocketAddr,
    config: FrontProxyConfig,
    asked: Arc<Asked>,
}

impl FrontProxyListener {
    /// Listens. `reader` is what it decides by, `usage` where it notes which credentials were used.
    ///
    /// # Errors
    /// [`BindError`] when the address is taken or not ours.
    pub async fn bind(
        protocol: Protocol,
        config: FrontProxyConfig,
        reader: SnapshotReader,
        usage: Arc<Usage>,
    ) -> Result<Self, BindError> {
        let address = config.listen;
        let failed = |source| BindError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        Ok(Self {
            protocol,
            listener,
            local,
            asked: Arc::new(Asked {
                reader,
                usage,
                protocol,
                metrics: config.metrics.clone(),
            }),
            config,
        })
    }

    /// The address that was taken.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `shutdown` completes; then takes no more connections, answers what was asked, and returns when all
    /// is over or the grace is.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) {
        let Self {
            protocol,
            listener,
            local: _,
            config,
            asked,
        } = self;
        let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let begin = |socket: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>| {
            let is_trusted = is_trusted(&config.trusted_proxies, peer.ip());
            if !is_trusted {
                tracing::warn!(%peer, "asked by somebody who is not among the trusted proxies");
            }
            let asked = Arc::clone(&asked);
            let (stop, abort) = (stop.clone(), abort.clone());
            tasks.spawn(async move {
                let serving = async {
                    match protocol {
                        Protocol::ForwardAuth => serve_forward_auth(asked, socket, is_trusted, stop).await,
                        Protocol::ExtAuthz => serve_ext_authz(asked, socket, is_trusted, stop).await,
                    }
                };
                let served = tokio::select! {
                    served = serving => served,
                    () = abort.cancelled() => Ok(()),
                };
                if let Err(error) = served {
                    tracing::debug!(%error, "a proxy's connection broke off");
                }
                drop(place);
            });
        };
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some((socket, peer, place)) = accept(&listener, &places) => begin(socket, peer, Some(place)),
            }
        }
        // The limit no longer counts: no more will come than are there.
        drain(listener, |socket, peer| {
            if socket.set_nodelay(true).is_ok() {
                begin(socket, peer, None);
            }
        })
        .await;
        stop.cancel();
        tasks.close();
        tokio::select! {
            () = tasks.wait() => return,
            () = sleep(config.shutdown_grace) => {}
        }
        abort.cancel();
        tasks.wait().await;
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((socket, peer)) => socket.set_nodelay(true).is_ok().then_some((socket, peer, place)),
        Err(error) => {
            tracing::warn!(%error, "a proxy's connection could not be accepted");
            sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn serve_forward_auth(
    asked: Arc<Asked>,
    socket: TcpStream,
    is_trusted: bool,
    stop: CancellationToken,
) -> hyper::Result<()> {
    let service = service_fn(|request| {
        let mut response = forward_auth::answer(&asked, &request, is_trusted);
        if stop.is_cancelled() {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD_BYTES)
        .max_header_size(HEAD_BYTES)
        .max_headers(HEADER_LINES)
        .serve_connection(TokioIo::new(ClientIo::new(socket, None, PATIENCE)), service);
    let mut connection = pin!(connection);
    let stopped = async {
        stop.cancelled().await;
        sleep(LAST_QUESTIONS).await;
    };
    tokio::select! {
        served = &mut connection => return served,
        () = stopped => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

async fn serve_ext_authz(
    asked: Arc<Asked>,
    socket: TcpStream,
    is_trusted: bool,
    stop: CancellationToken,
) -> hyper::Result<()> {
    let service = service_fn(|request| ext_authz::answer(Arc::clone(&asked), request, is_trusted));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PATIENCE)
        .max_header_list_size(16 * 1024)
        .serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    tokio::select! {
        served = &mut connection => return served,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
