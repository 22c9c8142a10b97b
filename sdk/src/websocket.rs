//! One WebSocket that speaks graphql-transport-ws, for one subscription.
//!
//! The protocol: <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>. The connection is made by the
//! client's own HTTP client and then upgraded, so that TLS, proxies and roots are the same as of every other call:
//! docs/adr/0038-subscriptions-over-the-clients-own-connection.md

use std::{collections::VecDeque, time::Duration};

use futures_util::{
    SinkExt, StreamExt,
    future::{Either, select},
};
use reqwest::{
    StatusCode,
    header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE, USER_AGENT},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{json, value::RawValue};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::Role,
    },
};

use crate::{
    Response,
    error::{DecodeError, Error, GraphQlError, TransportError},
    platform::{sleep, within},
    transport::{Head, Transport, WireError},
};

const SUBPROTOCOL: &str = "graphql-transport-ws";
/// After this long without a word from the server it is asked for one; after as long again it counts as gone.
const SILENCE: Duration = Duration::from_secs(30);
/// The one operation of a connection.
const ID: &str = "1";

/// A connection with its operation running.
pub(crate) struct Connection {
    socket: WebSocketStream<reqwest::Upgraded>,
    endpoint: url::Url,
    /// What came before the operation was known to have begun.
    early: VecDeque<String>,
}

/// What a connection yields.
pub(crate) enum Incoming<T> {
    Next(Response<T>),
    Complete,
}

/// Why a connection is none, or is none any more.
pub(crate) enum Broken {
    /// The server takes the token for nothing: another one may do.
    Token(Error),
    /// Trying again may help.
    Passing(Error),
    /// Trying again does not help.
    Final(Error),
}

impl Connection {
    /// Connects, proves who calls, and begins the operation; `operation` is what a POST would send.
    pub(crate) async fn open(
        transport: &Transport,
        token: Option<&SecretString>,
        operation: &RawValue,
    ) -> Result<Self, Broken> {
        within(transport.timeout, Self::begin(transport, token, operation))
            .await
            .unwrap_or_else(|| {
                let error = TransportError::timed_out(&transport.endpoint);
                Err(Broken::Passing(Error::Transport(error)))
            })
    }

    async fn begin(transport: &Transport, token: Option<&SecretString>, operation: &RawValue) -> Result<Self, Broken> {
        let socket = upgrade(transport).await?;
        let mut connection = Self {
            socket,
            endpoint: transport.endpoint.clone(),
            early: VecDeque::new(),
        };
        let payload = token.map(|token| json!({"Authorization": format!("Bearer {}", token.expose_secret())}));
        connection
            .send(json!({"type": "connection_init", "payload": payload}))
            .await?;
        loop {
            let text = connection.text().await?;
            let message = Wire::read(&text)?;
            match message.kind {
                "connection_ack" => break,
                "ping" => connection.send(json!({"type": "pong"})).await?,
                _ => {}
            }
        }
        connection
            .send(json!({"id": ID, "type": "subscribe", "payload": operation}))
            .await?;
        // The protocol acknowledges no operation. Messages are handled in order, so whoever answers this has begun it:
        // what changes from now on is told.
        connection.send(json!({"type": "ping"})).await?;
        loop {
            let text = connection.text().await?;
            match Wire::read(&text)?.kind {
                "pong" => return Ok(connection),
                "ping" => connection.send(json!({"type": "pong"})).await?,
                "next" | "error" | "complete" => connection.early.push_back(text),
                _ => {}
            }
        }
    }

    /// What the operation yields next.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Incoming<T>, Broken> {
        loop {
            let text = match self.early.pop_front() {
                Some(text) => text,
                None => self.text().await?,
            };
            let message = Wire::read(&text)?;
            match (message.kind, message.payload) {
                ("next", Some(payload)) => {
                    let response = Head::of_message().read(payload.get().as_bytes());
                    return response.map(Incoming::Next).map_err(Broken::Final);
                }
                ("error", payload) => {
                    let errors = payload.and_then(|payload| serde_json::from_str::<Vec<WireError>>(payload.get()).ok());
                    let errors: Vec<_> = errors.unwrap_or_default().into_iter().map(GraphQlError::from).collect();
                    let error = Error::GraphQl(errors);
                    return Err(if error.is_retryable() {
                        Broken::Passing(error)
                    } else {
                        Broken::Final(error)
                    });
                }
                ("complete", _) => return Ok(Incoming::Complete),
                ("ping", _) => self.send(json!({"type": "pong"})).await?,
                _ => {}
            }
        }
    }

    /// The next text message. A server that says nothing is asked whether it is there.
    async fn text(&mut self) -> Result<String, Broken> {
        let mut asked = false;
        loop {
            let received = match select(self.socket.next(), std::pin::pin!(sleep(SILENCE))).await {
                Either::Left((received, _)) => received,
                Either::Right(((), _)) if asked => {
                    return Err(Broken::Passing(Error::Transport(TransportError::timed_out(
                        &self.endpoint,
                    ))));
                }
                Either::Right(((), _)) => {
                    asked = true;
                    self.send(json!({"type": "ping"})).await?;
                    continue;
                }
            };
            match received {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    // 1005 stands for a close frame without a code (RFC 6455, section 7.4.1).
                    let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                        (frame.code.into(), frame.reason.as_str().to_owned())
                    });
                    return Err(closed(code, reason));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.lost(error)),
                // 1006: it ended without a close frame.
                None => return Err(closed(1006, String::new())),
            }
        }
    }

    async fn send(&mut self, message: serde_json::Value) -> Result<(), Broken> {
        let sent = self.socket.send(Message::text(message.to_string())).await;
        sent.map_err(|error| self.lost(error))
    }

    fn lost(&self, error: tokio_tungstenite::tungstenite::Error) -> Broken {
        Broken::Passing(Error::Transport(TransportError::of_socket(&self.endpoint, error)))
    }
}

/// By the protocol's own list, and the server's docs/subscriptions.md.
fn closed(code: u16, reason: String) -> Broken {
    let error = Error::Closed { code, reason };
    match code {
        4403 => Broken::Token(error),
        _ if error.is_retryable() => Broken::Passing(error),
        _ => Broken::Final(error),
    }
}

async fn upgrade(transport: &Transport) -> Result<WebSocketStream<reqwest::Upgraded>, Broken> {
    let mut endpoint = transport.endpoint.clone();
    endpoint.set_path(&format!("{}/ws", endpoint.path().trim_end_matches('/')));
    let key = generate_key();
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert("sec-websocket-version", HeaderValue::from_static("13"));
    headers.insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
    headers.insert(USER_AGENT, transport.user_agent.clone());
    headers.insert(
        "sec-websocket-key",
        HeaderValue::from_str(&key).map_err(|_| Broken::Final(DecodeError::new("no key").into()))?,
    );
    let failed = |error| Broken::Passing(Error::Transport(TransportError::new(&endpoint, error)));
    let response = transport
        .http
        .get(endpoint.clone())
        .headers(headers)
        .send()
        .await
        .map_err(failed)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let error = Head::of(response.status(), response.headers())
            .without_graphql(DecodeError::new("the server does not become a WebSocket"));
        return Err(if error.is_retryable() {
            Broken::Passing(error)
        } else {
            Broken::Final(error)
        });
    }
    let is = |name: &str, wanted: &str| response.headers().get(name).is_some_and(|value| value == wanted);
    if !is("sec-websocket-accept", &derive_accept_key(key.as_bytes())) || !is("sec-websocket-protocol", SUBPROTOCOL) {
        let error = DecodeError::new("the server became a WebSocket of another kind");
        return Err(Broken::Final(error.into()));
    }
    let upgraded = response.upgrade().await.map_err(failed)?;
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: &'a str,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

impl<'a> Wire<'a> {
    fn read(text: &'a str) -> Result<Self, Broken> {
        serde_json::from_str(text).map_err(|error| Broken::Final(DecodeError::json(&error).into()))
    }
}
