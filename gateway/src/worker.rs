//! Workers: threads that carry connections, each by itself.
//!
//! A worker has a runtime of one thread, its own connections to upstreams and its own supervisor, so that a call never
//! changes threads and shares nothing that is written to. The listener gives each new connection to the worker that has
//! the fewest.

use std::{
    future::{Future, poll_fn},
    io,
    net::{SocketAddr, TcpStream as StdTcpStream},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client_io::ClientIo,
    config::{GatewayConfig, Limits},
    connection::{Connection, Shared},
    connector::Connector,
    plain::{self, Left},
    request_id::RequestIds,
    snapshot::SnapshotReader,
    supervision::{Supervisor, Watched},
    upstream::Upstream,
    usage::Usage,
};

/// A client's connection, not yet served.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) socket: StdTcpStream,
    pub(crate) peer: SocketAddr,
    /// Its place among the limited number.
    pub(crate) place: OwnedSemaphorePermit,
}

/// What every worker is given.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) config: Arc<GatewayConfig>,
    pub(crate) reader: SnapshotReader,
    pub(crate) usage: Arc<Usage>,
    pub(crate) connector: Connector,
    pub(crate) local: SocketAddr,
}

/// A running worker, as the listener sees it. Dropped, it takes no more connections, closes tunnels at once, lets
/// requests under way finish for as long as the configured grace, and ends.
#[derive(Debug)]
pub(crate) struct Worker {
    accepted: mpsc::UnboundedSender<Accepted>,
    connections: Arc<AtomicUsize>,
}

/// Names of threads are cut at 15 bytes where they are shown.
const THREAD_NAME: &str = "portico-gateway";
/// Names of upstreams are resolved on threads of their own.
const RESOLVING_THREADS: usize = 16;

impl Worker {
    /// Starts a worker; what is returned beside it completes when it has ended.
    pub(crate) fn start(common: Common) -> io::Result<(Self, oneshot::Receiver<()>)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(RESOLVING_THREADS)
            .build()?;
        let (accepted, arrivals) = mpsc::unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let (ended, has_ended) = oneshot::channel();
        thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(move || {
            runtime.block_on(run(common, arrivals, count));
            runtime.shutdown_background();
            let _ = ended.send(());
        })?;
        let worker = Self { accepted, connections };
        Ok((worker, has_ended))
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Gives the worker a connection; `false` when it has ended by itself.
    pub(crate) fn give(&self, accepted: Accepted) -> bool {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.accepted.send(accepted).is_ok()
    }
}

async fn run(common: Common, mut arrivals: mpsc::UnboundedReceiver<Accepted>, count: Arc<AtomicUsize>) {
    let Common {
        config,
        reader,
        usage,
        connector,
        local,
    } = common;
    let timeouts = config.timeouts;
    let supervisor = Arc::new(Supervisor::new(reader.clone(), timeouts));
    let shared = Arc::new(Shared {
        upstream: Upstream::new(&config, connector),
        config,
        reader,
        usage: usage.recorder(),
        request_ids: RequestIds::new(),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
    });
    let (watching, upstreams) = (Arc::clone(&supervisor), Arc::clone(&shared));
    let watching = tokio::spawn(async move { watching.run(|clock| upstreams.upstream.tick(clock)).await });
    while let Some(Accepted { socket, peer, place }) = arrivals.recv().await {
        let counted = Counted(Arc::clone(&count));
        let connection = Connection::new(Arc::clone(&shared), supervisor.watch(), peer, local, place);
        let limits = shared.config.limits;
        shared.tasks.spawn(async move {
            serve(connection, socket, limits).await;
            drop(counted);
        });
    }
    supervisor.stop();
    shared.stop.cancel();
    shared.tasks.close();
    tokio::select! {
        () = shared.tasks.wait() => {}
        () = sleep(timeouts.shutdown_grace) => {
            tracing::warn!("requests under way were broken off: the shutdown's grace is over");
            supervisor.cut_all();
            shared.tasks.wait().await;
        }
    }
    watching.abort();
}

/// Takes one off when a connection ends, however it does.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// hyper keeps room for this many on the stack, and allocates for any other number.
const HYPERS_HEADER_LINES: usize = 100;

async fn serve(connection: Connection, socket: StdTcpStream, limits: Limits) {
    let socket = match TcpStream::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(%error, "a connection was gone before it was served");
            return;
        }
    };
    let watched = Arc::clone(connection.watched());
    let write_limit = connection.timeouts().body_idle;
    let io = match unless_cut(&watched, pin!(plain::serve(&connection, socket))).await {
        None | Some(Left::Nothing) => return,
        Some(Left::Close(socket)) => {
            let closing = ClientIo::new(socket, None, write_limit).close();
            unless_cut(&watched, pin!(closing)).await;
            return;
        }
        Some(Left::Long { socket, bytes, handed }) => {
            if let Some(handed) = handed {
                connection.hand_over(handed);
            }
            ClientIo::after(bytes, socket, Some(Arc::clone(&watched)), write_limit)
        }
    };
    let connection = Arc::new(connection);
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { connection.serve(request).await }
    });
    let mut builder = http1::Builder::new();
    builder
        // The supervisor is quicker at it than a timer for each request.
        .header_read_timeout(None)
        .max_buf_size(limits.head_bytes.max(8192))
        .max_header_size(limits.head_bytes.max(8192));
    if limits.header_lines != HYPERS_HEADER_LINES {
        builder.max_headers(limits.header_lines);
    }
    let mut served = pin!(builder.serve_connection(TokioIo::new(io), service).with_upgrades());
    let mut is_closing = false;
    let result = unless_cut(
        &watched,
        poll_fn(|cx| {
            if !is_closing && watched.is_closing() {
                is_closing = true;
                served.as_mut().graceful_shutdown();
            }
            served.as_mut().poll(cx)
        }),
    );
    if let Some(Err(error)) = result.await {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// What comes of a connection; `None` when it is cut.
async fn unless_cut<T>(watched: &Watched, mut serving: impl Future<Output = T> + Unpin) -> Option<T> {
    let mut is_registered = false;
    poll_fn(|cx| {
        // Once is enough: a task keeps its waker.
        if !is_registered {
            watched.register(cx);
            is_registered = true;
        }
        if watched.is_cut() {
            return Poll::Ready(None);
        }
        Pin::new(&mut serving).poll(cx).map(Some)
    })
    .await
}
