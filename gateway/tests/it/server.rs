//! The listener: limits, patience with clients, and an orderly end.

use std::sync::Arc;

use portico_gateway::{BindError, Gateway, GatewayConfig, Usage, snapshot};
use tokio::sync::Semaphore;

use crate::{
    harness::{Running, SHORT, Scene, soon},
    upstreams::{self, Peer},
    wire::Client,
};

#[tokio::test]
async fn a_taken_address_is_an_error_that_names_it() {
    let scene = Scene::new("http://localhost:1");
    let gateway = Running::start(&scene).await;
    let (_writer, reader) = snapshot::channel();
    let config = GatewayConfig::new(gateway.address);
    let error = Gateway::bind(config, reader, Arc::new(Usage::new())).await.unwrap_err();
    assert!(matches!(error, BindError::Listen { .. }));
    assert!(error.to_string().contains(&gateway.address.to_string()));
}

#[tokio::test]
async fn a_client_that_dawdles_over_its_head_is_dropped() {
    let scene = Scene::new("http://localhost:1");
    let gateway = Running::with(&scene, |config| config.timeouts.request_head = 3 * SHORT).await;
    for start in ["", "GET /mock HTTP/1.1\r\nHost: a\r\nX-"] {
        let mut client = Client::connect(gateway.address).await;
        client.write(start).await;
        assert!(client.is_closed().await, "{start:?}");
    }
    // Between requests, too.
    let mut client = Client::connect(gateway.address).await;
    client.write("GET /mock HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.read(true).await.unwrap().status, 401);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_dropped() {
    let (upstream, mut closed) = upstreams::scripted(async |mut peer: Peer| {
        use tokio::io::AsyncWriteExt;
        peer.read_head().await;
        peer.write("HTTP/1.1 200 OK\r\n\r\n").await;
        let piece = vec![b'x'; 64 * 1024];
        while peer.socket.write_all(&piece).await.is_ok() {}
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::with(&scene, |config| config.timeouts.body_idle = SHORT).await;
    let mut client = Client::connect(gateway.address).await;
    client.write(scene.request("GET /mock", "")).await;
    soon(closed.recv()).await.unwrap();
    drop(client);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::with(&scene, |config| config.limits.connections = 2).await;
    let mut first = Client::connect(gateway.address).await;
    let mut second = Client::connect(gateway.address).await;
    for client in [&mut first, &mut second] {
        client.write(scene.request("GET /mock", "")).await;
        assert_eq!(client.read(true).await.unwrap().status, 200);
    }
    let mut third = Client::connect(gateway.address).await;
    third.write(scene.request("GET /mock", "")).await;
    let waits = tokio::time::timeout(SHORT, third.read(true)).await;
    assert!(waits.is_err(), "the third was served beside the two");
    drop(first);
    assert_eq!(third.read(true).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_orderly_end_finishes_calls_and_closes_the_rest() {
    // The upstream answers once the test says so.
    let go = Arc::new(Semaphore::new(0));
    let may_answer = Arc::clone(&go);
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let (upstream, _) = upstreams::scripted(move |mut peer: Peer| {
        let (may_answer, arrived) = (Arc::clone(&may_answer), arrived.clone());
        async move {
            let head = peer.read_head().await.unwrap();
            arrived.send(()).unwrap();
            if head.contains("/ws") {
                peer.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                    .await;
                return peer.closed().await;
            }
            may_answer.acquire().await.unwrap().forget();
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").await;
        }
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let mut gateway = Running::start(&scene).await;
    let address = gateway.address;
    let mut idle = Client::connect(address).await;
    idle.write("GET /mock HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(idle.read(true).await.unwrap().status, 401);
    let mut tunnel = Client::connect(address).await;
    tunnel
        .write(scene.request("GET /mock/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n"))
        .await;
    assert_eq!(tunnel.read_head().await.unwrap().status, 101);
    let mut busy = Client::connect(address).await;
    busy.write(scene.request("GET /mock", "")).await;
    soon(arrivals.recv()).await.unwrap();
    soon(arrivals.recv()).await.unwrap();

    gateway.begin_shutdown();
    assert!(tunnel.is_closed().await);
    assert!(idle.is_closed().await);
    go.add_permits(1);
    let response = busy.read(true).await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, &b"done"[..]));
    assert!(busy.is_closed().await);
    gateway.stopped().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let (upstream, mut closed) = upstreams::scripted(async |mut peer: Peer| {
        peer.read_head().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n").await;
        peer.closed().await;
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let mut gateway = Running::with(&scene, |config| config.timeouts.shutdown_grace = SHORT).await;
    let mut client = Client::connect(gateway.address).await;
    client.write(scene.request("GET /mock", "")).await;
    client.read_head().await.unwrap();
    gateway.begin_shutdown();
    gateway.stopped().await;
    assert!(client.is_closed().await);
    soon(closed.recv()).await.unwrap();
}
