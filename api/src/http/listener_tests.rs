use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router, extract::ConnectInfo, routing::get};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
    task::JoinHandle,
};

use super::{ListenerSettings, serve};

/// Long enough never to pass in a test that works.
const NEVER: Duration = Duration::from_secs(600);
const SETTINGS: ListenerSettings = ListenerSettings {
    head_timeout: NEVER,
    write_timeout: NEVER,
    connections: 8,
    shutdown_grace: NEVER,
    shutdown_idle: Duration::from_millis(20),
};

struct Server {
    address: SocketAddr,
    begun: Arc<Semaphore>,
    open: Arc<Semaphore>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

async fn start(settings: ListenerSettings) -> Server {
    let (begun, open) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let gate = (begun.clone(), open.clone());
    let wait = move || async move {
        gate.0.add_permits(1);
        gate.1.acquire().await.unwrap().forget();
        "done"
    };
    let peer = |Extension(ConnectInfo(peer)): Extension<ConnectInfo<SocketAddr>>| async move { peer.to_string() };
    let large = || async { vec![b'x'; 64 << 20] };
    let router = Router::new()
        .route("/wait", get(wait))
        .route("/peer", get(peer))
        .route("/large", get(large));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { stopped.await.unwrap() };
    let serving = tokio::spawn(serve(listener, router, settings, shutdown));
    Server {
        address,
        begun,
        open,
        stop,
        serving,
    }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn begin_waiting(&self) -> TcpStream {
        let stream = self.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
        self.begun.acquire().await.unwrap().forget();
        stream
    }
}

/// Everything until the server closes the connection.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset ends it as well.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn requests_know_their_peer() {
    let server = start(SETTINGS).await;
    let stream = server
        .send("GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    let own = stream.local_addr().unwrap().to_string();
    assert!(read_to_end(stream).await.ends_with(&own));
}

#[tokio::test]
async fn shutting_down_finishes_what_is_under_way_and_takes_nothing_new() {
    let server = start(SETTINGS).await;
    let idle = server.connect().await;
    let busy = server.begin_waiting().await;
    server.stop.send(()).unwrap();
    assert_eq!(read_to_end(idle).await, "", "idle connections are closed");
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "the listener is closed"
    );
    assert!(!server.serving.is_finished());
    server.open.add_permits(1);
    let answer = read_to_end(busy).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("done"),
        "{answer}"
    );
    server.serving.await.unwrap();
}

#[tokio::test]
async fn whoever_has_connected_is_answered_and_told_that_it_is_the_last_time() {
    let server = start(ListenerSettings {
        shutdown_idle: NEVER,
        ..SETTINGS
    })
    .await;
    let mut kept = server.send("GET /peer HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut first = [0; 8];
    kept.read_exact(&mut first).await.unwrap();
    let early = server.connect().await;
    server.stop.send(()).unwrap();
    // The listener is closed: the end has begun.
    while TcpStream::connect(server.address).await.is_ok() {}
    for mut stream in [kept, early] {
        stream
            .write_all(b"GET /peer HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let answers = read_to_end(stream).await;
        assert!(answers.contains("connection: close\r\n"), "{answers}");
    }
    server.serving.await.unwrap();
}

#[tokio::test]
async fn the_grace_ends() {
    let server = start(ListenerSettings {
        shutdown_grace: Duration::from_millis(20),
        ..SETTINGS
    })
    .await;
    let busy = server.begin_waiting().await;
    server.stop.send(()).unwrap();
    server.serving.await.unwrap();
    assert_eq!(read_to_end(busy).await, "");
}

#[tokio::test]
async fn a_slow_head_is_not_waited_for() {
    let server = start(ListenerSettings {
        head_timeout: Duration::from_millis(50),
        ..SETTINGS
    })
    .await;
    for sent in ["", "GET /peer HTTP/1.1\r\nHost: x\r\n"] {
        let answer = read_to_end(server.send(sent).await).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{sent:?}: {answer}"
        );
    }
    let kept_alive = server.send("GET /peer HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(
        read_to_end(kept_alive).await.starts_with("HTTP/1.1 200"),
        "nor is a next request"
    );
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_dropped() {
    let settings = ListenerSettings {
        write_timeout: Duration::from_millis(50),
        connections: 1,
        ..SETTINGS
    };
    let server = start(settings).await;
    let silent = server.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    // The only place: this one is served when the silent client has lost it.
    let next = server
        .send("GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert!(read_to_end(next).await.starts_with("HTTP/1.1 200"));
    drop(silent);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let server = start(ListenerSettings {
        connections: 1,
        ..SETTINGS
    })
    .await;
    let first = server.begin_waiting().await;
    let mut second = server
        .send("GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(50), second.read(&mut byte)).await;
    assert!(early.is_err(), "the second one is not served yet");
    drop(first);
    server.open.add_permits(1);
    assert!(second.read(&mut byte).await.unwrap() == 1);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = start(SETTINGS).await;
    let stream = server
        .send(&format!("GET /peer?{} HTTP/1.1\r\n", "x".repeat(super::HEAD_BYTES)))
        .await;
    let answer = read_to_end(stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(!answer.contains("127.0.0.1"));
}
