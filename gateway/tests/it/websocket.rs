//! Websockets pass, under a permit like every call.

use domain::access_request::AccessRequestStatus;

use crate::{
    harness::{Running, Scene, soon},
    upstreams::{self, Peer},
    wire::Client,
};

const HANDSHAKE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Agrees to the handshake (RFC 6455 §1.3's own example), then says everything back until closed. Reports the head it
/// saw.
async fn echo() -> (std::net::SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    upstreams::scripted(async |mut peer: Peer| {
        let head = peer.read_head().await.unwrap();
        peer.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n").await;
        while let Some(line) = peer.read_until("\n").await {
            peer.write(&line).await;
        }
        head
    })
    .await
}

async fn opened(gateway: &Running, scene: &Scene) -> Client {
    let mut client = Client::connect(gateway.address).await;
    client.write(scene.request("GET /mock/ws", HANDSHAKE)).await;
    let head = client.read_head().await.unwrap();
    assert_eq!(head.status, 101);
    assert_eq!(head.header("upgrade"), Some("websocket"));
    assert!(head.header("connection").unwrap().eq_ignore_ascii_case("upgrade"));
    assert_eq!(
        head.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    client
}

#[tokio::test]
async fn bytes_pass_both_ways_and_the_upstream_sees_no_key() {
    let (upstream, mut seen) = echo().await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    let mut client = opened(&gateway, &scene).await;
    for frame in ["hello\n", "\0\x01 GET / HTTP/1.1\nHost: twice\nHost: twice\n", "\n"] {
        client.write(frame).await;
        assert_eq!(client.read_until(frame.as_bytes()).await.unwrap(), frame.as_bytes());
    }
    drop(client);
    let head = soon(seen.recv()).await.unwrap();
    assert!(!head.contains(scene.key.expose()));
    let lower = head.to_lowercase();
    assert!(
        lower.contains("upgrade: websocket\r\n") && lower.contains("connection: upgrade\r\n"),
        "{head}"
    );
    assert!(
        lower.contains("sec-websocket-key: ") && head.contains(&scene.app.id.to_string()),
        "{head}"
    );
}

#[tokio::test]
async fn it_closes_when_its_approval_ends() {
    let (upstream, mut seen) = echo().await;
    let mut scene = Scene::new(&format!("http://{upstream}"));
    let mut gateway = Running::start(&scene).await;
    let mut client = opened(&gateway, &scene).await;
    scene.request.status = AccessRequestStatus::Revoked;
    gateway.publish(&scene);
    assert!(client.is_closed().await);
    soon(seen.recv()).await.unwrap();
    assert_eq!(gateway.send(scene.request("GET /mock/ws", HANDSHAKE)).await.status, 403);
}

#[tokio::test]
async fn it_closes_when_its_key_expires() {
    let (upstream, mut seen) = echo().await;
    let mut scene = Scene::new(&format!("http://{upstream}"));
    let soon_over = domain::Timestamp::now().saturating_add(std::time::Duration::from_secs(2));
    scene.credential.expires_at = Some(soon_over);
    let gateway = Running::start(&scene).await;
    let mut client = opened(&gateway, &scene).await;
    assert!(client.is_closed().await);
    assert!(domain::Timestamp::now() >= soon_over);
    soon(seen.recv()).await.unwrap();
}

#[tokio::test]
async fn without_a_key_there_is_no_handshake() {
    let (upstream, _) = echo().await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    client
        .write(format!("GET /mock HTTP/1.1\r\nHost: a\r\n{HANDSHAKE}\r\n"))
        .await;
    let response = client.read(true).await.unwrap();
    assert_eq!((response.status, response.header("connection")), (401, Some("close")));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn an_upstream_may_decline() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    // What follows a declined handshake is not read as a request.
    client
        .write(scene.request("GET /mock", HANDSHAKE) + &scene.request("GET /mock", ""))
        .await;
    let response = client.read(true).await.unwrap();
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn only_an_honest_handshake_is_passed_on() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    for (line, extra) in [
        (
            "POST /mock",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n",
        ),
        ("GET /mock", "Upgrade: websocket\r\n"),
        ("GET /mock", "Connection: Upgrade\r\nUpgrade: foo\r\n"),
        ("GET /mock", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"),
        (
            "GET /mock",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n",
        ),
        ("GET /mock", "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"),
    ] {
        let response = gateway.send(scene.request(line, extra)).await;
        assert_eq!(response.status, 200, "{line} {extra}");
        assert!(
            !response.json()["headers"].to_string().contains("upgrade"),
            "{response:?}"
        );
    }
}
