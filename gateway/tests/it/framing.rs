//! Requests that two readers could take differently, raw on the socket: 400, and the upstream sees nothing.

use crate::{
    harness::{Running, Scene, soon},
    upstreams,
    wire::Client,
};

/// An upstream that reports every request's head that reaches it.
async fn watched() -> (Scene, Running, tokio::sync::mpsc::UnboundedReceiver<Option<String>>) {
    let (upstream, seen) = upstreams::scripted(async |mut peer: upstreams::Peer| {
        let head = peer.read_head().await;
        peer.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            .await;
        head
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    (scene, gateway, seen)
}

#[tokio::test]
async fn ambiguous_requests_are_answered_400_and_never_forwarded() {
    let (scene, gateway, mut seen) = watched().await;
    let key = scene.key.expose();
    let start = format!("POST /mock HTTP/1.1\r\nHost: a\r\napikey: {key}\r\n");
    let get = format!("GET /mock HTTP/1.1\r\nHost: a\r\napikey: {key}\r\n");
    for request in [
        // Content-Length with Transfer-Encoding, both ways round.
        format!("{start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{start}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        // Lengths and codings that are not one.
        format!("{start}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        format!("{start}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        format!("{start}Content-Length: +5\r\n\r\nhello"),
        format!("{start}Content-Length: -1\r\n\r\n"),
        format!("{start}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        format!("{start}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        format!("{start}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
        format!("{start}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
        format!("POST /mock HTTP/1.0\r\napikey: {key}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{start}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        // Lines.
        format!("{get}X-Folded: a\r\n b\r\n\r\n"),
        format!("{get}X-Folded: a\r\n\tb\r\n\r\n"),
        format!("GET /mock HTTP/1.1\r\n Host: a\r\napikey: {key}\r\n\r\n"),
        format!("GET /mock HTTP/1.1\nHost: a\napikey: {key}\n\n"),
        format!("{get}X: a\n\r\n"),
        format!("{get}X: a\rY: b\r\n\r\n"),
        format!("{get}X: a\r\n\n"),
        format!("{get}X: a\0b\r\n\r\n"),
        format!("{get}X y: a\r\n\r\n"),
        format!("{get}: a\r\n\r\n"),
        format!("{get}no colon\r\n\r\n"),
        // Hosts.
        format!("GET /mock HTTP/1.1\r\napikey: {key}\r\n\r\n"),
        format!("{get}Host: a\r\n\r\n"),
        format!("{get}Host: b\r\n\r\n"),
        // Request lines.
        format!("GET  /mock HTTP/1.1\r\nHost: a\r\napikey: {key}\r\n\r\n"),
        format!("GET /mock HTTP/2.0\r\nHost: a\r\napikey: {key}\r\n\r\n"),
        format!("GET /mock\r\nHost: a\r\napikey: {key}\r\n\r\n"),
        format!("GE\x01T /mock HTTP/1.1\r\nHost: a\r\napikey: {key}\r\n\r\n"),
        format!("GET /mo ck HTTP/1.1\r\nHost: a\r\napikey: {key}\r\n\r\n"),
    ] {
        for pieces in [1, 2] {
            let mut client = Client::connect(gateway.address).await;
            for piece in request.as_bytes().chunks(request.len().div_ceil(pieces)) {
                client.write(piece).await;
            }
            let response = client
                .read(true)
                .await
                .unwrap_or_else(|| panic!("no answer to {request:?}"));
            assert_eq!(response.status, 400, "{request:?}");
        }
    }
    // The first that the upstream hears of is the honest one.
    let response = gateway.send(scene.request("GET /mock/honest", "")).await;
    assert_eq!(response.status, 200);
    let head = soon(seen.recv()).await.unwrap().unwrap();
    assert!(head.starts_with("GET /honest "), "{head}");
}

#[tokio::test]
async fn a_smuggled_request_behind_a_refused_one_is_not_served() {
    let (scene, gateway, mut seen) = watched().await;
    let key = scene.key.expose();
    let smuggled = format!("GET /mock/smuggled HTTP/1.1\r\nHost: a\r\napikey: {key}\r\n\r\n");
    let mut client = Client::connect(gateway.address).await;
    client
        .write(format!(
            "POST /mock HTTP/1.1\r\nHost: a\r\napikey: {key}\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
            5 + smuggled.len()
        ))
        .await;
    assert_eq!(client.read(true).await.unwrap().status, 400);
    assert!(client.is_closed().await);
    gateway.send(scene.request("GET /mock/honest", "")).await;
    assert!(soon(seen.recv()).await.unwrap().unwrap().starts_with("GET /honest "));
}

#[tokio::test]
async fn a_malformed_chunk_never_completes_a_request() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    for body in [
        "z\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX0\r\n\r\n",
        "-1\r\n",
        "5;\nx\r\nhello\r\n0\r\n\r\n",
    ] {
        let mut client = Client::connect(gateway.address).await;
        client
            .write(scene.request("POST /mock", "Transfer-Encoding: chunked\r\n") + body)
            .await;
        if let Some(response) = client.read(true).await {
            assert_eq!(response.status, 400, "{body:?}");
        }
    }
}

#[tokio::test]
async fn oversized_heads_are_refused() {
    let (scene, gateway, mut seen) = watched().await;
    let long = "a".repeat(40_000);
    let many: String = (0..150).map(|at| format!("X-{at}: y\r\n")).collect();
    for (request, status) in [
        (scene.request("GET /mock", &format!("X-Long: {long}\r\n")), 431),
        (scene.request("GET /mock", &many), 431),
        (scene.request(&format!("GET /mock/{long}"), ""), 431),
        (
            scene.request("GET /mock", &format!("{}: y\r\n", "n".repeat(40_000))),
            431,
        ),
    ] {
        assert_eq!(gateway.send(request).await.status, status);
    }
    let allowed = scene.request("GET /mock/honest", &format!("X-Long: {}\r\n", "a".repeat(20_000)));
    assert_eq!(gateway.send(allowed).await.status, 200);
    assert!(soon(seen.recv()).await.unwrap().unwrap().starts_with("GET /honest "));
}

#[tokio::test]
async fn connect_and_trace_are_refused() {
    let (scene, gateway, _) = watched().await;
    for line in ["TRACE /mock", "CONNECT localhost:443", "CONNECT /mock"] {
        let response = gateway.send(scene.request(line, "")).await;
        assert!(matches!(response.status, 400 | 405), "{line}: {response:?}");
    }
    let response = gateway.send(scene.request("TRACE /mock", "")).await;
    assert_eq!(response.status, 405);
    assert!(response.header("allow").is_some());
}

#[tokio::test]
async fn http_2_in_cleartext_is_not_spoken() {
    let (scene, gateway, mut seen) = watched().await;
    // By upgrade: ignored, and served in HTTP/1.1.
    let upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";
    let mut client = Client::connect(gateway.address).await;
    client.write(scene.request("GET /mock", upgrade)).await;
    let response = client.read(true).await.unwrap();
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    assert!(client.is_closed().await);
    let head = soon(seen.recv()).await.unwrap().unwrap().to_lowercase();
    assert!(
        !head.contains("upgrade") && !head.contains("h2c") && !head.contains("http2-settings"),
        "{head}"
    );
    // By prior knowledge.
    let mut client = Client::connect(gateway.address).await;
    client
        .write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await;
    let answer = client.read_to_end().await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_turn() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    let sized = scene.request("POST /mock/1", "Content-Length: 4\r\n") + "\n\r\n\0";
    let chunked = scene.request("POST /mock/2", "Transfer-Encoding: chunked\r\n") + "2\r\n\r\n\r\n0\r\n\r\n";
    let denied = "GET /mock/3 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    let last = scene.request("GET /mock/4", "");
    client.write([sized, chunked, denied, last].concat()).await;
    for (status, target) in [(200, Some("/1")), (200, Some("/2")), (401, None), (200, Some("/4"))] {
        let response = client.read(true).await.unwrap();
        assert_eq!(response.status, status);
        if let Some(target) = target {
            assert_eq!(response.json()["target"], target);
        }
    }
}

#[tokio::test]
async fn http_1_0_clients_are_served_and_closed() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    let key = scene.key.expose();
    client
        .write(format!("GET /mock HTTP/1.0\r\napikey: {key}\r\n\r\n"))
        .await;
    let response = client.read(true).await.unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.header("transfer-encoding"), None);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn only_100_continue_can_be_expected_and_only_of_allowed_calls() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    let expecting = "Expect: 100-continue\r\nContent-Length: 5\r\n";
    let mut client = Client::connect(gateway.address).await;
    client.write(scene.request("POST /mock", expecting)).await;
    let interim = client.read_until(b"\r\n\r\n").await.unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 "), "{interim:?}");
    client.write("hello").await;
    let response = client.read(true).await.unwrap();
    assert_eq!(response.json()["body"], "hello");
    assert!(!response.json()["headers"].to_string().contains("100-continue"));

    // Without a key the final answer comes at once, and no 100.
    let mut client = Client::connect(gateway.address).await;
    client
        .write(format!("POST /mock HTTP/1.1\r\nHost: a\r\n{expecting}\r\n"))
        .await;
    let head = client.read_until(b"\r\n\r\n").await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 401 "));

    let odd = scene.request("POST /mock", "Expect: a-miracle\r\nContent-Length: 0\r\n");
    assert_eq!(gateway.send(odd).await.status, 417);
}
