//! Gateway tokens: what a gateway of the fleet proves itself to the control plane with.
//!
//! A token has the form of an API key (see [`crate::api_key`]) and the fixed prefix `pgt_`, so that secret scanners
//! tell the two apart. It reads the snapshot and reports; it opens nothing else.

use std::fmt;

use crate::{
    Refusal, RefusalCode, Timestamp,
    api_key::{ApiKey, ApiKeyHash, ApiKeyPrefix, InvalidApiKeyHash},
};

/// What every gateway token starts with.
pub const PREFIX: &str = "pgt_";

/// A gateway token in the clear. It exists when it is made, to be shown once, and while a request that carries it is
/// checked. Its Debug is redacted, and it can neither be printed nor serialised without [`GatewayToken::expose`].
#[derive(Clone)]
pub struct GatewayToken(ApiKey);

/// The text does not have the form of a gateway token. What it was is deliberately not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this does not have the form of a gateway token: pgt_ and 49 letters and digits")]
pub struct MalformedGatewayToken;

impl GatewayToken {
    /// Makes a new token from 256 bits of the generator.
    pub fn generate(random: &mut impl rand::CryptoRng) -> Self {
        Self(ApiKey::generate(&ApiKeyPrefix::of_gateway_tokens(), random))
    }

    /// Takes what a gateway sent, if it has the form of a token.
    ///
    /// # Errors
    /// [`MalformedGatewayToken`] when the prefix, the length, an alphabet or the checksum is wrong.
    pub fn parse(sent: &[u8]) -> Result<Self, MalformedGatewayToken> {
        if !sent.starts_with(PREFIX.as_bytes()) {
            return Err(MalformedGatewayToken);
        }
        let token = ApiKey::parse(sent).map_err(|_| MalformedGatewayToken)?;
        // `pgt_x_…` is well formed with another prefix.
        if token.prefix() == PREFIX {
            Ok(Self(token))
        } else {
            Err(MalformedGatewayToken)
        }
    }

    /// The token in the clear: to show it once to the admin who made it, and to send it to the control plane.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What is stored and looked up in its place.
    #[must_use]
    pub fn hash(&self) -> GatewayTokenHash {
        GatewayTokenHash(self.0.hash())
    }

    /// What tells tokens apart in a list: the prefix and the last four characters, which belong to the checksum.
    #[must_use]
    pub fn hint(&self) -> String {
        self.0.hint()
    }
}

impl fmt::Debug for GatewayToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("GatewayToken([redacted])")
    }
}

/// The SHA-256 of a gateway token: what the database keeps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayTokenHash(ApiKeyHash);

impl GatewayTokenHash {
    /// The 32 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl TryFrom<&[u8]> for GatewayTokenHash {
    type Error = InvalidApiKeyHash;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        ApiKeyHash::try_from(bytes).map(Self)
    }
}

impl fmt::Debug for GatewayTokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GatewayTokenHash({:?})", self.0)
    }
}

/// Checks that a token can be revoked: once.
///
/// # Errors
/// `INVALID_TRANSITION` at `id` when it was revoked before.
pub fn check_revocation(revoked_at: Option<Timestamp>) -> Result<(), Refusal> {
    match revoked_at {
        None => Ok(()),
        Some(at) => Err(Refusal::at(
            "id",
            RefusalCode::InvalidTransition,
            format!("This token was revoked at {at} already."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn token(seed: u64) -> GatewayToken {
        GatewayToken::generate(&mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn has_its_form_and_parses_back() {
        let token = token(1);
        assert!(token.expose().starts_with("pgt_") && token.expose().len() == 4 + 43 + 6);
        let parsed = GatewayToken::parse(token.expose().as_bytes()).unwrap();
        assert_eq!(parsed.hash(), token.hash());
        assert_eq!(
            GatewayTokenHash::try_from(token.hash().as_bytes().as_slice()),
            Ok(token.hash())
        );
        assert_eq!(token.hint(), format!("pgt_…{}", &token.expose()[49..]));
    }

    #[test]
    fn api_keys_and_junk_are_no_tokens() {
        let mut random = StdRng::seed_from_u64(2);
        for prefix in ["ptk_", "pgt_x_", "xpgt_"] {
            let key = ApiKey::generate(&ApiKeyPrefix::new(prefix).unwrap(), &mut random);
            assert!(GatewayToken::parse(key.expose().as_bytes()).is_err(), "{prefix}");
        }
        let token = token(3);
        let mut wrong = token.expose().as_bytes().to_vec();
        wrong[10] ^= 1;
        assert!(GatewayToken::parse(&wrong).is_err());
        assert!(GatewayToken::parse(b"pgt_").is_err());
        assert!(GatewayToken::parse(b"").is_err());
    }

    #[test]
    fn is_redacted_in_debug() {
        let token = token(4);
        let shown = format!("{token:?} {:?}", token.hash());
        assert!(
            !shown.contains(&token.expose()[4..]) && shown.contains("redacted"),
            "{shown}"
        );
    }

    #[test]
    fn is_revoked_once() {
        assert!(check_revocation(None).is_ok());
        let again = check_revocation(Some(Timestamp::from_millis(0))).unwrap_err();
        assert_eq!(again.code, RefusalCode::InvalidTransition);
    }
}
