//! An API behind the gateway that tells what reached it.

use axum::{Json, Router, extract::Request};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// An upstream that answers every request with what it saw of it, as JSON: `method`, `path`, `headers`.
pub struct Upstream {
    url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Upstream {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(tell);
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, task }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn tell(request: Request) -> Json<Value> {
    let headers: serde_json::Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    Json(json!({ "method": request.method().as_str(), "path": request.uri().to_string(), "headers": headers }))
}
