//! One span per request, and one line when it has been answered. Never a query string, a header or a body: those hold
//! tokens, passwords and keys.

use std::time::Instant;

use axum::{extract::Request, middleware::Next, response::Response};
use tracing::{Instrument as _, field::Empty};

use crate::traces;

use super::{client_address::ClientAddress, request_id::RequestId};

/// Middleware that opens the span. Everything that is logged on the request's behalf is in it, so carries its id.
/// The GraphQL handler adds the name of the `operation`.
pub async fn record(request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let span = tracing::info_span!(
        "request",
        request_id = extensions.get::<RequestId>().map(RequestId::as_str),
        method = %request.method(),
        path = request.uri().path(),
        client = extensions.get::<ClientAddress>().map(|address| tracing::field::display(address.0)),
        operation = Empty,
    );
    traces::join(&span, request.headers());
    // Probes come every few seconds; what they found is told by the answer.
    let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    let began = Instant::now();
    async move {
        let response = next.run(request).await;
        traces::answered(&tracing::Span::current(), response.status());
        let status = response.status().as_u16();
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if is_probe {
            tracing::debug!(status, milliseconds, "answered");
        } else {
            tracing::info!(status, milliseconds, "answered");
        }
        response
    }
    .instrument(span)
    .await
}
