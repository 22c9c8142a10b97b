//! The listener: accepts, limits, and stops without breaking off what is under way.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::sleep,
};

use crate::{
    config::GatewayConfig,
    connector::{Connector, TCP_KEEPALIVE, TlsError},
    drain::drain,
    snapshot::SnapshotReader,
    usage::Usage,
    worker::{Accepted, Common, Worker},
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
    common: Common,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Gateway")
            .field("local", &self.common.local)
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
        let common = Common {
            connector: Connector::new(&config, own_listeners)?,
            config: Arc::new(config),
            reader,
            usage,
            local,
        };
        Ok(Self { listener, common })
    }

    /// The address that was taken.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.common.local
    }

    /// Serves until `shutdown` completes, on threads of its own, as many as are configured. Then it takes the connections
    /// that were made and no more, closes tunnels, answers what is under way, or comes in the configured time, with
    /// `Connection: close`, and returns when all is over or the grace is.
    ///
    /// Where the system gives it not one thread, it says so in the log and returns.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) {
        let Self { listener, common } = self;
        let (workers, ends) = start_workers(&common);
        if workers.is_empty() {
            return;
        }
        let places = Arc::new(Semaphore::new(
            common.config.limits.connections.min(Semaphore::MAX_PERMITS),
        ));
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(accepted) = accept(&listener, &places) => give(&workers, accepted),
            }
        }
        drain(listener, |socket, peer| {
            // The limit no longer counts: no more will come than are there.
            if let Ok(place) = Arc::new(Semaphore::new(1)).try_acquire_owned()
                && let Some(accepted) = prepared(socket, peer, place)
            {
                give(&workers, accepted);
            }
        })
        .await;
        drop(workers);
        for end in ends {
            // An error is an end as well.
            let _ = end.await;
        }
    }
}

fn start_workers(common: &Common) -> (Vec<Worker>, Vec<oneshot::Receiver<()>>) {
    let started = (0..common.config.workers.get()).map_while(|_| match Worker::start(common.clone()) {
        Ok(worker) => Some(worker),
        Err(error) => {
            tracing::error!(%error, "a thread for the gateway could not be started");
            None
        }
    });
    started.unzip()
}

/// The next connection, once there is a place for it; `None` after a failure, which has been logged.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((socket, peer)) => prepared(socket, peer, place),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn prepared(socket: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) -> Option<Accepted> {
    let keepalive = TcpKeepalive::new().with_time(TCP_KEEPALIVE);
    let prepared = socket
        .set_nodelay(true)
        .and_then(|()| SockRef::from(&socket).set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.into_std());
    match prepared {
        Ok(socket) => Some(Accepted { socket, peer, place }),
        Err(error) => {
            tracing::debug!(%error, "a connection was gone before it was served");
            None
        }
    }
}

fn give(workers: &[Worker], accepted: Accepted) {
    let fewest = workers.iter().min_by_key(|worker| worker.connections());
    if !fewest.is_some_and(|worker| worker.give(accepted)) {
        tracing::error!("a connection was dropped: its worker is gone");
    }
}
