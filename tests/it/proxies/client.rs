//! A client that sends targets and headers as they are written, and an API that tells them as they came.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Json, Router, extract::State, http::request::Parts};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} comes twice: {self:?}");
        value
    }

    /// What makes a refusal: it must be the same whoever answers.
    pub(super) fn refusal(&self) -> (u16, String, Vec<Option<&str>>) {
        let names = [
            "content-type",
            "cache-control",
            "www-authenticate",
            "x-portico-denial",
            "allow",
        ];
        let headers = names.iter().map(|name| self.header(name)).collect();
        (self.status, self.body.clone(), headers)
    }

    /// What reached the API, as it told.
    pub(super) fn seen(&self) -> Seen {
        assert_eq!(self.status, 200, "{self:?}");
        let told: Value = serde_json::from_str(&self.body).unwrap();
        Seen(told)
    }
}

/// A request as the API saw it.
#[derive(Debug)]
pub(super) struct Seen(Value);

impl Seen {
    pub(super) fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    /// All values of a header, whose name is compared with `_` read as `-`, as careless APIs do.
    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        let headers = self.0["headers"].as_array().unwrap();
        headers
            .iter()
            .filter(|header| header[0].as_str().unwrap().replace('_', "-") == name)
            .map(|header| header[1].as_str().unwrap())
            .collect()
    }

    /// The names of headers that begin like this, `_` read as `-`.
    pub(super) fn names(&self, prefix: &str) -> Vec<String> {
        let headers = self.0["headers"].as_array().unwrap();
        let names = headers
            .iter()
            .map(|header| header[0].as_str().unwrap().replace('_', "-"));
        names.filter(|name| name.starts_with(prefix)).collect()
    }
}

/// Sends one request on a connection of its own.
pub(super) async fn send(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Answer {
    let socket = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    drop(sender);
    let _ = connection.await;
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// An API that answers with what reached it, every header by itself, and counts.
pub(super) struct Api {
    pub(super) address: SocketAddr,
    reached: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Api {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let reached = Arc::new(AtomicUsize::new(0));
        let app = Router::new().fallback(tell).with_state(Arc::clone(&reached));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, reached, task }
    }

    /// How many requests have reached it.
    pub(super) fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn tell(State(reached): State<Arc<AtomicUsize>>, parts: Parts, body: String) -> Json<Value> {
    reached.fetch_add(1, Ordering::SeqCst);
    let headers: Vec<Value> = parts
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    Json(json!({
        "method": parts.method.as_str(),
        "path": parts.uri.to_string(),
        "headers": headers,
        "body": body,
    }))
}
