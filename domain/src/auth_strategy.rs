//! Authentication strategies: how callers of a version prove who they are.

use crate::credential::CredentialKind;

/// The kind of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthStrategyType {
    /// API keys in a header.
    KeyAuth,
    /// Bearer tokens of an OpenID Connect provider.
    OpenidConnect,
}

impl AuthStrategyType {
    /// The kind of credential that this strategy accepts.
    #[must_use]
    pub const fn credential_kind(self) -> CredentialKind {
        match self {
            Self::KeyAuth => CredentialKind::ApiKey,
            Self::OpenidConnect => CredentialKind::OauthClient,
        }
    }
}
