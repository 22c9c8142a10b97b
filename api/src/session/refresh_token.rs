//! Refresh tokens: opaque, single use, stored as their SHA-256, and the rules of their rotation.
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

use domain::{
    Timestamp,
    api_key::{ApiKey, ApiKeyHash, ApiKeyPrefix},
};
use secrecy::SecretString;

use super::realm::Realm;

const PREFIX: &str = "ptr_";

/// How long a token that is not used lasts.
pub const IDLE_LIMIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a session lasts from sign-in, however often it is refreshed.
#[must_use]
pub const fn session_lifetime(realm: Realm) -> Duration {
    match realm {
        Realm::Portal => Duration::from_secs(30 * 24 * 60 * 60),
        Realm::Admin => Duration::from_secs(12 * 60 * 60),
    }
}

/// A refresh token in the clear: when it is made, and while a call that carries it is answered. The same form as an
/// API key's under a prefix of its own, so that scanners find it and junk is refused before any lookup.
#[derive(Clone, Debug)]
pub struct RefreshToken(ApiKey);

/// What is stored and looked up in a refresh token's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefreshTokenHash(ApiKeyHash);

/// The text is no refresh token. What it was is deliberately not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this does not have the form of a refresh token")]
pub struct MalformedRefreshToken;

impl RefreshToken {
    /// Makes a new token of 256 random bits.
    ///
    /// # Errors
    /// Never in practice: only if the prefix of refresh tokens were not one.
    pub fn generate() -> Result<Self, MalformedRefreshToken> {
        let prefix = ApiKeyPrefix::new(PREFIX).map_err(|_| MalformedRefreshToken)?;
        Ok(Self(ApiKey::generate(&prefix, &mut rand::rng())))
    }

    /// Takes what a caller sent, if it has the form of a refresh token.
    ///
    /// # Errors
    /// When the prefix, the length, the alphabet or the checksum is wrong.
    pub fn parse(sent: &str) -> Result<Self, MalformedRefreshToken> {
        if !sent.starts_with(PREFIX) {
            return Err(MalformedRefreshToken);
        }
        ApiKey::parse(sent.as_bytes())
            .map(Self)
            .map_err(|_| MalformedRefreshToken)
    }

    /// The token in the clear, for its owner.
    #[must_use]
    pub fn to_secret(&self) -> SecretString {
        SecretString::from(self.0.expose())
    }

    /// What is stored and looked up in its place.
    #[must_use]
    pub fn hash(&self) -> RefreshTokenHash {
        RefreshTokenHash(self.0.hash())
    }
}

impl RefreshTokenHash {
    /// The 32 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// What the database knows of a token and its session.
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

/// Decides about the use of a token at `now`. The caller makes sure that of two uses at once one comes first: it marks
/// the token by a conditional update, and takes a lost race for [`RefreshDecision::Reused`].
#[must_use]
pub fn decide(facts: RefreshFacts, now: Timestamp) -> RefreshDecision {
    if facts.session_ended_at.is_some() || facts.session_expires_at <= now {
        RefreshDecision::Over
    } else if facts.used_at.is_some() {
        // Whether it would have ended by now makes no difference: two hold it.
        RefreshDecision::Reused
    } else if facts.expires_at <= now {
        RefreshDecision::Over
    } else {
        RefreshDecision::Rotate {
            next_expires_at: expires_at(now, facts.session_expires_at),
        }
    }
}

/// When a session that begins `now` ends at the latest.
#[must_use]
pub fn session_expires_at(realm: Realm, now: Timestamp) -> Timestamp {
    now.saturating_add(session_lifetime(realm))
}

/// When a token issued `now` ends unused.
#[must_use]
pub fn expires_at(now: Timestamp, session_expires_at: Timestamp) -> Timestamp {
    now.saturating_add(IDLE_LIMIT).min(session_expires_at)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_token_is_read_back_and_found_by_its_hash() {
        let token = RefreshToken::generate().unwrap();
        let sent = token.to_secret();
        assert!(sent.expose_secret().starts_with("ptr_"));
        assert_eq!(RefreshToken::parse(sent.expose_secret()).unwrap().hash(), token.hash());
        assert_ne!(RefreshToken::generate().unwrap().hash(), token.hash());
        assert!(!format!("{token:?}").contains(&sent.expose_secret()[4..]));
    }

    #[test]
    fn junk_and_other_kinds_of_tokens_are_refused_before_any_lookup() {
        let token = RefreshToken::generate().unwrap().to_secret();
        let good = token.expose_secret();
        let api_key = ApiKey::generate(&ApiKeyPrefix::default(), &mut rand::rng());
        let swapped = if good.ends_with('0') { "1" } else { "0" };
        for sent in [
            "",
            "ptr_",
            "junk",
            api_key.expose(),
            &api_key.expose().replacen("ptk_", "ptr_", 1),
            &good[1..],
            &format!(" {good}"),
            &format!("{good}\n"),
            &format!("{}{swapped}", &good[..good.len() - 1]),
            &good.to_uppercase(),
        ] {
            assert_eq!(RefreshToken::parse(sent).unwrap_err(), MalformedRefreshToken, "{sent}");
        }
    }

    #[test]
    fn every_combination_of_facts_has_its_decision() {
        let now = at(1_000_000);
        let (before, after) = (at(999_999), at(1_000_001));
        let next = RefreshDecision::Rotate { next_expires_at: after };
        // At the instant of its end a token or session is over.
        for (used, token, ended, session, expected) in [
            (None, after, None, after, next),
            (None, now, None, after, RefreshDecision::Over),
            (None, before, None, after, RefreshDecision::Over),
            (Some(before), after, None, after, RefreshDecision::Reused),
            (Some(now), now, None, after, RefreshDecision::Reused),
            (Some(before), before, None, after, RefreshDecision::Reused),
            (None, after, None, now, RefreshDecision::Over),
            (None, after, None, before, RefreshDecision::Over),
            (None, before, None, before, RefreshDecision::Over),
            (Some(before), after, None, now, RefreshDecision::Over),
            (Some(before), before, None, before, RefreshDecision::Over),
            (None, after, Some(before), after, RefreshDecision::Over),
            (None, before, Some(before), after, RefreshDecision::Over),
            (Some(before), after, Some(before), after, RefreshDecision::Over),
            (Some(before), before, Some(before), before, RefreshDecision::Over),
        ] {
            let facts = RefreshFacts {
                used_at: used,
                expires_at: token,
                session_ended_at: ended,
                session_expires_at: session,
            };
            assert_eq!(decide(facts, now), expected, "{facts:?}");
        }
    }

    #[test]
    fn a_token_lasts_seven_days_but_never_longer_than_its_session() {
        let start = at(0);
        let portal = session_expires_at(Realm::Portal, start);
        assert_eq!(portal, start.saturating_add(30 * DAY));
        assert_eq!(expires_at(start, portal), start.saturating_add(7 * DAY));
        assert_eq!(expires_at(start.saturating_add(29 * DAY), portal), portal);
        let admin = session_expires_at(Realm::Admin, start);
        assert_eq!(admin, start.saturating_add(DAY / 2));
        assert_eq!(expires_at(start, admin), admin);
    }

    #[test]
    fn refreshing_daily_ends_with_the_session_all_the_same() {
        let session = session_expires_at(Realm::Portal, at(0));
        let mut expires = expires_at(at(0), session);
        let mut rotations = 0;
        for day in 1..100 {
            let facts = RefreshFacts {
                used_at: None,
                expires_at: expires,
                session_ended_at: None,
                session_expires_at: session,
            };
            match decide(facts, at(0).saturating_add(day * DAY)) {
                RefreshDecision::Rotate { next_expires_at } => {
                    expires = next_expires_at;
                    rotations += 1;
                }
                other => {
                    assert_eq!(other, RefreshDecision::Over);
                    break;
                }
            }
        }
        assert_eq!(rotations, 29);
    }
}
