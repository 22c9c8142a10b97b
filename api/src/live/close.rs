//! Why a connection ends, as its client is told.
//!
//! 44xx with a meaning in graphql-transport-ws
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>) keep it; 10xx are the websocket's own (RFC 6455,
//! section 7.4.1). The clients of that protocol come back by themselves after 1001, 1012, 1013, 4403, 4408 and 4410, and
//! give up after the others.

use std::borrow::Cow;

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// The client closed it, or is gone.
    ByClient,
    /// The server stops.
    GoingAway,
    /// The client answers no ping.
    Silent,
    /// A message is too large.
    TooLarge,
    /// Updates may have been missed, because the change log did not go on from what was read.
    Interrupted,
    /// There are too many connections.
    Crowded,
    /// A message is none of the protocol.
    BadMessage(Cow<'static, str>),
    /// Something was subscribed to before the connection was acknowledged.
    NotInitialised,
    /// The token is missing or worth nothing.
    BadToken,
    /// Tokens cannot be checked right now.
    Unavailable,
    /// The access token has reached its end.
    TokenExpired,
    /// The session has ended, or the account may not act any more.
    SessionEnded,
    /// The client offers no subprotocol that is spoken here.
    Subprotocol,
    /// The connection was not initialised in time.
    InitTimeout,
    /// An operation of this id is running.
    Duplicate(String),
    /// The client does not read what it is sent.
    TooSlow,
    /// The connection was initialised twice.
    TooManyInits,
}

/// The most bytes of a reason (RFC 6455, section 5.5: a control frame has 125, of which the code takes two).
const REASON_BYTES: usize = 123;

impl Close {
    /// The close code.
    pub(crate) const fn code(&self) -> u16 {
        match self {
            Self::ByClient => 1000,
            Self::GoingAway | Self::Silent => 1001,
            Self::TooLarge => 1009,
            Self::Interrupted => 1012,
            Self::Crowded | Self::Unavailable => 1013,
            Self::BadMessage(_) => 4400,
            Self::NotInitialised => 4401,
            Self::BadToken | Self::TokenExpired | Self::SessionEnded => 4403,
            Self::Subprotocol => 4406,
            Self::InitTimeout => 4408,
            Self::Duplicate(_) => 4409,
            Self::TooSlow => 4410,
            Self::TooManyInits => 4429,
        }
    }

    /// The reason in words, at most 123 bytes.
    pub(crate) fn reason(&self) -> Cow<'static, str> {
        let reason: Cow<'static, str> = match self {
            Self::ByClient => "".into(),
            Self::GoingAway => "The server stops: connect again".into(),
            Self::Silent => "No answer to pings".into(),
            Self::TooLarge => "The message is too large".into(),
            Self::Interrupted => "Updates may have been missed: connect again and read anew".into(),
            Self::Crowded => "Too many connections: close some, or try again later".into(),
            Self::Unavailable => "Tokens cannot be checked right now: try again".into(),
            Self::BadMessage(why) => why.clone(),
            Self::NotInitialised => "Unauthorized: send connection_init and wait for connection_ack".into(),
            Self::BadToken => "Forbidden: send {\"Authorization\": \"Bearer …\"} with a good access token".into(),
            Self::TokenExpired => "Forbidden: the access token has expired, connect with a new one".into(),
            Self::SessionEnded => "Forbidden: the session has ended".into(),
            Self::Subprotocol => "Subprotocol not acceptable: graphql-transport-ws is spoken here".into(),
            Self::InitTimeout => "Connection initialisation timeout".into(),
            Self::Duplicate(id) => format!("Subscriber for {id} already exists").into(),
            Self::TooSlow => "Too slow: updates were dropped, connect again and read anew".into(),
            Self::TooManyInits => "Too many initialisation requests".into(),
        };
        match reason {
            long if long.len() > REASON_BYTES => {
                let end = (0..=REASON_BYTES).rev().find(|end| long.is_char_boundary(*end));
                Cow::Owned(long.get(..end.unwrap_or(0)).unwrap_or_default().to_owned())
            }
            short => short,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_fit_into_a_control_frame() {
        for close in [
            Close::GoingAway,
            Close::Silent,
            Close::TooLarge,
            Close::Interrupted,
            Close::Crowded,
            Close::Unavailable,
            Close::NotInitialised,
            Close::BadToken,
            Close::TokenExpired,
            Close::SessionEnded,
            Close::Subprotocol,
            Close::InitTimeout,
            Close::TooSlow,
            Close::TooManyInits,
            Close::Duplicate("é".repeat(100)),
            Close::BadMessage("ü".repeat(100).into()),
        ] {
            let reason = close.reason();
            assert!(!reason.is_empty() && reason.len() <= REASON_BYTES, "{close:?}");
        }
    }
}
