//! Bodies pass as they come, in both directions, no faster than the slower side.

use std::time::Duration;

use tokio::{io::AsyncWriteExt, sync::mpsc, time::timeout};

use crate::{
    harness::{Running, Scene, soon},
    upstreams::{self, Peer},
    wire::Client,
};

#[tokio::test]
async fn each_piece_of_a_response_passes_before_the_next_is_made() {
    let (upstream, _) = upstreams::scripted(async |mut peer: Peer| {
        peer.read_head().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        for at in 0..3 {
            peer.write(&format!("7\r\nevent {at}\r\n")).await;
            // The next event waits until the client has asked for it, which it does when it has this one.
            peer.read_until("next").await;
        }
        peer.write("0\r\n\r\n").await;
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    client
        .write(scene.request("POST /mock", "Transfer-Encoding: chunked\r\n"))
        .await;
    let head = client.read_head().await.unwrap();
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    for at in 0..3 {
        client.read_until(format!("event {at}\r\n").as_bytes()).await.unwrap();
        client.write("4\r\nnext\r\n").await;
    }
    client.write("0\r\n\r\n").await;
    assert_eq!(client.read_until(b"0\r\n\r\n").await.unwrap(), b"0\r\n\r\n");
}

#[tokio::test]
async fn large_bodies_pass_unchanged_both_ways() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    let body: String = (0..2_000_000_u32)
        .map(|at| char::from(b'a' + (at % 23) as u8))
        .collect();
    let request = scene.request("PUT /mock", &format!("Content-Length: {}\r\n", body.len())) + &body;
    let response = gateway.send(request).await;
    assert_eq!(response.status, 200);
    assert!(response.json()["body"] == body.as_str());
}

/// More than all buffers on the way hold.
const FLOOD: usize = 64 * 1024 * 1024;

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_upstream_back() {
    let (progress, mut written) = mpsc::unbounded_channel();
    let (upstream, _) = upstreams::scripted(move |mut peer: Peer| {
        let progress = progress.clone();
        async move {
            peer.read_head().await;
            peer.write(&format!("HTTP/1.1 200 OK\r\nContent-Length: {FLOOD}\r\n\r\n"))
                .await;
            let piece = vec![b'x'; 64 * 1024];
            for _ in 0..FLOOD / piece.len() {
                if peer.socket.write_all(&piece).await.is_err() {
                    return;
                }
                let _ = progress.send(piece.len());
            }
        }
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    client.write(scene.request("GET /mock", "")).await;
    // All buffers fill, and then no more is taken.
    let mut taken = 0;
    while let Ok(Some(bytes)) = timeout(Duration::from_secs(1), written.recv()).await {
        taken += bytes;
    }
    assert!(
        taken < FLOOD,
        "the gateway took {taken} bytes for a client that reads nothing"
    );
    let response = client.read(true).await.unwrap();
    assert!(response.is_whole && response.body.len() == FLOOD);
}

#[tokio::test]
async fn an_upstream_that_does_not_read_holds_the_client_back() {
    let (upstream, _) = upstreams::scripted(async |mut peer: Peer| {
        peer.read_head().await;
        // Holds the connection, and reads no more.
        std::future::pending::<()>().await;
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    client
        .write(scene.request("POST /mock", &format!("Content-Length: {FLOOD}\r\n")))
        .await;
    let piece = vec![b'x'; 64 * 1024];
    let mut given = 0;
    while let Ok(written) = timeout(Duration::from_secs(1), client.socket.write(&piece)).await {
        given += written.unwrap();
        assert!(given < FLOOD, "the gateway took all for an upstream that reads nothing");
    }
}

#[tokio::test]
async fn an_early_response_passes_while_the_request_goes_on() {
    let (upstream, mut seen) = upstreams::scripted(async |mut peer: Peer| {
        peer.read_head().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly").await;
        peer.read_until("the end").await
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    client
        .write(scene.request("POST /mock", "Content-Length: 11\r\n") + "not")
        .await;
    let response = client.read(true).await.unwrap();
    assert_eq!(response.body, b"early");
    // Whether the rest still passes is the connection's affair; what counts is that nothing hangs.
    let _ = client.socket.write_all(b" the end").await;
    soon(seen.recv()).await.unwrap();
}

#[tokio::test]
async fn responses_without_a_body_have_none() {
    let (upstream, _) = upstreams::scripted(async |mut peer: Peer| {
        while let Some(head) = peer.read_head().await {
            let response = match head.split(' ').nth(1).unwrap() {
                "/head" => "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"x\"\r\n\r\n",
                "/204" => "HTTP/1.1 204 No Content\r\n\r\n",
                "/304" => "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
                "/empty" => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                "/interim" => {
                    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
                }
                _ => "HTTP/1.1 200 OK\r\n\r\nuntil close",
            };
            peer.write(response).await;
            if head.contains("/close") {
                return;
            }
        }
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    for (line, status, length, body) in [
        ("HEAD /mock/head", 200, Some("1234"), ""),
        ("GET /mock/204", 204, None, ""),
        ("GET /mock/304", 304, None, ""),
        ("GET /mock/empty", 200, Some("0"), ""),
        ("GET /mock/interim", 201, Some("2"), "ok"),
        ("GET /mock/close", 200, None, "until close"),
    ] {
        client.write(scene.request(line, "")).await;
        let response = client.read(!line.starts_with("HEAD")).await.unwrap();
        assert_eq!(response.status, status, "{line}");
        assert_eq!(response.header("content-length"), length, "{line}");
        assert_eq!(response.body, body.as_bytes(), "{line}");
    }
}

#[tokio::test]
async fn a_denied_upload_gets_its_answer() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    let body = "x".repeat(200_000);
    client
        .write(format!(
            "POST /mock HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
    assert_eq!(client.read(true).await.unwrap().status, 401);
}
