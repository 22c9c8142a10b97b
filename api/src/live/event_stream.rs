//! `/graphql/stream`: graphql-sse in its distinct connections mode, one operation a connection
//! (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>).
//!
//! ```text
//!   event: next
//!   data: {"data":{…}}
//!
//!   event: complete
//!   data:
//! ```
//!
//! A stream that ends without `complete` was cut off: the client connects again and reads anew.

use std::{convert::Infallible, io, pin::Pin, sync::Arc, time::Duration};

use async_graphql::parser::types::OperationType;
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderValue, Method, StatusCode, header};

use super::{
    Live, Subscriber,
    admission::Place,
    authority,
    close::Close,
    hub::Subscribed,
    outbox::{Outbox, Outgoing},
    socket,
};
use crate::{
    budget::{self, Payer},
    graphql::{Caller, error::ErrorCode},
    http::{
        accept::ResponseMediaType,
        bearer::BearerToken,
        client_address::ClientAddress,
        graphql::{AuthenticationFailed, check_content_type, method_not_allowed, unauthenticated},
        request_id::RequestId,
        request_parameters,
        response_body::{self, RequestRefused},
    },
    metrics::{LiveMetrics, Transport},
    session::access_token::Claims,
};

/// The media type of an event stream.
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

/// The one operation of a stream has this number and no id.
const ONLY: u64 = 0;

/// Takes a request for a stream.
pub(crate) async fn connect(State(live): State<Arc<Live>>, request: Request) -> Response {
    let request_id = request.extensions().get::<RequestId>().cloned();
    let request_id = request_id.unwrap_or_else(RequestId::generate);
    let client_address = request.extensions().get::<ClientAddress>().map(|address| address.0);
    let Ok(place) = live.admission.event_stream(client_address) else {
        return socket::crowded();
    };
    match respond(&live, request, &request_id, place).await {
        Ok(response) => response,
        // The document's faults are an answer of the stream, as those of its execution are.
        Err(refused) if refused.about_document => {
            let payload = response_body::refusal_message(refused, &request_id);
            let events = [event("next", &payload), event("complete", b"")];
            answer(stream::iter(events).map(Ok::<_, Infallible>))
        }
        Err(refused) => response_body::refused(refused, ResponseMediaType::GraphqlResponseJson, &request_id),
    }
}

async fn respond(
    live: &Arc<Live>,
    request: Request,
    request_id: &RequestId,
    place: Place,
) -> Result<Response, RequestRefused> {
    let (parts, body) = request.into_parts();
    let by_get = match parts.method {
        Method::GET | Method::HEAD => true,
        Method::POST => false,
        _ => {
            let message = "Send the operation by POST, or a query or a subscription by GET.";
            return Err(method_not_allowed(message, "GET, POST"));
        }
    };
    if !by_get {
        check_content_type(&parts.headers)?;
    }
    let service = live.endpoint.service();
    let (claims, viewer) = match BearerToken::from_headers(&parts.headers) {
        BearerToken::Token(token) => service.identify(token).await.map_err(unauthenticated)?,
        BearerToken::Absent | BearerToken::Malformed => return Err(unauthenticated(AuthenticationFailed::Rejected)),
    };
    let account_place = live.admission.subscriber(Payer::of(viewer, None)).map_err(|crowded| {
        RequestRefused::request(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::RateLimited,
            crowded.to_string(),
        )
    })?;
    let caller = Caller::bearing(&claims, viewer);
    let parameters = if by_get {
        request_parameters::from_query_string(parts.uri.query().unwrap_or_default())
    } else {
        let limits = live.endpoint.settings().body_limits;
        let limit = if viewer.is_admin() {
            limits.admins
        } else {
            limits.others
        };
        let body = live.endpoint.read(&parts.headers, body, limit).await?;
        request_parameters::from_json(&body)
    }
    .map_err(|bad| RequestRefused::request(StatusCode::BAD_REQUEST, ErrorCode::BadUserInput, bad.to_string()))?;
    let client_address = parts.extensions.get::<ClientAddress>().map(|address| address.0);
    let prepared = live.endpoint.prepare(parameters, &caller, client_address)?;
    if by_get && prepared.kind == OperationType::Mutation {
        return Err(method_not_allowed("Send mutations by POST.", "POST"));
    }
    if prepared.kind != OperationType::Subscription {
        let payload = live
            .endpoint
            .message(prepared, caller, request_id, client_address)
            .await?;
        let events = [event("next", &payload), event("complete", b"")];
        return Ok(answer(stream::iter(events).map(Ok::<_, Infallible>)));
    }
    let subscriber = Subscriber {
        claims,
        viewer,
        request_id: request_id.clone(),
        client_address,
    };
    let outbox = Arc::new(Outbox::new(&live.limits));
    outbox.open(ONLY, "".into());
    let subscribed = live.hub.subscribe(&subscriber, prepared, &outbox, ONLY).await?;
    live.metrics.connected(Transport::event_stream);
    let held = Held {
        metrics: live.metrics.clone(),
        _subscribed: subscribed,
        _place: place,
        _account_place: account_place,
    };
    Ok(answer(events(live, claims, outbox, held)))
}

/// What a stream holds for as long as it lasts.
struct Held {
    metrics: LiveMetrics,
    _subscribed: Subscribed,
    _place: Place,
    _account_place: budget::Connection,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.metrics.disconnected(Transport::event_stream);
    }
}

struct Events {
    outbox: Arc<Outbox>,
    ended: Pin<Box<dyn Future<Output = Close> + Send>>,
    keep_alive: Duration,
    held: Held,
    is_over: bool,
}

/// The events of a subscription. Whatever ends it but the subscription's own end, breaks the answer off, so that no
/// client takes it for complete.
fn events(
    live: &Arc<Live>,
    claims: Claims,
    outbox: Arc<Outbox>,
    held: Held,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let live = Arc::clone(live);
    let keep_alive = live.limits.keep_alive;
    let ended = Box::pin(async move {
        tokio::select! {
            reason = authority::ended(&live.endpoint.service().plane().directory, claims) => reason,
            () = live.closing.cancelled() => Close::GoingAway,
        }
    });
    let events = Events {
        outbox,
        ended,
        keep_alive,
        held,
        is_over: false,
    };
    // The client learns at once that the subscription has begun.
    let begun = stream::iter([Ok(Bytes::from_static(b":\n\n"))]);
    begun.chain(stream::unfold(events, |mut events| async move {
        if events.is_over {
            return None;
        }
        let taken = tokio::select! {
            biased;
            reason = &mut events.ended => Err(reason),
            taken = events.outbox.take() => taken,
            () = tokio::time::sleep(events.keep_alive) => {
                return Some((Ok(Bytes::from_static(b":\n\n")), events));
            }
        };
        let sent = match taken {
            Ok(Outgoing::Next { payload, .. }) => Ok(event("next", &payload)),
            Ok(Outgoing::Complete { .. }) => {
                events.is_over = true;
                Ok(event("complete", b""))
            }
            // Neither is ever put into a stream's outbox.
            Ok(Outgoing::Message(_) | Outgoing::Error { .. }) => Ok(Bytes::new()),
            Err(reason) => {
                events.is_over = true;
                if reason == Close::TooSlow {
                    events.held.metrics.dropped();
                }
                tracing::debug!(reason = %reason.reason(), "an event stream ends");
                Err(io::Error::other(reason.reason().into_owned()))
            }
        };
        Some((sent, events))
    }))
}

fn event(name: &str, data: &[u8]) -> Bytes {
    // JSON has no line breaks as it is written here, so it is one line of data.
    let mut event = format!("event: {name}\ndata: ").into_bytes();
    event.extend_from_slice(data);
    event.extend_from_slice(b"\n\n");
    event.into()
}

fn answer<E>(events: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> Response
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let headers = [
        (header::CONTENT_TYPE, EVENT_STREAM),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store, no-transform"),
        ),
        // nginx holds answers back unless it is told not to.
        (
            header::HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    (headers, Body::from_stream(events)).into_response()
}
