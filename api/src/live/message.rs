//! The messages of graphql-transport-ws.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The longest id of an operation, in bytes; clients take UUIDs.
const LONGEST_ID: usize = 128;

/// What a client says.
#[derive(Debug)]
pub(super) enum ClientMessage {
    /// Who it is.
    ConnectionInit(Option<Map<String, Value>>),
    /// Are you there?
    Ping(Option<Map<String, Value>>),
    /// I am.
    Pong,
    /// Execute this.
    Subscribe {
        /// What the client calls the operation.
        id: String,
        /// The GraphQL request.
        payload: Map<String, Value>,
    },
    /// I want no more of it.
    Complete {
        /// Of which operation.
        id: String,
    },
}

/// A message's members. What the protocol does not know is left alone.
#[derive(Deserialize)]
struct Members {
    r#type: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    payload: Option<Map<String, Value>>,
}

impl ClientMessage {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong with it, in words for the client's developer.
    pub(super) fn parse(text: &str) -> Result<Self, Cow<'static, str>> {
        let Members { r#type, id, payload } = serde_json::from_str(text).map_err(
            |_| "Invalid message: expected a JSON object with `type`, and `id` and `payload` where they belong",
        )?;
        let id = || match id {
            Some(id) if (1..=LONGEST_ID).contains(&id.len()) => Ok(id),
            Some(_) | None => Err("Invalid message: `id` must have 1 to 128 bytes"),
        };
        Ok(match r#type.as_str() {
            "connection_init" => Self::ConnectionInit(payload),
            "ping" => Self::Ping(payload),
            "pong" => Self::Pong,
            "subscribe" => Self::Subscribe {
                id: id()?,
                payload: payload.ok_or("Invalid message: `payload` is missing")?,
            },
            "complete" => Self::Complete { id: id()? },
            _ => return Err("Invalid message: unknown `type`".into()),
        })
    }
}

/// `connection_ack`.
pub(super) fn connection_ack() -> String {
    json!({ "type": "connection_ack" }).to_string()
}

/// `pong`, with what the ping carried.
pub(super) fn pong(payload: Option<Map<String, Value>>) -> String {
    match payload {
        Some(payload) => json!({ "type": "pong", "payload": payload }).to_string(),
        None => json!({ "type": "pong" }).to_string(),
    }
}

/// `next`; the payload is JSON already.
pub(super) fn next(id: &str, payload: &str) -> String {
    let id = Value::from(id);
    format!(r#"{{"id":{id},"type":"next","payload":{payload}}}"#)
}

/// `error`; the payload is a list in JSON already.
pub(super) fn error(id: &str, errors: &str) -> String {
    let id = Value::from(id);
    format!(r#"{{"id":{id},"type":"error","payload":{errors}}}"#)
}

/// `complete`.
pub(super) fn complete(id: &str) -> String {
    json!({ "id": id, "type": "complete" }).to_string()
}
