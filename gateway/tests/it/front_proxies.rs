//! What proxies ask, and who may. That the real ones get along with it is tested with them, in the workspace's tests.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use portico_gateway::{
    FrontProxyConfig, FrontProxyListener, IpNet, Metrics, Protocol, SnapshotWriter, Usage, snapshot,
};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};

use crate::{
    harness::{Scene, route, soon},
    wire::{self, Response},
};

struct Asked {
    address: SocketAddr,
    writer: SnapshotWriter,
    usage: Arc<Usage>,
    shutdown: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Asked {
    async fn unloaded(protocol: Protocol, trusted: &str) -> Self {
        let config = FrontProxyConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            trusted_proxies: vec![trusted.parse::<IpNet>().unwrap()],
            shutdown_grace: Duration::from_secs(60),
            metrics: Metrics::new(),
        };
        let (writer, reader) = snapshot::channel();
        let usage = Arc::new(Usage::new());
        let listener = FrontProxyListener::bind(protocol, config, reader, Arc::clone(&usage))
            .await
            .unwrap();
        let address = listener.local_addr();
        let (shutdown, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(listener.serve(async move {
            let _ = stopped.await;
        }));
        Self {
            address,
            writer,
            usage,
            shutdown,
            served,
        }
    }

    async fn start(scene: &Scene) -> Self {
        let mut asked = Self::unloaded(Protocol::ForwardAuth, "127.0.0.0/8").await;
        asked.writer.replace(scene.updates());
        asked
    }

    /// A question about `GET /mock`, which `headers` may change.
    async fn ask(&self, path: &str, family: &str, headers: &str) -> Response {
        let question = format!(
            "GET {path} HTTP/1.1\r\nHost: portico\r\nX-{family}-Method: GET\r\nX-{family}-Host: localhost\r\n\
             X-{family}-Uri: /mock?secret=x\r\n{headers}\r\n"
        );
        wire::exchange(self.address, question).await
    }
}

/// Nothing is forwarded: there is no upstream.
fn scene() -> Scene {
    Scene::new("http://127.0.0.1:1")
}

#[tokio::test]
async fn yes_comes_with_the_consumer() {
    let scene = scene();
    let asked = Asked::start(&scene).await;
    let key = format!("apikey: {}\r\n", scene.key.expose());
    for (path, family) in [
        ("/forward-auth?removes=apikey", "Forwarded"),
        ("/auth-request?removes=apikey", "Original"),
    ] {
        let answer = asked.ask(path, family, &key).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{answer:?}");
        assert_eq!(answer.header("x-consumer-id"), Some(scene.app.id.to_string().as_str()));
        assert_eq!(answer.header("x-consumer-custom-id"), Some("mobile-1"));
        assert_eq!(answer.header("x-consumer-username"), Some("Mobile banking"));
        assert_eq!(
            answer.header("x-credential-identifier"),
            Some(scene.credential.id.to_string().as_str())
        );
        let used: Vec<_> = asked
            .usage
            .drain()
            .into_iter()
            .map(|(credential, _)| credential)
            .collect();
        assert_eq!(used, [scene.credential.id]);
    }
}

#[tokio::test]
async fn no_is_said_in_the_words_of_each_proxy() {
    let scene = scene();
    let asked = Asked::start(&scene).await;
    let refused = asked.ask("/forward-auth", "Forwarded", "").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.message().as_deref(), Some("No API key found in request"));
    assert_eq!(refused.header("www-authenticate"), Some("Key"));
    // nginx takes 403 for a no, and comes back for the words.
    let refused = asked.ask("/auth-request", "Original", "").await;
    assert_eq!((refused.status, refused.body.len()), (403, 0));
    let words = asked.ask("/auth-request/refusal", "Original", "").await;
    assert_eq!(words.status, 401);
    assert_eq!(words.message().as_deref(), Some("No API key found in request"));
    // It came back though it may pass: never 2xx here, or nginx would send it to the client.
    let key = format!("apikey: {}\r\n", scene.key.expose());
    let words = asked
        .ask("/auth-request/refusal?removes=apikey", "Original", &key)
        .await;
    assert_eq!(words.status, 403);
    assert_eq!(asked.usage.drain().len(), 1);
}

#[tokio::test]
async fn what_is_asked_about_must_be_plain() {
    let scene = scene();
    let asked = Asked::start(&scene).await;
    let key = scene.key.expose();
    let line = |name: &str, value: &str| format!("X-Forwarded-{name}: {value}\r\n");
    let good = [line("Method", "GET"), line("Host", "localhost"), line("Uri", "/mock")];
    let question = |lines: &[String]| {
        let lines = lines.concat();
        format!("GET /forward-auth?removes=apikey HTTP/1.1\r\nHost: portico\r\napikey: {key}\r\n{lines}\r\n")
    };
    assert_eq!(wire::exchange(asked.address, question(&good)).await.status, 200);
    for without in 0..3 {
        let mut lines = good.to_vec();
        lines.remove(without);
        let answer = wire::exchange(asked.address, question(&lines)).await;
        assert_eq!(answer.status, 400, "without {}", good[without]);
        for twice in [good[without].clone(), good[without].to_ascii_uppercase()] {
            let answer = wire::exchange(asked.address, question(&[&good[..], &[twice]].concat())).await;
            assert_eq!(answer.status, 400, "twice {}", good[without]);
        }
    }
    for (at, name, value, status) in [
        (0, "Method", "G E T", 400),
        (0, "Method", "", 400),
        (0, "Method", "TRACE", 405),
        (0, "Method", "CONNECT", 405),
        (1, "Host", "a,b", 400),
        (1, "Host", "user@localhost", 400),
        (2, "Uri", "mock", 400),
        (2, "Uri", "", 400),
        (2, "Uri", "http://localhost/mock", 400),
        (2, "Uri", "/mock/../mock", 400),
        (2, "Uri", "//mock", 400),
        (2, "Uri", "/mock#x", 400),
        (2, "Uri", "/mock, /mock", 400),
        (2, "Uri", "/other", 404),
    ] {
        let mut lines = good.to_vec();
        lines[at] = line(name, value);
        let answer = wire::exchange(asked.address, question(&lines)).await;
        assert_eq!(answer.status, status, "{name}: {value}");
    }
    // The other proxies' description does not stand in for a missing one.
    let original = good.clone().map(|line| line.replace("Forwarded", "Original"));
    assert_eq!(wire::exchange(asked.address, question(&original)).await.status, 400);
    for other in [
        "POST /forward-auth",
        "GET /",
        "GET /forward-auth/",
        "GET /auth-request/other",
    ] {
        let question = question(&good).replace("GET /forward-auth", other);
        let answer = wire::exchange(asked.address, question).await;
        assert_eq!(answer.status, 400, "{other}");
    }
}

#[tokio::test]
async fn what_the_proxy_would_let_through_is_refused() {
    let mut scene = scene();
    scene = scene.with_routes(&[route(&["/mock"])]);
    let asked = Asked::start(&scene).await;
    let key = scene.key.expose();
    for (removes, headers, status) in [
        ("", format!("apikey: {key}\r\n"), 500),
        ("?removes=x-api-key", format!("apikey: {key}\r\n"), 500),
        ("?removes=apikey", format!("x-api-key: {key}\r\n"), 500),
        ("?removes=api*", format!("apikey: {key}\r\n"), 200),
        ("?removes=apikey", format!("apikey: {key}\r\nx_api_key: other\r\n"), 500),
        (
            "?removes=apikey",
            format!("apikey: {key}\r\nX-Consumer-Groups: root\r\n"),
            400,
        ),
        (
            "?removes=apikey",
            format!("apikey: {key}\r\nX_Consumer_ID: root\r\n"),
            400,
        ),
        (
            "?removes=apikey,x-consumer-*",
            format!("apikey: {key}\r\nX-Consumer-ID: root\r\n"),
            200,
        ),
        // Who may not pass learns nothing of this.
        ("", "apikey: other\r\n".to_owned(), 401),
        ("", "X-Consumer-ID: root\r\n".to_owned(), 401),
    ] {
        let answer = asked
            .ask(&format!("/forward-auth{removes}"), "Forwarded", &headers)
            .await;
        assert_eq!(answer.status, status, "{removes} {headers}");
        assert_eq!(asked.usage.drain().len(), usize::from(status == 200));
    }
}

#[tokio::test]
async fn others_may_not_ask_and_without_a_snapshot_nothing_passes() {
    let scene = scene();
    let key = format!("apikey: {}\r\n", scene.key.expose());
    let mut closed = Asked::unloaded(Protocol::ForwardAuth, "10.0.0.0/8").await;
    closed.writer.replace(scene.updates());
    for path in ["/forward-auth?removes=apikey", "/auth-request?removes=apikey"] {
        for family in ["Forwarded", "Original"] {
            let answer = closed.ask(path, family, &key).await;
            assert_eq!(answer.status, 403);
            assert_eq!(answer.message().as_deref(), Some("Only trusted proxies may ask"));
        }
    }
    let mut asked = Asked::unloaded(Protocol::ForwardAuth, "127.0.0.1/32").await;
    let path = "/forward-auth?removes=apikey";
    assert_eq!(asked.ask(path, "Forwarded", &key).await.status, 503);
    asked.writer.replace(scene.updates());
    assert_eq!(asked.ask(path, "Forwarded", &key).await.status, 200);
    asked.writer.withdraw();
    assert_eq!(asked.ask(path, "Forwarded", &key).await.status, 503);
    assert_eq!(asked.ask("/auth-request", "Original", &key).await.status, 403);

    // A connection at rest holds nothing up.
    let idle = TcpStream::connect(asked.address).await.unwrap();
    asked.shutdown.send(()).unwrap();
    soon(asked.served).await.unwrap();
    drop(idle);
}

/// One gRPC call, its message as bytes; answers the `grpc-status`.
async fn grpc(address: SocketAddr, path: &str, message: &[u8]) -> String {
    let socket = TcpStream::connect(address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let request = Request::post(format!("http://portico{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(bytes::Bytes::from(body)))
        .unwrap();
    let response = soon(sender.send_request(request)).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    let status = parts.headers.get("grpc-status").or_else(|| trailers.get("grpc-status"));
    status.unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn grpc_is_answered_to_trusted_proxies_about_http_alone() {
    const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
    let scene = scene();
    let mut closed = Asked::unloaded(Protocol::ExtAuthz, "10.0.0.0/8").await;
    closed.writer.replace(scene.updates());
    assert_eq!(grpc(closed.address, CHECK, &[]).await, "7", "permission denied");
    let mut asked = Asked::unloaded(Protocol::ExtAuthz, "127.0.0.0/8").await;
    asked.writer.replace(scene.updates());
    assert_eq!(
        grpc(asked.address, CHECK, &[]).await,
        "3",
        "invalid argument: about nothing"
    );
    assert_eq!(grpc(asked.address, CHECK, &[0xff; 3]).await, "13", "not a message");
    assert_eq!(
        grpc(asked.address, "/grpc.health.v1.Health/Check", &[]).await,
        "12",
        "unimplemented"
    );
    // attributes { request { http {} } }: answered, with a refusal in it.
    assert_eq!(grpc(asked.address, CHECK, &[10, 4, 34, 2, 18, 0]).await, "0");
    asked.shutdown.send(()).unwrap();
    soon(asked.served).await.unwrap();
}
