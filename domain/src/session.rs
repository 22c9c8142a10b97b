//! Sessions: how long they last, and what the use of a token leads to.
//!
//! ```text
//!   sign in ─► token 1 ─use─► token 2 ─use─► token 3 …     each at most 7 days after the one before
//!                 └─use again─► the session ends, and with it every token that followed
//!   the session's end (portal 30 days, admin 12 hours) ends them all
//! ```
//!
//! A stolen token is used by the thief or by its owner first; the second of the two is noticed, and nobody can tell
//! which one it was, so both lose the session (RFC 9700, section 4.14.2).

use std::time::Duration;

use crate::Timestamp;

/// Where an account lives. Keys, issuers and audiences of tokens differ between realms, so that a token of one is
/// nothing in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Realm {
    /// Developers.
    Portal,
    /// Admins.
    Admin,
}

impl Realm {
    /// The realm in lower case, as it stands in issuers, audiences and file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Admin => "admin",
        }
    }
}

/// How long a refresh token that is not used lasts.
pub const REFRESH_TOKEN_IDLE_LIMIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a password reset token lasts.
pub const RESET_TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long a session lasts from sign-in, however often it is refreshed.
#[must_use]
pub const fn lifetime(realm: Realm) -> Duration {
    match realm {
        Realm::Portal => Duration::from_secs(30 * 24 * 60 * 60),
        Realm::Admin => Duration::from_secs(12 * 60 * 60),
    }
}

/// When a session that begins `now` ends at the latest.
#[must_use]
pub fn expires_at(realm: Realm, now: Timestamp) -> Timestamp {
    now.saturating_add(lifetime(realm))
}

/// When a refresh token issued `now` ends unused.
#[must_use]
pub fn refresh_token_expires_at(now: Timestamp, session_expires_at: Timestamp) -> Timestamp {
    now.saturating_add(REFRESH_TOKEN_IDLE_LIMIT).min(session_expires_at)
}

/// What is known of a refresh token and its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshFacts {
    /// When the token was used; none: not yet.
    pub used_at: Option<Timestamp>,
    /// When the token ends unused.
    pub expires_at: Timestamp,
    /// When the session was ended early; none: it was not.
    pub session_ended_at: Option<Timestamp>,
    /// When the session ends however often it is refreshed.
    pub session_expires_at: Timestamp,
}

/// What a use of a refresh token leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Mark the token as used and issue the next, which ends at this instant unless it is used.
    Rotate {
        /// When the next token ends unused.
        next_expires_at: Timestamp,
    },
    /// It was used before: end the session and record it.
    Reused,
    /// The token or its session is over; there is nothing to do.
    Over,
}

/// Decides about the use of a refresh token at `now`. The caller makes sure that of two uses at once one comes first:
/// it marks the token by a conditional update, and takes a lost race for [`RefreshDecision::Reused`].
#[must_use]
pub fn refresh(facts: RefreshFacts, now: Timestamp) -> RefreshDecision {
    if facts.session_ended_at.is_some() || facts.session_expires_at <= now {
        RefreshDecision::Over
    } else if facts.used_at.is_some() {
        // Whether it would have ended by now makes no difference: two hold it.
        RefreshDecision::Reused
    } else if facts.expires_at <= now {
        RefreshDecision::Over
    } else {
        RefreshDecision::Rotate {
            next_expires_at: refresh_token_expires_at(now, facts.session_expires_at),
        }
    }
}

/// When a password reset token issued `now` ends.
#[must_use]
pub fn reset_token_expires_at(now: Timestamp) -> Timestamp {
    now.saturating_add(RESET_TOKEN_LIFETIME)
}

/// Whether a password reset token can be used at `now`; at the instant of its end it cannot. That it was not used
/// before is known by its row being there: a use removes all of the developer's.
#[must_use]
pub fn reset_token_is_usable(expires_at: Timestamp, now: Timestamp) -> bool {
    now < expires_at
}
