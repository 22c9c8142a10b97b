//! The answer that a request gets in place of the service's own.

use std::fmt;

use http::{Response, StatusCode};

/// A request that may not pass. [`Denied::response`] is what to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied(pub(super) gateway::verifier::Denied);

impl Denied {
    /// The answer's status: 401 without a key that is one, 403 for what was not approved, suspended or revoked, 404 and 410
    /// for versions that are not there or no more, 503 without anything to decide by, 400 and 405 for requests that can be
    /// read in two ways.
    pub const fn status(self) -> StatusCode {
        self.0.status()
    }

    /// What the answer says, for people.
    pub fn message(self) -> &'static str {
        self.0.message()
    }

    /// Why a key that exists opened nothing, such as `REQUEST_PENDING`: the answer's `X-Portico-Denial`. `None` for those
    /// who showed no such key; they learn no more than that.
    pub fn reason(self) -> Option<&'static str> {
        self.0.reason()
    }

    /// The answer, as a gateway gives it: JSON with the message, and the headers that belong to it.
    pub fn response<B: From<String>>(self) -> Response<B> {
        self.0.response()
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.status().as_u16(), self.message())?;
        match self.reason() {
            Some(reason) => write!(formatter, " ({reason})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Denied {}
