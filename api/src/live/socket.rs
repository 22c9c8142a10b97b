//! `/graphql/ws`: graphql-transport-ws over a websocket.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_graphql::parser::types::OperationType;
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use domain::Timestamp;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{sync::oneshot, time::MissedTickBehavior};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as SocketError, Message,
        error::CapacityError,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{
    Live, Subscriber,
    admission::{NewcomersPlace, Place},
    authority,
    close::Close,
    hub::Subscribed,
    message, origin,
    outbox::{Outbox, Outgoing},
    protocol::{Protocol, Step},
};
use crate::{
    budget::{self, Payer},
    graphql::{Caller, error::ErrorCode},
    http::{
        client_address::ClientAddress,
        graphql::AuthenticationFailed,
        preparation::Prepared,
        request_id::RequestId,
        request_parameters::RequestParameters,
        response_body::{self, RequestRefused},
    },
    metrics::Transport,
    session::access_token::Claims,
};

/// The one subprotocol that is spoken.
const SUBPROTOCOL: &str = "graphql-transport-ws";

/// How many keep-alive intervals a client may say nothing, not even a pong.
const SILENT_INTERVALS: u32 = 4;

/// How long the client's answer to a close frame is waited for, so that it is not lost with the connection.
const FAREWELL: Duration = Duration::from_secs(1);

/// Takes a websocket.
pub(crate) async fn connect(State(live): State<Arc<Live>>, mut request: Request) -> Response {
    let headers = request.headers();
    let key = match handshake(request.method(), headers) {
        Ok(key) => key,
        Err(refused) => return refused,
    };
    if !origin::may_connect(headers, request.uri(), &live.allowed_origins) {
        let message = "Pages of this origin may not connect; the operator names those that may.\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    let is_spoken = offers_subprotocol(headers);
    let client_address = request.extensions().get::<ClientAddress>().map(|address| address.0);
    let Ok(place) = live.admission.connection(client_address) else {
        return crowded();
    };
    let Ok(newcomer) = live.admission.newcomer(client_address) else {
        return crowded();
    };
    let request_id = request.extensions().get::<RequestId>().cloned();
    let request_id = request_id.unwrap_or_else(RequestId::generate);
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return (
            StatusCode::UPGRADE_REQUIRED,
            "This connection cannot become a websocket.\n",
        )
            .into_response();
    };
    let connection = Connection {
        outbox: Arc::new(Outbox::new(&live.limits)),
        live: Arc::clone(&live),
        request_id,
        client_address,
        talk: Mutex::new(Talk {
            protocol: Protocol::new(),
            running: HashMap::new(),
            newcomer: Some(newcomer),
            who: None,
        }),
    };
    let span = tracing::Span::current();
    let serving = async move {
        match upgrade.await {
            Ok(upgraded) => connection.serve(upgraded, is_spoken, place).await,
            Err(error) => tracing::debug!(%error, "a connection did not become a websocket"),
        }
    };
    live.connections.spawn(serving.instrument(span));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if is_spoken {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    response
}

/// Checks that it is a websocket's handshake (RFC 6455, section 4.2.1); its key.
#[expect(clippy::result_large_err, reason = "made once a connection")]
fn handshake(method: &Method, headers: &HeaderMap) -> Result<HeaderValue, Response> {
    let has = |name: header::HeaderName, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let mut tokens = values.flat_map(|value| value.split(','));
        tokens.any(|found| found.trim().eq_ignore_ascii_case(token))
    };
    if method != Method::GET {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET"))];
        return Err((StatusCode::METHOD_NOT_ALLOWED, allow, "A websocket begins with GET.\n").into_response());
    }
    let is_upgrade = has(header::CONNECTION, "upgrade") && has(header::UPGRADE, "websocket");
    let is_version = headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_some_and(|version| version == "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).cloned();
    match key {
        Some(key) if is_upgrade && is_version => Ok(key),
        Some(_) | None => {
            let wanted = [
                (header::UPGRADE, HeaderValue::from_static("websocket")),
                (header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
            ];
            let message = "Connect here with a websocket of version 13 that speaks graphql-transport-ws.\n";
            Err((StatusCode::UPGRADE_REQUIRED, wanted, message).into_response())
        }
    }
}

fn offers_subprotocol(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    offered.any(|offered| offered.trim() == SUBPROTOCOL)
}

/// The answer when there are too many connections.
pub(super) fn crowded() -> Response {
    let retry = [(header::RETRY_AFTER, HeaderValue::from_static("30"))];
    let message = "There are too many live connections. Close some, or try again later.\n";
    (StatusCode::TOO_MANY_REQUESTS, retry, message).into_response()
}

/// One websocket.
struct Connection {
    live: Arc<Live>,
    request_id: RequestId,
    client_address: Option<std::net::IpAddr>,
    outbox: Arc<Outbox>,
    talk: Mutex<Talk>,
}

/// What is said and done on it.
struct Talk {
    protocol: Protocol,
    running: HashMap<u64, Running>,
    /// The place of who has not said yet who it is.
    newcomer: Option<NewcomersPlace>,
    /// Who it is, and the account's place.
    who: Option<(Claims, budget::Connection)>,
}

/// An operation that runs; dropped, it ends.
enum Running {
    Subscription(#[expect(dead_code, reason = "held")] Subscribed),
    /// A query ends with it; a mutation goes on in a task of its own.
    Execution(#[expect(dead_code, reason = "held")] AbortOnDropHandle<()>),
}

impl Connection {
    async fn serve(self, upgraded: Upgraded, is_spoken: bool, _place: Place) {
        let limits = self.live.limits;
        let config = WebSocketConfig::default()
            .max_message_size(Some(limits.message_bytes))
            .max_frame_size(Some(limits.message_bytes));
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        let (mut sink, mut stream) = socket.split();
        self.live.metrics.connected(Transport::websocket);
        let connection = Arc::new(self);
        let reason = if is_spoken {
            let (acknowledged, known) = oneshot::channel();
            tokio::select! {
                reason = connection.read(&mut stream, acknowledged) => reason,
                reason = connection.write(&mut sink) => reason,
                reason = connection.authority(known) => reason,
                () = connection.live.closing.cancelled() => Close::GoingAway,
            }
        } else {
            Close::Subprotocol
        };
        connection.live.metrics.disconnected(Transport::websocket);
        if reason == Close::TooSlow {
            connection.live.metrics.dropped();
        }
        tracing::debug!(code = reason.code(), reason = %reason.reason(), "a websocket ends");
        // Operations end before the client hears of it, and so does the account's place.
        {
            let mut talk = connection.talk();
            talk.running.clear();
            talk.who = None;
        }
        if reason == Close::ByClient {
            // tungstenite has queued the answer to the client's close frame.
            let _ = tokio::time::timeout(limits.send_timeout, sink.flush()).await;
            return;
        }
        let frame = CloseFrame {
            code: CloseCode::from(reason.code()),
            reason: reason.reason().as_ref().into(),
        };
        let sent = tokio::time::timeout(limits.send_timeout, sink.send(Message::Close(Some(frame)))).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
        // The client's own close frame; whatever else comes is not read any more.
        let answered = async { while !matches!(stream.next().await, Some(Ok(Message::Close(_)) | Err(_)) | None) {} };
        let _ = tokio::time::timeout(FAREWELL, answered).await;
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        // Nothing in there can be left half done.
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when nobody has said in time who it is, or when that is worth nothing any more.
    async fn authority(&self, known: oneshot::Receiver<Claims>) -> Close {
        match tokio::time::timeout(self.live.limits.init_timeout, known).await {
            Ok(Ok(claims)) => authority::ended(&self.live.endpoint.service().plane().directory, claims).await,
            // Reading ends for a reason of its own.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => Close::InitTimeout,
        }
    }

    /// Does what the client says, until there is a reason to close. Messages are taken one after the other: when a ping
    /// that follows a subscribe is answered, the subscription hears of every change.
    async fn read<S>(self: &Arc<Self>, stream: &mut S, acknowledged: oneshot::Sender<Claims>) -> Close
    where
        S: Stream<Item = Result<Message, SocketError>> + Unpin + Send,
    {
        let mut acknowledged = Some(acknowledged);
        let patience = self.live.limits.keep_alive * SILENT_INTERVALS;
        loop {
            let text = match tokio::time::timeout(patience, stream.next()).await {
                Err(_) => return Close::Silent,
                Ok(None | Some(Ok(Message::Close(_)))) => return Close::ByClient,
                Ok(Some(Ok(Message::Text(text)))) => text,
                // Pings are answered by the websocket itself.
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => continue,
                Ok(Some(Ok(Message::Binary(_)))) => {
                    return Close::BadMessage("Invalid message: expected text".into());
                }
                Ok(Some(Err(SocketError::Capacity(CapacityError::MessageTooLong { .. })))) => return Close::TooLarge,
                Ok(Some(Err(error))) => {
                    tracing::debug!(%error, "a websocket broke off");
                    return Close::ByClient;
                }
            };
            if acknowledged.is_some() && text.len() > self.live.limits.first_message_bytes {
                return Close::TooLarge;
            }
            let step = self.talk().protocol.receive(&text);
            match step {
                Step::Nothing => {}
                Step::Send(text) => self.outbox.send(text),
                Step::Close(reason) => return reason,
                Step::Authenticate(token) => match self.authenticate(token).await {
                    Ok(claims) => {
                        if let Some(acknowledged) = acknowledged.take() {
                            let _ = acknowledged.send(claims);
                        }
                    }
                    Err(reason) => return reason,
                },
                Step::Stop(number) => {
                    self.outbox.close(number);
                    let stopped = self.talk().running.remove(&number);
                    drop(stopped);
                }
                Step::Begin { number, id, parameters } => {
                    self.outbox.open(number, id);
                    self.begin(number, parameters).await;
                }
            }
        }
    }

    /// Finds out who it is, and acknowledges the connection.
    async fn authenticate(&self, token: Option<SecretString>) -> Result<Claims, Close> {
        let token = token.ok_or(Close::BadToken)?;
        let identified = self.live.endpoint.service().identify(token.expose_secret()).await;
        let (claims, viewer) = identified.map_err(|failed| match failed {
            AuthenticationFailed::Rejected => Close::BadToken,
            AuthenticationFailed::Unavailable => Close::Unavailable,
        })?;
        let place = self.live.admission.subscriber(Payer::of(viewer, self.client_address));
        let place = place.map_err(|_| Close::Crowded)?;
        let mut talk = self.talk();
        talk.newcomer = None;
        talk.who = Some((claims, place));
        self.outbox.send(talk.protocol.acknowledge());
        Ok(claims)
    }

    /// Begins an operation, or says why not.
    async fn begin(self: &Arc<Self>, number: u64, parameters: RequestParameters) {
        let begun = self.try_to_begin(number, parameters).await;
        if let Err(refused) = begun {
            self.refuse(number, refused);
        }
    }

    fn refuse(&self, number: u64, refused: RequestRefused) {
        let errors = response_body::errors_of(refused, &self.request_id);
        let errors = serde_json::to_vec(&errors).unwrap_or_else(|_| b"[]".to_vec());
        self.outbox.refuse(number, Bytes::from(errors));
    }

    async fn try_to_begin(self: &Arc<Self>, number: u64, parameters: RequestParameters) -> Result<(), RequestRefused> {
        let live = &self.live;
        let (claims, count) = {
            let talk = self.talk();
            (talk.who.as_ref().map(|(claims, _)| *claims), talk.protocol.running())
        };
        if count > live.limits.operations_per_connection {
            return Err(RequestRefused::request(
                StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::RateLimited,
                "There are too many operations on this connection. Complete some first.",
            ));
        }
        // With the eyes that the account has now.
        let directory = &live.endpoint.service().plane().directory;
        let identified = claims.and_then(|claims| Some((claims, directory.check(&claims, Timestamp::now()).ok()?)));
        let Some((claims, viewer)) = identified else {
            return Err(crate::http::graphql::unauthenticated(AuthenticationFailed::Rejected));
        };
        let caller = Caller::bearing(&claims, viewer);
        let prepared = live.endpoint.prepare(parameters, &caller, self.client_address)?;
        if prepared.kind == OperationType::Subscription {
            let subscriber = Subscriber {
                claims,
                viewer,
                request_id: self.request_id.clone(),
                client_address: self.client_address,
            };
            let subscribed = live.hub.subscribe(&subscriber, prepared, &self.outbox, number).await?;
            self.talk().running.insert(number, Running::Subscription(subscribed));
            return Ok(());
        }
        let execution = Arc::clone(self).execute(number, prepared, caller);
        let task = AbortOnDropHandle::new(tokio::spawn(execution.in_current_span()));
        self.talk().running.insert(number, Running::Execution(task));
        Ok(())
    }

    /// Executes a query or a mutation.
    async fn execute(self: Arc<Self>, number: u64, prepared: Prepared, caller: Caller) {
        let answered = self
            .live
            .endpoint
            .message(prepared, caller, &self.request_id, self.client_address)
            .await;
        match answered {
            Ok(payload) => {
                self.outbox.next(number, None, payload);
                self.outbox.complete(number);
            }
            Err(refused) => self.refuse(number, refused),
        }
    }

    /// Sends what waits, and a ping when it is quiet.
    async fn write<S>(&self, sink: &mut S) -> Close
    where
        S: Sink<Message, Error = SocketError> + Unpin + Send,
    {
        let limits = &self.live.limits;
        let mut pings = tokio::time::interval(limits.keep_alive);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first one comes at once.
        pings.tick().await;
        loop {
            let frame = tokio::select! {
                taken = self.outbox.take() => match taken {
                    Ok(outgoing) => Message::Text(self.text_of(outgoing).into()),
                    Err(reason) => return reason,
                },
                _ = pings.tick() => Message::Ping(Bytes::new()),
            };
            let sent = tokio::select! {
                sent = tokio::time::timeout(limits.send_timeout, sink.send(frame)) => sent,
                reason = self.outbox.over() => return reason,
            };
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a websocket broke off");
                    return Close::ByClient;
                }
                Err(_) => return Close::TooSlow,
            }
        }
    }

    /// The message. An operation that is over is so before its client hears of it, so that its id is free then.
    fn text_of(&self, outgoing: Outgoing) -> String {
        match outgoing {
            Outgoing::Message(text) => text,
            Outgoing::Next { id, payload } => message::next(&id, &String::from_utf8_lossy(&payload)),
            Outgoing::Error { number, id, errors } => {
                self.finish(number);
                message::error(&id, &String::from_utf8_lossy(&errors))
            }
            Outgoing::Complete { number, id } => {
                self.finish(number);
                message::complete(&id)
            }
        }
    }

    fn finish(&self, number: u64) {
        let finished = {
            let mut talk = self.talk();
            talk.protocol.finished(number);
            talk.running.remove(&number)
        };
        drop(finished);
    }
}
