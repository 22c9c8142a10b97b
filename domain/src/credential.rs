//! Credentials: what an app shows the gateway.

use strum::IntoEnumIterator;

use crate::{Refusal, RefusalCode, Timestamp, app::AppStatus, auth_strategy::AuthStrategyType, viewer::Actor};

mod generation;
mod rotation;

pub use generation::{Generation, StrategyChoice, generate};
pub use rotation::{MAX_OVERLAP_SECONDS, Rotated, Rotation, rotate};

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CredentialKind {
    /// A secret of ours, sent in a header.
    ApiKey,
    /// A client at an OpenID Connect provider.
    OauthClient,
}

impl CredentialKind {
    /// The kind of strategy that takes it.
    #[must_use]
    pub const fn strategy_type(self) -> AuthStrategyType {
        match self {
            Self::ApiKey => AuthStrategyType::KeyAuth,
            Self::OauthClient => AuthStrategyType::OpenidConnect,
        }
    }
}

/// Whether a credential is usable by itself.
///
/// ```text
///   generate ─► ACTIVE ─revoke─► REVOKED
///                 │└─(time)─► EXPIRED
///                 └─rotate─► ACTIVE until the overlap ends, replaced by a new one ─(time)─► EXPIRED
/// ```
///
/// rotate is the owner's; revoke is the owner's and any admin's. EXPIRED and REVOKED are final. Derived
/// from its times, never stored: see [`status`].
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

/// What `actor` may do next with a credential of an app in this state. `replaced`: it has been rotated.
#[must_use]
pub fn allowed_actions(
    status: CredentialStatus,
    replaced: bool,
    app: AppStatus,
    actor: Actor,
) -> Vec<CredentialAction> {
    CredentialAction::iter()
        .filter(|&action| match (status, actor, action) {
            (CredentialStatus::Active, Actor::Owner | Actor::Admin, CredentialAction::Revoke) => true,
            (CredentialStatus::Active, Actor::Owner, CredentialAction::Rotate) => !replaced && app == AppStatus::Active,
            (CredentialStatus::Active, Actor::Admin, CredentialAction::Rotate)
            | (CredentialStatus::Active, Actor::Stranger, _)
            | (CredentialStatus::Expired | CredentialStatus::Revoked, _, _) => false,
        })
        .collect()
}

/// That a credential may be revoked: it is still usable.
///
/// # Errors
/// INVALID_TRANSITION at `id` when it has ended already.
pub fn check_revocation(status: CredentialStatus) -> Result<(), Refusal> {
    match status {
        CredentialStatus::Active => Ok(()),
        CredentialStatus::Expired | CredentialStatus::Revoked => Err(ended(status)),
    }
}

/// Whether a credential counts towards the limit of live ones: it is usable and has not been replaced.
#[must_use]
pub const fn counts_towards_limit(status: CredentialStatus, replaced: bool) -> bool {
    match status {
        CredentialStatus::Active => !replaced,
        CredentialStatus::Expired | CredentialStatus::Revoked => false,
    }
}

fn ended(status: CredentialStatus) -> Refusal {
    Refusal::at(
        "id",
        RefusalCode::InvalidTransition,
        format!("The credential is {status}: it has ended for good. Generate a new one if one is needed."),
    )
}

fn check_future(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
    if expires_at.is_none_or(|at| at > now) {
        return Ok(());
    }
    Err(Refusal::at(
        "expiresAt",
        RefusalCode::Invalid,
        "expiresAt must be in the future. Leave it out for a credential without an end of its own.",
    ))
}
