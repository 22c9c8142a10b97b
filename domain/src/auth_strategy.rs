//! Authentication strategies: how callers of a version prove who they are.

use crate::{Refusal, RefusalCode, credential::CredentialKind};

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

/// The longest TTL of credentials, in days: ten years.
pub const MAX_CREDENTIAL_TTL_DAYS: u32 = 3650;

/// Checks a strategy's TTL: 1 to 3650 days. For no limit, pass nothing here and store none.
///
/// # Errors
/// INVALID at `field`.
pub fn credential_ttl_days(field: &str, value: i32) -> Result<u32, Refusal> {
    u32::try_from(value)
        .ok()
        .filter(|days| (1..=MAX_CREDENTIAL_TTL_DAYS).contains(days))
        .ok_or_else(|| {
            Refusal::at(
                field,
                RefusalCode::Invalid,
                format!("credentialTtlDays must be from 1 to {MAX_CREDENTIAL_TTL_DAYS}. Pass null for no limit."),
            )
        })
}

/// Whether a strategy is in use: versions have it, or live credentials were made for it.
#[must_use]
pub const fn is_in_use(versions: u64, live_credentials: u64) -> bool {
    versions > 0 || live_credentials > 0
}

/// Whether a strategy may be deleted.
///
/// # Errors
/// CONFLICT at `id` for the built-in one, forced or not: what names no strategy falls back on it. IN_USE at `id`
/// while it [`is_in_use`], unless forced; forced, its versions deny every call
/// ([`crate::registration::without_strategy`]).
pub fn check_deletion(built_in: bool, versions: u64, live_credentials: u64, force: bool) -> Result<(), Refusal> {
    if built_in {
        return Err(Refusal::at(
            "id",
            RefusalCode::Conflict,
            "The built-in strategy cannot be deleted: versions that name none use it.",
        ));
    }
    if is_in_use(versions, live_credentials) && !force {
        return Err(Refusal::at(
            "id",
            RefusalCode::InUse,
            format!(
                "The strategy has {versions} version(s) and {live_credentials} live credential(s). Give the versions another one first, or pass force: true, and they deny every call."
            ),
        ));
    }
    Ok(())
}
