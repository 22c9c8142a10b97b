//! Password reset tokens: opaque, one use, one hour, stored as their SHA-256. An admin hands one over by other means,
//! because an e-mail address proves nothing here.

use std::time::Duration;

use domain::{
    Timestamp,
    api_key::{ApiKey, ApiKeyHash, ApiKeyPrefix},
};
use secrecy::SecretString;

const PREFIX: &str = "ptp_";

/// How long a token lasts.
pub const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// A reset token in the clear: when it is made, and while a call that carries it is answered. The same form as an API
/// key's under a prefix of its own.
#[derive(Clone, Debug)]
pub struct ResetToken(ApiKey);

/// What is stored and looked up in a reset token's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResetTokenHash(ApiKeyHash);

/// The text is no reset token. What it was is deliberately not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this does not have the form of a password reset token")]
pub struct MalformedResetToken;

impl ResetToken {
    /// Makes a new token of 256 random bits.
    ///
    /// # Errors
    /// Never in practice: only if the prefix of reset tokens were not one.
    pub fn generate() -> Result<Self, MalformedResetToken> {
        let prefix = ApiKeyPrefix::new(PREFIX).map_err(|_| MalformedResetToken)?;
        Ok(Self(ApiKey::generate(&prefix, &mut rand::rng())))
    }

    /// Takes what a caller sent, if it has the form of a reset token. White space around it is cut off: people copy
    /// it by hand.
    ///
    /// # Errors
    /// When the prefix, the length, the alphabet or the checksum is wrong.
    pub fn parse(sent: &str) -> Result<Self, MalformedResetToken> {
        let sent = sent.trim();
        if !sent.starts_with(PREFIX) {
            return Err(MalformedResetToken);
        }
        ApiKey::parse(sent.as_bytes())
            .map(Self)
            .map_err(|_| MalformedResetToken)
    }

    /// The token in the clear, for the admin who asked for it.
    #[must_use]
    pub fn to_secret(&self) -> SecretString {
        SecretString::from(self.0.expose())
    }

    /// What is stored and looked up in its place.
    #[must_use]
    pub fn hash(&self) -> ResetTokenHash {
        ResetTokenHash(self.0.hash())
    }
}

impl ResetTokenHash {
    /// The 32 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// When a token issued `now` ends.
#[must_use]
pub fn expires_at(now: Timestamp) -> Timestamp {
    now.saturating_add(LIFETIME)
}

/// Whether a token can be used at `now`; at the instant of its end it cannot. That it was not used before is known by
/// its row being there: a use removes all of the developer's.
#[must_use]
pub fn is_usable(expires_at: Timestamp, now: Timestamp) -> bool {
    now < expires_at
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::session::refresh_token::RefreshToken;

    #[test]
    fn a_token_is_read_back_with_white_space_around_it() {
        let token = ResetToken::generate().unwrap();
        let sent = token.to_secret();
        assert!(sent.expose_secret().starts_with("ptp_"));
        for text in [sent.expose_secret().to_owned(), format!(" {}\n", sent.expose_secret())] {
            assert_eq!(ResetToken::parse(&text).unwrap().hash(), token.hash());
        }
        assert!(!format!("{token:?}").contains(&sent.expose_secret()[4..]));
    }

    #[test]
    fn junk_and_other_kinds_of_tokens_are_refused() {
        let refresh = RefreshToken::generate().unwrap().to_secret();
        let renamed = refresh.expose_secret().replacen("ptr_", "ptp_", 1);
        for sent in ["", "ptp_", "junk", refresh.expose_secret(), &renamed] {
            assert_eq!(ResetToken::parse(sent).unwrap_err(), MalformedResetToken, "{sent}");
        }
    }

    #[test]
    fn a_token_lasts_an_hour() {
        let now = Timestamp::from_millis(0);
        let expires = expires_at(now);
        assert_eq!(expires.as_millis(), 3_600_000);
        assert!(is_usable(expires, Timestamp::from_millis(3_599_999)));
        assert!(!is_usable(expires, expires));
    }
}
