//! Plain exchanges and those that are not: whatever way a call goes, the client and the upstream see the same.

use std::sync::Arc;

use domain::app::AppStatus;
use tokio::sync::Semaphore;

use crate::{
    harness::{Running, Scene, soon},
    upstreams::{self, Peer},
    wire::Client,
};

/// Requests of every way: one that is plain, and ones with an empty body, a list in `Connection`, an underscore.
const WAYS: [(&str, &str); 4] = [
    ("GET /mock", ""),
    ("POST /mock", "Content-Length: 0\r\n"),
    ("GET /mock", "Connection: keep-alive, x-hop\r\nX-Hop: 1\r\n"),
    ("GET /mock", "X_Odd: 1\r\n"),
];

#[tokio::test]
async fn the_upstream_hears_the_same_by_either_way() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    let extra = "User-Agent: x\r\nX-API-KEY2: 1\r\nX-Consumer-ID: forged\r\nX-Forwarded-For: 6.6.6.6\r\nVia: 1.0 a\r\nTE: x\r\n";
    let mut heard = Vec::new();
    for hop in ["", "Connection: x-hop\r\nX-Hop: 1\r\n"] {
        let request = scene.request("GET /mock/a%20b?c=%7E", &format!("{extra}{hop}"));
        let response = gateway.send(request).await;
        assert_eq!(response.status, 200);
        let json = response.json();
        let mut headers: Vec<(String, String)> = json["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| {
                (
                    pair[0].as_str().unwrap().to_owned(),
                    pair[1].as_str().unwrap().to_owned(),
                )
            })
            .filter(|(name, _)| name != "x-request-id")
            .collect();
        headers.sort();
        heard.push((json["method"].clone(), json["target"].clone(), headers));
    }
    assert_eq!(heard[0], heard[1]);
}

#[tokio::test]
async fn a_connection_changes_its_way_between_requests() {
    let scene = Scene::new(&format!("http://{}", upstreams::echo().await));
    let gateway = Running::start(&scene).await;
    for (line, extra) in WAYS {
        let mut client = Client::connect(gateway.address).await;
        // One after the other, and then all at once.
        for (line, extra) in [WAYS[0], WAYS[0], (line, extra), WAYS[0]] {
            client.write(scene.request(line, extra)).await;
            assert_eq!(client.read(true).await.unwrap().status, 200, "{line} {extra}");
        }
        let mut client = Client::connect(gateway.address).await;
        let body = "POST /mock/last HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n";
        let body = format!("{body}apikey: {}\r\n\r\nok", scene.key.expose());
        let all = [
            scene.request("GET /mock/1", ""),
            scene.request(&format!("{line}/2"), extra),
            scene.request("GET /mock/3", ""),
            body,
        ];
        client.write(all.concat()).await;
        for target in ["/1", "/2", "/3", "/last"] {
            let response = client.read(true).await.unwrap();
            assert_eq!(response.json()["target"], target, "{line} {extra}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_not_plain_is_read_to_its_end_and_asked_for_once() {
    for (answer, body) in [
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "abc",
        ),
        (
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            "abc",
        ),
        ("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "abc"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: x\r\n\r\nabc",
            "abc",
        ),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", ""),
    ] {
        let (upstream, mut served) = upstreams::scripted(async move |mut peer: Peer| {
            let mut heads = 0;
            while peer.read_head().await.is_some() {
                heads += 1;
                // In two pieces, so that the first is not yet an answer.
                let (first, rest) = answer.split_at(9);
                peer.write(first).await;
                peer.socket.set_nodelay(true).unwrap();
                peer.write(rest).await;
            }
            heads
        })
        .await;
        let scene = Scene::new(&format!("http://{upstream}"));
        let gateway = Running::start(&scene).await;
        let mut client = Client::connect(gateway.address).await;
        for _ in 0..3 {
            client.write(scene.request("GET /mock", "")).await;
            let response = client.read(true).await.unwrap();
            assert!(response.is_whole, "{answer:?}");
            assert_eq!(response.body, body.as_bytes(), "{answer:?}");
        }
        drop(client);
        gateway.stopped().await;
        let mut asked = 0;
        while asked < 3 {
            asked += soon(served.recv()).await.unwrap();
        }
        assert_eq!(asked, 3, "{answer:?}");
    }
}

#[tokio::test]
async fn what_comes_behind_an_answer_answers_nobody() {
    let forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ] {
        let (upstream, _) = upstreams::scripted(move |mut peer: Peer| async move {
            while peer.read_head().await.is_some() {
                peer.write(&format!("{answer}{forged}")).await;
            }
        })
        .await;
        let scene = Scene::new(&format!("http://{upstream}"));
        let gateway = Running::start(&scene).await;
        let mut client = Client::connect(gateway.address).await;
        for _ in 0..5 {
            client.write(scene.request("GET /mock", "")).await;
            let response = client.read(true).await.unwrap();
            assert!(
                response.status < 300 && response.body != b"forged",
                "{answer:?}: {response:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_answer_before_the_question_is_nobodys() {
    // Each connection answers once, and then says something unasked.
    let (upstream, _) = upstreams::scripted(async |mut peer: Peer| {
        peer.read_head().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged").await;
        peer.closed().await;
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    for _ in 0..10 {
        client.write(scene.request("GET /mock", "")).await;
        let response = client.read(true).await.unwrap();
        assert_eq!(response.body, b"ok");
    }
}

#[tokio::test]
async fn a_long_answer_passes_whole_and_its_connection_is_used_again() {
    const LONG: usize = 3_000_001;
    let (upstream, mut served) = upstreams::scripted(async |mut peer: Peer| {
        let mut heads = 0;
        while peer.read_head().await.is_some() {
            heads += 1;
            let body: String = (0..LONG).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
            peer.write(&format!("HTTP/1.1 200 OK\r\nContent-Length: {LONG}\r\n\r\n{body}"))
                .await;
        }
        heads
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    for _ in 0..3 {
        client.write(scene.request("GET /mock", "")).await;
        let response = client.read(true).await.unwrap();
        assert!(response.is_whole && response.body.len() == LONG);
        assert!(
            response
                .body
                .iter()
                .enumerate()
                .all(|(at, byte)| *byte == b'a' + (at % 26) as u8)
        );
    }
    drop(client);
    gateway.stopped().await;
    assert_eq!(soon(served.recv()).await, Some(3));
}

#[tokio::test]
async fn the_last_answers_say_so_by_either_way() {
    let go = Arc::new(Semaphore::new(0));
    let may_answer = Arc::clone(&go);
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let (upstream, _) = upstreams::scripted(move |mut peer: Peer| {
        let (may_answer, arrived) = (Arc::clone(&may_answer), arrived.clone());
        async move {
            while peer.read_head().await.is_some() {
                arrived.send(()).unwrap();
                may_answer.acquire().await.unwrap().forget();
                peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            }
        }
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let mut gateway = Running::with(&scene, |config| {
        config.timeouts.shutdown_idle = std::time::Duration::from_secs(600);
    })
    .await;
    let (mut under_way, mut kept, mut unused) = (Vec::new(), Vec::new(), Vec::new());
    for (line, extra) in WAYS {
        let mut client = Client::connect(gateway.address).await;
        client.write(scene.request(line, extra)).await;
        soon(arrivals.recv()).await.unwrap();
        under_way.push(client);
        let mut client = Client::connect(gateway.address).await;
        client.write(scene.request(line, extra)).await;
        soon(arrivals.recv()).await.unwrap();
        kept.push(client);
        unused.push(Client::connect(gateway.address).await);
    }
    // Both have begun; the second of each pair is answered before the end.
    go.add_permits(2 * WAYS.len());
    for client in under_way.iter_mut().chain(&mut kept) {
        let response = client.read(true).await.unwrap();
        assert_eq!((response.status, response.header("connection")), (200, None));
    }
    for (client, (line, extra)) in under_way.iter_mut().zip(WAYS) {
        client.write(scene.request(line, extra)).await;
        soon(arrivals.recv()).await.unwrap();
    }
    gateway.begin_shutdown();
    // The listener is closed once it has taken all who had connected.
    while tokio::net::TcpStream::connect(gateway.address).await.is_ok() {}
    for (clients, has_asked) in [(&mut under_way, true), (&mut kept, false), (&mut unused, false)] {
        for (client, (line, extra)) in clients.iter_mut().zip(WAYS) {
            if !has_asked {
                client.write(scene.request(line, extra)).await;
                soon(arrivals.recv()).await.unwrap();
            }
            go.add_permits(1);
            let response = client.read(true).await.unwrap();
            assert_eq!(
                (response.status, response.header("connection")),
                (200, Some("close")),
                "{line} {extra}"
            );
            assert!(client.is_closed().await);
        }
    }
    gateway.stopped().await;
}

#[tokio::test]
async fn a_long_answer_is_cut_with_its_permit() {
    let (upstream, mut closed) = upstreams::scripted(async |mut peer: Peer| {
        peer.read_head().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun").await;
        peer.closed().await;
    })
    .await;
    let mut scene = Scene::new(&format!("http://{upstream}"));
    let mut gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    client.write(scene.request("GET /mock", "")).await;
    client.read_until(b"begun").await.unwrap();
    scene.app.status = AppStatus::Suspended;
    gateway.publish(&scene);
    assert!(client.is_closed().await);
    soon(closed.recv()).await.unwrap();
}
