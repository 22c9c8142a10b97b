//! Tokens that mean something to the database alone: random, of one use, stored as their SHA-256. When and for how long
//! they may be used is the business of `domain::session`.
//!
//! They have the form of an API key under a prefix of their own, so that scanners find them and junk is refused before
//! any lookup.

use std::{fmt, marker::PhantomData};

use domain::api_key::{ApiKey, ApiKeyHash, ApiKeyPrefix};
use secrecy::SecretString;

/// What a token is for. Tokens of different kinds are different types.
pub trait TokenKind {
    /// What its tokens start with, the underscore included.
    const PREFIX: &'static str;
}

/// Of tokens that go on with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {}

impl TokenKind for Refresh {
    const PREFIX: &'static str = "ptr_";
}

/// Of tokens that set a new password. An admin hands one over by other means, because an e-mail address proves nothing
/// here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {}

impl TokenKind for Reset {
    const PREFIX: &'static str = "ptp_";
}

/// A refresh token.
pub type RefreshToken = OpaqueToken<Refresh>;
/// A password reset token.
pub type ResetToken = OpaqueToken<Reset>;
/// What is stored of a refresh token.
pub type RefreshTokenHash = OpaqueTokenHash<Refresh>;
/// What is stored of a password reset token.
pub type ResetTokenHash = OpaqueTokenHash<Reset>;

/// A token in the clear: when it is made, and while a call that carries it is answered. Its Debug is redacted.
pub struct OpaqueToken<Kind> {
    key: ApiKey,
    kind: PhantomData<Kind>,
}

/// What is stored and looked up in a token's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpaqueTokenHash<Kind> {
    hash: ApiKeyHash,
    kind: PhantomData<Kind>,
}

/// The text is no token of this kind. What it was is deliberately not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this does not have the form of a token of this kind")]
pub struct MalformedToken;

impl<Kind: TokenKind> OpaqueToken<Kind> {
    /// Makes a new token of 256 random bits.
    ///
    /// # Errors
    /// Never in practice: only if the kind's prefix were not one.
    pub fn generate() -> Result<Self, MalformedToken> {
        let prefix = ApiKeyPrefix::new(Kind::PREFIX).map_err(|_| MalformedToken)?;
        Ok(Self::of(ApiKey::generate(&prefix, &mut rand::rng())))
    }

    /// Takes what a caller sent, if it has the form of a token of this kind.
    ///
    /// # Errors
    /// When the prefix, the length, the alphabet or the checksum is wrong.
    pub fn parse(sent: &str) -> Result<Self, MalformedToken> {
        if !sent.starts_with(Kind::PREFIX) {
            return Err(MalformedToken);
        }
        ApiKey::parse(sent.as_bytes()).map(Self::of).map_err(|_| MalformedToken)
    }

    const fn of(key: ApiKey) -> Self {
        let kind = PhantomData;
        Self { key, kind }
    }

    /// The token in the clear, for whom it was made.
    #[must_use]
    pub fn to_secret(&self) -> SecretString {
        SecretString::from(self.key.expose())
    }

    /// What is stored and looked up in its place.
    #[must_use]
    pub fn hash(&self) -> OpaqueTokenHash<Kind> {
        OpaqueTokenHash {
            hash: self.key.hash(),
            kind: PhantomData,
        }
    }
}

impl ResetToken {
    /// Takes what people copied by hand: white space around it is cut off.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse).
    pub fn parse_copied(sent: &str) -> Result<Self, MalformedToken> {
        Self::parse(sent.trim())
    }
}

impl<Kind: TokenKind> fmt::Debug for OpaqueToken<Kind> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OpaqueToken({}[redacted])", Kind::PREFIX)
    }
}

impl<Kind> OpaqueTokenHash<Kind> {
    /// The 32 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.hash.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

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
    fn a_reset_token_is_read_back_with_white_space_around_it() {
        let token = ResetToken::generate().unwrap();
        let sent = token.to_secret();
        assert!(sent.expose_secret().starts_with("ptp_"));
        for text in [sent.expose_secret().to_owned(), format!(" {}\n", sent.expose_secret())] {
            assert_eq!(ResetToken::parse_copied(&text).unwrap().hash(), token.hash());
        }
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
            assert_eq!(RefreshToken::parse(sent).unwrap_err(), MalformedToken, "{sent}");
        }
        let renamed = good.replacen("ptr_", "ptp_", 1);
        for sent in ["", "ptp_", "junk", good, &renamed] {
            assert_eq!(ResetToken::parse_copied(sent).unwrap_err(), MalformedToken, "{sent}");
        }
    }
}
