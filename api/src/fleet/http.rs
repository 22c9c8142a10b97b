//! The gateways' two endpoints, on the API's port.
//!
//! A gateway token opens these and nothing else, and nothing else opens them.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use bytes::Bytes;
use domain::{
    Timestamp,
    gateway_token::{GatewayToken, GatewayTokenHash},
    id::GatewayTokenId,
};
use futures_util::{StreamExt as _, stream};
use gateway::wire::{frame, report::Report};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::sync::{broadcast::error::RecvError, mpsc};

use super::{Message, Subscription};
use crate::{control_plane::ControlPlane, http::bearer::BearerToken, session::directory::AccountDirectory};

/// How many lines wait for a stream's client.
const LINES_AHEAD: usize = 16;

/// The most bytes of a report: it holds 5,000 uses at most.
const REPORT_BYTES: usize = 1024 * 1024;

/// The routes.
pub fn router(plane: Arc<ControlPlane>) -> Router {
    Router::new()
        .route("/gateway/v1/stream", get(stream_snapshot))
        .route("/gateway/v1/report", post(take_report))
        .with_state(plane)
}

/// A gateway that has proved itself.
#[derive(Clone, Copy, Debug)]
struct Bearer {
    token: GatewayTokenId,
    hash: GatewayTokenHash,
}

/// Who sends the request. What is looked at until the answer is known, is what the sender sent and one place of an
/// index of hashes: the time it takes tells nothing about the tokens that are there.
fn authenticate(directory: &AccountDirectory, headers: &HeaderMap) -> Option<Bearer> {
    let BearerToken::Token(text) = BearerToken::from_headers(headers) else {
        return None;
    };
    let hash = GatewayToken::parse(text.as_bytes()).ok()?.hash();
    let token = directory.gateway_token(&hash)?;
    Some(Bearer { token, hash })
}

fn unauthenticated() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
    let message = "A gateway token is needed that was not revoked.\n";
    (StatusCode::UNAUTHORIZED, challenge, message).into_response()
}

async fn stream_snapshot(State(plane): State<Arc<ControlPlane>>, headers: HeaderMap) -> Response {
    let Some(bearer) = authenticate(&plane.directory, &headers) else {
        return unauthenticated();
    };
    let subscription = match plane.follower.subscribe().await {
        Some(subscription) if !plane.follower.hub().closed().is_cancelled() => subscription,
        // A state that may be old is not handed out: whoever has one goes on with its own, and knows its age.
        Some(_) | None => {
            let message = "This node does not know the present state. Try again.\n";
            return (StatusCode::SERVICE_UNAVAILABLE, message).into_response();
        }
    };
    tracing::info!(token = %bearer.token, "a gateway follows");
    let (lines, mut taken) = mpsc::channel(LINES_AHEAD);
    tokio::spawn(send(subscription, lines));
    let ended = {
        let plane = Arc::clone(&plane);
        async move {
            tokio::select! {
                () = revoked(&plane.directory, &bearer.hash) => {
                    tracing::info!(token = %bearer.token, "a gateway's stream ends: its token was revoked");
                }
                () = plane.follower.hub().closed().cancelled() => {}
            }
        }
    };
    let body = stream::poll_fn(move |context| taken.poll_recv(context))
        .map(Ok::<Bytes, std::convert::Infallible>)
        // What waits in the channel is not sent any more then.
        .take_until(Box::pin(ended));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store, no-transform"),
        ),
    ];
    (headers, Body::from_stream(body)).into_response()
}

async fn revoked(directory: &AccountDirectory, hash: &GatewayTokenHash) {
    let mut changes = directory.changes();
    // The sender lives as long as the directory.
    while directory.gateway_token(hash).is_some() && changes.changed().await.is_ok() {}
}

/// Sends the full snapshot and then what comes, until the client is gone, lags too far behind, or must begin anew.
async fn send(subscription: Subscription, lines: mpsc::Sender<Bytes>) {
    let Subscription {
        snapshot,
        position,
        mut messages,
    } = subscription;
    let full = {
        let lines = lines.clone();
        // Making the lines takes a while: not on the threads that serve.
        tokio::task::spawn_blocking(move || {
            frame::full(position.to_string(), Timestamp::now(), snapshot.updates())
                .all(|line| lines.blocking_send(line.into()).is_ok())
        })
    };
    if !full.await.unwrap_or(false) {
        return;
    }
    loop {
        let line = tokio::select! {
            () = lines.closed() => return,
            message = messages.recv() => match message {
                Ok(Message::Line(line)) => line,
                Ok(Message::Restart) | Err(RecvError::Closed) => return,
                Err(RecvError::Lagged(_)) => {
                    tracing::warn!("a gateway's stream ends: it lags too far behind");
                    return;
                }
            },
        };
        if lines.send(line).await.is_err() {
            return;
        }
    }
}

async fn take_report(State(plane): State<Arc<ControlPlane>>, request: Request) -> Response {
    // Before anything of the body is read.
    let Some(bearer) = authenticate(&plane.directory, request.headers()) else {
        return unauthenticated();
    };
    let Ok(body) = axum::body::to_bytes(request.into_body(), REPORT_BYTES).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "The report is too long.\n").into_response();
    };
    let report: Report = match serde_json::from_slice(&body) {
        Ok(report) => report,
        Err(error) => {
            return (StatusCode::BAD_REQUEST, format!("The report cannot be read: {error}\n")).into_response();
        }
    };
    let now = Timestamp::now();
    for used in &report.used {
        let at = Timestamp::from_millis(used.at).min(now);
        plane.usage.record(used.credential, at);
    }
    plane.gateway_nodes.hear(report, bearer.token, now);
    StatusCode::NO_CONTENT.into_response()
}
