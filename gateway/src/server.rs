//! The listener: accepts, limits, and stops without breaking off what is under way.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client_io::ClientIo,
    config::GatewayConfig,
    connection::{Connection, Shared},
    connector::{Connector, TCP_KEEPALIVE},
    snapshot::SnapshotReader,
    upstream::{TlsError, Upstream},
    usage::Usage,
};

/// The gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// TLS to upstreams cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A gateway that listens, and serves once [`Gateway::serve`] is called. Until then connections wait.
pub struct Gateway {
    listener: TcpListener,
    local: SocketAddr,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Gateway")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

/// After a failure to accept that is not the connection's own (no file descriptors left, most often).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Gateway {
    /// Listens. `reader` is what it enforces, `usage` where it notes which credentials were used.
    ///
    /// # Errors
    /// [`BindError`] when the address is taken or not ours, or TLS cannot be set up.
    pub async fn bind(config: GatewayConfig, reader: SnapshotReader, usage: Arc<Usage>) -> Result<Self, BindError> {
        let address = config.listen;
        let failed = |source| BindError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let mut own_listeners = config.forbidden_upstreams.clone();
        own_listeners.push(local);
        let connector = Connector::new(own_listeners, config.timeouts.connect);
        let upstream = Upstream::new(&config, connector)?;
        let shared = Arc::new(Shared {
            config,
            reader,
            usage,
            upstream,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        Ok(Self {
            listener,
            local,
            shared,
        })
    }

    /// The address that was taken.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `shutdown` completes; then takes no more connections, closes tunnels at once, lets requests under
    /// way finish for as long as the configured grace, and returns when all is over.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) {
        let Self {
            listener,
            local,
            shared,
        } = self;
        let abort = CancellationToken::new();
        let places = Arc::new(Semaphore::new(
            shared.config.limits.connections.min(Semaphore::MAX_PERMITS),
        ));
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some((socket, peer, place)) = accept(&listener, &places) => {
                    let connection = Connection::new(Arc::clone(&shared), peer, local, place);
                    let serving = serve_connection(Arc::clone(&shared), connection, socket);
                    let abort = abort.clone();
                    shared.tasks.spawn(async move {
                        tokio::select! {
                            () = serving => {}
                            () = abort.cancelled() => {}
                        }
                    });
                }
            }
        }
        drop(listener);
        shared.stop.cancel();
        shared.tasks.close();
        tokio::select! {
            () = shared.tasks.wait() => return,
            () = sleep(shared.config.timeouts.shutdown_grace) => {}
        }
        tracing::warn!("requests under way were broken off: the shutdown's grace is over");
        abort.cancel();
        shared.tasks.wait().await;
    }
}

/// The next connection, once there is a place for it; `None` after a failure, which has been logged.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((socket, peer)) => {
            let keepalive = TcpKeepalive::new().with_time(TCP_KEEPALIVE);
            let prepared = socket
                .set_nodelay(true)
                .and_then(|()| SockRef::from(&socket).set_tcp_keepalive(&keepalive));
            if let Err(error) = prepared {
                tracing::debug!(%error, "a connection was gone before it was served");
                return None;
            }
            Some((socket, peer, place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn serve_connection(shared: Arc<Shared>, connection: Connection, socket: TcpStream) {
    let connection = Arc::new(connection);
    let local = Arc::clone(&connection);
    let service = service_fn(move |request| {
        let connection = Arc::clone(&local);
        async move { connection.serve(request).await }
    });
    let limits = shared.config.limits;
    let timeouts = shared.config.timeouts;
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.request_head)
        .max_buf_size(limits.head_bytes.max(8192))
        .max_header_size(limits.head_bytes.max(8192))
        .max_headers(limits.header_lines)
        .serve_connection(TokioIo::new(ClientIo::new(socket, timeouts.body_idle)), service)
        .with_upgrades();
    let exchanges = Arc::clone(connection.exchanges());
    drop(connection);
    let overrun = exchanges.overrun(&shared.reader);
    tokio::pin!(served, overrun);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            refused = &mut overrun => {
                tracing::info!(status = refused.status().as_u16(), "a response was cut off: its permit has ended");
                return;
            }
            () = shared.stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                served.as_mut().graceful_shutdown();
            }
            result = &mut served => {
                if let Err(error) = result {
                    tracing::debug!(%error, "a connection broke off");
                }
                return;
            }
        }
    }
}
