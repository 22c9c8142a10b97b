//! A thousand websockets that read.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc, task::JoinSet};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest as _},
};

/// No update takes as long.
const PATIENCE: Duration = Duration::from_secs(30);

/// All subscribers; dropped, they hang up.
pub(super) struct Readers {
    count: usize,
    arrived: mpsc::UnboundedReceiver<Result<(Instant, String), String>>,
    /// What the last change showed: every one shows another state.
    last: Option<String>,
    _tasks: JoinSet<()>,
}

impl Readers {
    /// Connects and subscribes, each to its own document, and returns when all hear of every change.
    pub(super) async fn connect(
        target: SocketAddr,
        token: &str,
        count: usize,
        document: fn(usize) -> String,
    ) -> Result<Self, String> {
        let (tell, arrived) = mpsc::unbounded_channel();
        let token: Arc<str> = token.into();
        let mut tasks = JoinSet::new();
        for number in 0..count {
            let socket = subscribe(target, number, &token, &document(number)).await?;
            let tell = tell.clone();
            tasks.spawn(async move {
                let mut socket = socket;
                loop {
                    let told = match socket.next().await {
                        Some(Ok(Message::Text(text))) => status_in(&text).map(|status| (Instant::now(), status)),
                        Some(Ok(_)) => continue,
                        Some(Err(error)) => Err(format!("a subscriber broke off: {error}")),
                        None => Err("a subscriber was closed".to_owned()),
                    };
                    let is_over = told.is_err();
                    if tell.send(told).is_err() || is_over {
                        return;
                    }
                }
            });
        }
        Ok(Self {
            count,
            arrived,
            last: None,
            _tasks: tasks,
        })
    }

    /// Waits until each has one update more; when the last one had it.
    pub(super) async fn all_have_it(&mut self) -> Result<Instant, String> {
        let mut last = None;
        let mut shown = None;
        for _ in 0..self.count {
            let arrived = tokio::time::timeout(PATIENCE, self.arrived.recv()).await;
            let (at, status) = arrived
                .map_err(|_| "an update did not arrive".to_owned())?
                .ok_or("nobody reads")??;
            if *shown.get_or_insert_with(|| status.clone()) != status || self.last.as_ref() == Some(&status) {
                return Err(format!("an update shows {status}, which is not what the mutation made"));
            }
            last = last.max(Some(at));
        }
        self.last = shown;
        last.ok_or_else(|| "there is nobody".to_owned())
    }
}

async fn subscribe(
    target: SocketAddr,
    number: usize,
    token: &str,
    document: &str,
) -> Result<WebSocketStream<TcpStream>, String> {
    let failed = |error: tokio_tungstenite::tungstenite::Error| format!("a subscriber cannot connect: {error}");
    let mut request = format!("ws://{target}/graphql/ws")
        .into_client_request()
        .map_err(failed)?;
    let headers = request.headers_mut();
    // From 16 addresses, as a thousand people would not share one.
    let from = format!("192.0.2.{}", number % 16 + 1);
    let from = from.parse().map_err(|_| "no header value")?;
    headers.insert("x-forwarded-for", from);
    let protocol = "graphql-transport-ws".parse().map_err(|_| "no header value")?;
    headers.insert("sec-websocket-protocol", protocol);
    let stream = TcpStream::connect(target).await.map_err(|error| error.to_string())?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.map_err(failed)?;
    let init = json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } });
    let begin = json!({ "type": "subscribe", "id": "1", "payload": { "query": document } });
    // A ping is answered when the subscription before it hears of every change.
    for (message, answer) in [
        (init, Some("connection_ack")),
        (begin, None),
        (json!({ "type": "ping" }), Some("pong")),
    ] {
        socket.send(Message::text(message.to_string())).await.map_err(failed)?;
        let Some(answer) = answer else {
            continue;
        };
        match socket.next().await {
            Some(Ok(Message::Text(text))) if text.contains(answer) => {}
            other => return Err(format!("a subscriber was answered {other:?} instead of {answer}")),
        }
    }
    Ok(socket)
}

/// The state that an update shows.
fn status_in(message: &str) -> Result<String, String> {
    let message: Value = serde_json::from_str(message).map_err(|error| error.to_string())?;
    let status = message["payload"]["data"]["accessRequestChanged"]["accessRequest"]["status"].as_str();
    status.map(str::to_owned).ok_or_else(|| format!("no update: {message}"))
}
