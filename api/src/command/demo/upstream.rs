//! The API behind the gateway: a small one that tells who called it, as the gateway told it.

use std::net::Ipv4Addr;

use axum::{Json, Router, http::HeaderMap};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// An upstream that runs until it is stopped.
pub(super) struct Upstream {
    url: String,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Upstream {
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone().cancelled_owned();
        let app = Router::new().fallback(answer);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "the upstream of the demonstration stopped");
            }
        });
        Ok(Self { url, shutdown, task })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        let _ = self.task.await;
    }
}

async fn answer(headers: HeaderMap) -> Json<Value> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Json(json!({
        "message": "Hello from the upstream",
        "consumer": {
            "id": header("x-consumer-id"),
            "customId": header("x-consumer-custom-id"),
            "username": header("x-consumer-username"),
        },
        "sawTheKey": headers.contains_key("apikey"),
    }))
}
