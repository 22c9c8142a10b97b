//! Credentials: what an app shows the gateway.

use crate::Timestamp;

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CredentialKind {
    /// A secret of ours, sent in a header.
    ApiKey,
    /// A client at an OpenID Connect provider.
    OauthClient,
}

/// Whether a credential is usable by itself. Derived from its times, never stored: see [`status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CredentialStatus {
    /// Usable.
    Active,
    /// Its time is over.
    Expired,
    /// Someone ended it.
    Revoked,
}

/// What may be done with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CredentialAction {
    /// Replace it by a new one, with an overlap if wanted.
    Rotate,
    /// End it at once.
    Revoke,
}

/// The state at `now` of a credential with these times. An expiry is exclusive: at `expires_at` it is over.
#[must_use]
pub fn status(revoked_at: Option<Timestamp>, expires_at: Option<Timestamp>, now: Timestamp) -> CredentialStatus {
    if revoked_at.is_some() {
        CredentialStatus::Revoked
    } else if expires_at.is_some_and(|at| at <= now) {
        CredentialStatus::Expired
    } else {
        CredentialStatus::Active
    }
}
