//! The server's side of graphql-transport-ws as a state machine, without sockets and clocks.
//!
//! ```text
//!   NEW ──connection_init──► ASKED ──acknowledged──► READY: subscribe, complete
//!    └── subscribe: 4401       └── subscribe: 4401
//! ```
//!
//! ping, pong and complete are taken in every state; a second connection_init in any state is 4429.

use std::{collections::HashMap, sync::Arc};

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{
    close::Close,
    message::{self, ClientMessage},
};
use crate::http::request_parameters::{self, RequestParameters};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Asked,
    Ready,
}

/// The most bytes of a ping: it is sent back, and nobody pays for it.
const LONGEST_PING: usize = 4096;

/// One connection's conversation.
#[derive(Debug)]
pub(super) struct Protocol {
    state: State,
    /// Operations that run: the client's ids, each with a number that is never used again.
    operations: HashMap<Arc<str>, u64>,
    next_number: u64,
}

/// What has to be done about a message.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing.
    Nothing,
    /// Send this.
    Send(String),
    /// Find out who it is; `None`: it says nothing, or nothing that can be read.
    Authenticate(Option<SecretString>),
    /// Execute this.
    Begin {
        /// Our number for it.
        number: u64,
        /// The client's id for it.
        id: Arc<str>,
        /// What is asked.
        parameters: RequestParameters,
    },
    /// Stop this, and send nothing more of it.
    Stop(u64),
    /// Close the connection.
    Close(Close),
}

impl Protocol {
    pub(super) fn new() -> Self {
        Self {
            state: State::New,
            operations: HashMap::new(),
            next_number: 0,
        }
    }

    /// What has to be done about this message.
    pub(super) fn receive(&mut self, text: &str) -> Step {
        let message = match ClientMessage::parse(text) {
            Ok(message) => message,
            Err(why) => return Step::Close(Close::BadMessage(why)),
        };
        match (message, self.state) {
            (ClientMessage::ConnectionInit(payload), State::New) => {
                self.state = State::Asked;
                Step::Authenticate(payload.and_then(bearer_token))
            }
            (ClientMessage::ConnectionInit(_), State::Asked | State::Ready) => Step::Close(Close::TooManyInits),
            (ClientMessage::Ping(_), _) if text.len() > LONGEST_PING => Step::Close(Close::BadMessage(
                "Invalid message: the `payload` of a ping is too long".into(),
            )),
            (ClientMessage::Ping(payload), _) => Step::Send(message::pong(payload)),
            (ClientMessage::Pong, _) => Step::Nothing,
            (ClientMessage::Subscribe { .. }, State::New | State::Asked) => Step::Close(Close::NotInitialised),
            (ClientMessage::Subscribe { id, payload }, State::Ready) => self.subscribe(id, payload),
            (ClientMessage::Complete { id }, _) => match self.operations.remove(id.as_str()) {
                Some(number) => Step::Stop(number),
                // It ended by itself at the same moment.
                None => Step::Nothing,
            },
        }
    }

    fn subscribe(&mut self, id: String, payload: Map<String, Value>) -> Step {
        if self.operations.contains_key(id.as_str()) {
            return Step::Close(Close::Duplicate(id));
        }
        let parameters = match request_parameters::from_members(payload) {
            Ok(parameters) => parameters,
            Err(bad) => return Step::Close(Close::BadMessage(format!("Invalid payload: {bad}").into())),
        };
        let id: Arc<str> = id.into();
        let number = self.next_number;
        self.next_number += 1;
        self.operations.insert(Arc::clone(&id), number);
        Step::Begin { number, id, parameters }
    }

    /// It is known who it is: the acknowledgement to send.
    pub(super) fn acknowledge(&mut self) -> String {
        self.state = State::Ready;
        message::connection_ack()
    }

    /// The operation has ended by itself: its id is free as soon as the client hears of it.
    pub(super) fn finished(&mut self, number: u64) {
        self.operations.retain(|_, running| *running != number);
    }

    /// How many operations run.
    pub(super) fn running(&self) -> usize {
        self.operations.len()
    }
}

/// The access token in the payload of connection_init: `{"Authorization": "Bearer …"}`, as the header would be
/// (RFC 6750, section 2.1).
fn bearer_token(payload: Map<String, Value>) -> Option<SecretString> {
    let mut named = payload
        .into_iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let (Some((_, Value::String(value))), None) = (named.next(), named.next()) else {
        return None;
    };
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    let is_one = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ');
    is_one.then(|| SecretString::from(token.to_owned()))
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
