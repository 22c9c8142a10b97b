//! Plugins: what the gateway enforces on a version, as it is shown. Read-only: they follow from the registration.

use crate::{auth_strategy::AuthStrategyType, id::VersionId};

/// A read-only plugin of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// Only apps with an approved request for this version pass.
    Acl {
        /// The version that a request must be approved for.
        allow: VersionId,
    },
    /// Callers prove themselves by an API key.
    KeyAuth {
        /// The headers that a key may come in.
        key_names: Vec<String>,
        /// Keys older than this many days open nothing.
        credential_ttl_days: Option<u32>,
    },
    /// Callers prove themselves by a bearer token.
    OpenidConnect,
}

impl Plugin {
    /// Its name: `acl`, `key-auth`, `openid-connect`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Acl { .. } => "acl",
            Self::KeyAuth { .. } => "key-auth",
            Self::OpenidConnect => "openid-connect",
        }
    }
}

/// The strategy of a version, as its plugins show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginStrategy<'a> {
    /// Its kind.
    pub kind: AuthStrategyType,
    /// The headers that a key may come in; of key-auth only.
    pub key_names: &'a [String],
    /// Keys older than this many days open nothing; of key-auth only.
    pub credential_ttl_days: Option<u32>,
}

/// The plugins of a version: none before its first strategy, then `acl` and the strategy's. They stay when
/// registration is disabled: the gateway goes on enforcing.
#[must_use]
pub fn plugins(version: VersionId, strategy: Option<&PluginStrategy<'_>>) -> Vec<Plugin> {
    let Some(strategy) = strategy else {
        return Vec::new();
    };
    let of_strategy = match strategy.kind {
        AuthStrategyType::KeyAuth => Plugin::KeyAuth {
            key_names: strategy.key_names.to_vec(),
            credential_ttl_days: strategy.credential_ttl_days,
        },
        AuthStrategyType::OpenidConnect => Plugin::OpenidConnect,
    };
    vec![Plugin::Acl { allow: version }, of_strategy]
}
