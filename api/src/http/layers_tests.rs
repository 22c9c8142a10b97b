use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, extract::ConnectInfo, response::Response, routing::get};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::wrap;
use crate::http::client_address::TrustedProxies;

fn router(origins: &[&str]) -> Router {
    let origins: Vec<_> = origins.iter().map(|origin| origin.parse().unwrap()).collect();
    let routes = Router::new()
        .route("/some", get(|| async { "x".repeat(5000) }))
        .route("/readyz", get(|| async { "ready" }));
    wrap(routes, TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]), &origins)
}

async fn send(origins: &[&str], method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request
        .extensions_mut()
        .insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 4711))));
    router(origins).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn every_answer_is_safe_to_show_in_a_browser() {
    for (path, status) in [("/some", 200), ("/missing", 404), ("/", 307)] {
        let response = send(&[], Method::GET, path, &[("x-request-id", "mine")]).await;
        assert_eq!(response.status(), status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-request-id", "mine"),
        ] {
            assert_eq!(response.headers()[name], value, "{path}");
        }
    }
}

#[tokio::test]
async fn answers_are_compressed_where_that_is_accepted() {
    let response = send(&[], Method::GET, "/some", &[("accept-encoding", "gzip")]).await;
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(response.into_body().collect().await.unwrap().to_bytes().len() < 1000);
    let response = send(&[], Method::GET, "/some", &[]).await;
    assert!(!response.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn only_named_origins_may_read_answers() {
    const PORTAL: &str = "https://portal.example.com";
    let allowed = |response: &Response| {
        response
            .headers()
            .get("access-control-allow-origin")
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let from = |origin| [("origin", origin), ("access-control-request-method", "POST")];
    for origin in [PORTAL, "https://evil.example.com", "null"] {
        let response = send(&[], Method::GET, "/some", &from(origin)).await;
        assert_eq!(allowed(&response), None, "off unless named");
    }
    let response = send(&[PORTAL], Method::OPTIONS, "/some", &from(PORTAL)).await;
    assert_eq!(allowed(&response).as_deref(), Some(PORTAL));
    assert_eq!(response.headers()["access-control-allow-methods"], "GET,POST");
    let headers = response.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(
        headers.contains("authorization") && headers.contains("content-type"),
        "{headers}"
    );
    assert!(!response.headers().contains_key("access-control-allow-credentials"));
    for origin in [
        "https://evil.example.com",
        "https://portal.example.com.evil.example",
        "null",
    ] {
        let response = send(&[PORTAL], Method::OPTIONS, "/some", &from(origin)).await;
        assert_eq!(allowed(&response), None, "{origin}");
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn one_line_per_request_tells_what_was_asked_and_no_secret() {
    // For the whole process: a subscriber of one task can miss events whose call sites another test, which has none,
    // is registering at that moment. What the other tests log has other request ids.
    const REQUEST_ID: &str = "one-line-per-request";
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .json()
        .with_writer(move || writer.clone())
        .try_init()
        .unwrap();
    let headers = [
        ("authorization", "Bearer hunter2"),
        ("cookie", "hunter2"),
        ("x-request-id", REQUEST_ID),
        ("x-forwarded-for", "198.51.100.7"),
    ];
    send(&[], Method::GET, "/some?query=hunter2", &headers).await;
    send(&[], Method::GET, "/readyz", &headers).await;
    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let own: Vec<&str> = written.lines().filter(|line| line.contains(REQUEST_ID)).collect();
    let [written] = own[..] else {
        panic!("probes are not worth a line: {own:?}");
    };
    assert!(!written.contains("hunter2"), "{written}");
    let line: serde_json::Value = serde_json::from_str(written).unwrap();
    assert_eq!(line["fields"]["status"], 200);
    let span = &line["span"];
    assert_eq!(
        (&span["request_id"], &span["path"]),
        (&REQUEST_ID.into(), &"/some".into()),
        "{span}"
    );
    assert_eq!(
        (&span["method"], &span["client"]),
        (&"GET".into(), &"198.51.100.7".into()),
        "{span}"
    );
}
