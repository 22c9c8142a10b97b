//! Serves the API's port: bounds what one client can hold up, and stops without breaking off what is under way.
//!
//! axum's own `serve` waits for a request's head, and for a client to take its answer, as long as the client likes.

use std::{future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, StatusCode, header::CONNECTION},
};
use gateway::drain;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

/// The most bytes of a request's head; a GET holds its document there. More is answered 431.
const HEAD_BYTES: usize = 64 * 1024;

/// After a failure to accept that is not the connection's own (no file descriptors left, most often).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one listener grants.
#[derive(Clone, Copy, Debug)]
pub struct ListenerSettings {
    /// How long a connection may take to send the head of its first or next request.
    pub head_timeout: Duration,
    /// How long a client may take none of the answer that is there for it.
    pub write_timeout: Duration,
    /// Connections at once. More wait in the listen queue.
    pub connections: usize,
    /// How long requests may go on after shutdown has begun.
    pub shutdown_grace: Duration,
    /// How long, once shutdown has begun, a request may still come on a connection that is open. It is answered, with
    /// `Connection: close`.
    pub shutdown_idle: Duration,
}

impl Default for ListenerSettings {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            connections: 1024,
            shutdown_grace: Duration::from_secs(20),
            shutdown_idle: Duration::from_secs(1),
        }
    }
}

/// Serves until `shutdown` completes. Then it takes the connections that were made and no more, answers what is under way,
/// or comes in a short while, with `Connection: close`, and returns when all is over or the grace is.
///
/// Every request carries the peer's address as [`ConnectInfo`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: ListenerSettings,
    shutdown: impl Future<Output = ()> + Send,
) {
    let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(settings.connections.min(Semaphore::MAX_PERMITS)));
    let begin = |socket: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>| {
        let serving = serve_connection(socket, peer, router.clone(), settings, stop.clone());
        let abort = abort.clone();
        connections.spawn(async move {
            tokio::select! {
                () = serving => {}
                () = abort.cancelled() => {}
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
        let _ = socket.set_nodelay(true);
        begin(socket, peer, None);
    })
    .await;
    stop.cancel();
    connections.close();
    if tokio::time::timeout(settings.shutdown_grace, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!("requests under way were broken off: the shutdown's grace is over");
        abort.cancel();
        connections.wait().await;
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
            // Without it small answers wait for the client's acknowledgement; with a failure they only come later.
            let _ = socket.set_nodelay(true);
            Some((socket, peer, place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn serve_connection(
    socket: TcpStream,
    peer: SocketAddr,
    router: Router,
    settings: ListenerSettings,
    stop: CancellationToken,
) {
    let mut socket = TimeoutStream::new(socket);
    socket.set_write_timeout(Some(settings.write_timeout));
    let stopping = stop.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answering = router.clone().oneshot(request);
        let stopping = stopping.clone();
        async move {
            let mut answer = answering.await;
            if let Ok(answer) = &mut answer
                && stopping.is_cancelled()
                && answer.status() != StatusCode::SWITCHING_PROTOCOLS
            {
                answer
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            answer
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head_timeout)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Box::pin(socket)), service)
        .with_upgrades();
    let mut served = pin!(served);
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(settings.shutdown_idle).await;
    };
    let result = tokio::select! {
        result = &mut served => result,
        () = stopped => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
