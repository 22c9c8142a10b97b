//! What is under way ends with its permit, within a second; here: without the test hanging.

use std::time::Duration;

use domain::{Timestamp, access_request::AccessRequestStatus, app::AppStatus, version::VersionLifecycle};
use portico_gateway::record::Update;
use tokio::{
    io::AsyncWriteExt,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use crate::{
    harness::{Running, Scene, soon},
    upstreams::{self, Peer},
    wire::Client,
};

/// An upstream that streams without end, or, asked for `/waits`, never answers.
struct Endless {
    address: std::net::SocketAddr,
    arrivals: UnboundedReceiver<()>,
    closed: UnboundedReceiver<()>,
}

impl Endless {
    async fn start() -> Self {
        let (arrived, arrivals) = unbounded_channel();
        let (address, closed) = upstreams::scripted(move |mut peer: Peer| {
            let arrived = arrived.clone();
            async move {
                let head = peer.read_head().await.unwrap();
                arrived.send(()).unwrap();
                if !head.contains("/waits") {
                    peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n")
                        .await;
                }
                if head.contains("/floods") {
                    let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
                    while peer.socket.write_all(piece.as_bytes()).await.is_ok() {}
                }
                peer.closed().await;
            }
        })
        .await;
        Self {
            address,
            arrivals,
            closed,
        }
    }

    fn scene(&self) -> Scene {
        Scene::new(&format!("http://{}", self.address))
    }
}

type Change = fn(&Scene) -> Vec<Update>;

/// All that ends a permit, with the answer to a call that still waits.
const ENDS: [(Change, u16, Option<&str>); 10] = [
    (
        |scene| {
            let mut request = scene.request.clone();
            request.status = AccessRequestStatus::Revoked;
            vec![request.into()]
        },
        403,
        Some("REQUEST_REVOKED"),
    ),
    (
        |scene| vec![Update::AccessRequest(scene.app.id, scene.version.id, None)],
        403,
        Some("NOT_REQUESTED"),
    ),
    (
        |scene| {
            let mut app = scene.app.clone();
            app.status = AppStatus::Suspended;
            vec![app.into()]
        },
        403,
        Some("APP_SUSPENDED"),
    ),
    (
        |scene| {
            let mut credential = scene.credential.clone();
            credential.revoked_at = Some(Timestamp::now());
            vec![credential.into()]
        },
        401,
        Some("CREDENTIAL_REVOKED"),
    ),
    (
        // By the passing of time alone.
        |scene| {
            let mut credential = scene.credential.clone();
            credential.expires_at = Some(Timestamp::now().saturating_add(Duration::from_millis(300)));
            vec![credential.into()]
        },
        401,
        Some("CREDENTIAL_EXPIRED"),
    ),
    (|scene| vec![Update::Credential(scene.credential.id, None)], 401, None),
    (|scene| vec![Update::AuthStrategy(scene.strategy.id, None)], 401, None),
    (
        |scene| {
            let mut strategy = scene.strategy.clone();
            strategy.key_names = vec!["x-other".to_owned()];
            vec![strategy.into()]
        },
        401,
        None,
    ),
    (
        |scene| {
            let mut version = scene.version.clone();
            version.lifecycle = VersionLifecycle::Retired;
            vec![version.into()]
        },
        410,
        Some("VERSION_RETIRED"),
    ),
    (
        |scene| {
            let mut version = scene.version.clone();
            version.service = None;
            vec![version.into()]
        },
        404,
        None,
    ),
];

#[tokio::test]
async fn streams_are_cut_and_waiting_calls_answered() {
    let mut upstream = Endless::start().await;
    for (change, status, denial) in ENDS {
        let scene = upstream.scene();
        let mut gateway = Running::start(&scene).await;
        let mut streaming = Client::connect(gateway.address).await;
        streaming.write(scene.request("GET /mock", "")).await;
        streaming.read_until(b"event\r\n").await.unwrap();
        // This one reads nothing, so that nobody polls the body in the gateway.
        let mut stuck = Client::connect(gateway.address).await;
        stuck.write(scene.request("GET /mock/floods", "")).await;
        stuck.read_until(b"event\r\n").await.unwrap();
        let mut waiting = Client::connect(gateway.address).await;
        waiting.write(scene.request("GET /mock/waits", "")).await;
        let mut uploading = Client::connect(gateway.address).await;
        uploading
            .write(scene.request("POST /mock/waits", "Content-Length: 10\r\n") + "half")
            .await;

        for _ in 0..4 {
            soon(upstream.arrivals.recv()).await.unwrap();
        }
        gateway.writer.apply(change(&scene)).unwrap();
        assert!(streaming.is_closed().await, "{denial:?}");
        for client in [&mut waiting, &mut uploading] {
            let response = client.read(true).await.unwrap();
            assert_eq!((response.status, response.header("x-portico-denial")), (status, denial));
        }
        for _ in 0..4 {
            soon(upstream.closed.recv()).await.unwrap();
        }
        stuck.read_to_end().await;
    }
}

#[tokio::test]
async fn other_changes_leave_streams_alone() {
    let (upstream, _) = upstreams::scripted(async |mut peer: Peer| {
        peer.read_head().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none").await;
        peer.read_until("go on").await;
        peer.write("two").await;
    })
    .await;
    let mut scene = Scene::new(&format!("http://{upstream}"));
    let mut gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    client.write(scene.request("POST /mock", "Content-Length: 5\r\n")).await;
    client.read_until(b"one").await.unwrap();
    // Another app's fate; this version's new name of key, beside the old; deprecation; another upstream.
    let other = Scene::new("http://localhost:1");
    gateway.publish(&other);
    gateway.writer.apply([Update::App(other.app.id, None)]).unwrap();
    scene.strategy.key_names.push("x-new".to_owned());
    scene.version.lifecycle = VersionLifecycle::Deprecated;
    scene.version.service.clone_from(&other.version.service);
    scene.app.name = "Renamed".to_owned();
    gateway.publish(&scene);
    gateway.writer.replace(scene.updates());
    client.write("go on").await;
    assert_eq!(client.read_until(b"two").await.unwrap(), b"two");
}

#[tokio::test]
async fn a_withdrawn_snapshot_ends_what_is_under_way() {
    let mut upstream = Endless::start().await;
    let scene = upstream.scene();
    let mut gateway = Running::start(&scene).await;
    let mut streaming = Client::connect(gateway.address).await;
    streaming.write(scene.request("GET /mock", "")).await;
    streaming.read_until(b"event\r\n").await.unwrap();
    gateway.writer.withdraw();
    assert!(streaming.is_closed().await);
    soon(upstream.closed.recv()).await.unwrap();
}

#[tokio::test]
async fn a_change_that_comes_and_goes_between_looks_is_no_end() {
    let upstream = Endless::start().await;
    let scene = upstream.scene();
    let mut gateway = Running::start(&scene).await;
    for _ in 0..50 {
        let mut revoked = scene.request.clone();
        revoked.status = AccessRequestStatus::Revoked;
        gateway.writer.apply([revoked.into()]).unwrap();
        let denied = gateway.get(&scene).await;
        assert_eq!(denied.status, 403);
        gateway.publish(&scene);
        let mut streaming = Client::connect(gateway.address).await;
        streaming.write(scene.request("GET /mock", "")).await;
        assert_eq!(streaming.read_head().await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn an_upload_that_outlasts_its_answer_is_cut() {
    let (upstream, mut closed) = upstreams::scripted(async |mut peer: Peer| {
        peer.read_head().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        peer.read_until("after the answer").await;
        peer.closed().await;
    })
    .await;
    let scene = Scene::new(&format!("http://{upstream}"));
    let mut gateway = Running::start(&scene).await;
    let mut client = Client::connect(gateway.address).await;
    client
        .write(scene.request("POST /mock", "Content-Length: 1000\r\n") + "begins")
        .await;
    assert_eq!(client.read(true).await.unwrap().status, 200);
    client.socket.write_all(b"after the answer").await.unwrap();

    gateway.writer.apply(ENDS[0].0(&scene)).unwrap();
    // The client is still there and would send more; nobody listens to it any longer. Sooner than the time for a
    // request's head, which would end it, too.
    let cut = timeout(Duration::from_secs(10), closed.recv()).await;
    assert_eq!(cut.unwrap(), Some(()));
    drop(client);
}
