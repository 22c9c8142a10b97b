//! The access decision: may a call with this credential pass to this version, now?
//!
//! One pure function, [`decide`], used by every data plane. It says yes only when every condition holds; undo any one
//! and it says no, redo it and it says yes again.

use crate::{
    Timestamp,
    access_request::AccessRequestStatus,
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::{self, CredentialKind, CredentialStatus},
    developer::DeveloperStatus,
    version::VersionLifecycle,
};

/// A strategy as the decision sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrategyFacts {
    /// Its kind.
    pub kind: AuthStrategyType,
    /// Credentials older than this many days open no version of the strategy.
    pub credential_ttl_days: Option<u32>,
}

/// A credential as the decision sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialFacts {
    /// What it is.
    pub kind: CredentialKind,
    /// When it was made; the strategy's TTL counts from here.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When someone ended it.
    pub revoked_at: Option<Timestamp>,
}

/// All that the decision depends on, apart from the time.
///
/// That the key came in one of the strategy's headers (or the token from its issuer) is for the caller to see to
/// before it asks: a key in a foreign header is a call without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The version's lifecycle.
    pub lifecycle: VersionLifecycle,
    /// The version's present strategy.
    pub strategy: Option<StrategyFacts>,
    /// The credential that was shown.
    pub credential: CredentialFacts,
    /// The state of the credential's app.
    pub app: AppStatus,
    /// The state of the app's developer.
    pub developer: DeveloperStatus,
    /// The state of the app's request for the version: the open one, or else the latest; `None` without any.
    pub request: Option<AccessRequestStatus>,
}

/// Why a call with a credential that exists may not pass. Told to the caller in `X-Portico-Denial`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::IntoStaticStr, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Denial {
    /// The version is a draft; to the outside it does not exist (404).
    VersionDraft,
    /// The version was retired (410).
    VersionRetired,
    /// The version has no strategy: nothing can open it (401).
    NoStrategy,
    /// The credential is not of the kind that the version's strategy takes (401).
    StrategyMismatch,
    /// The credential was revoked (401).
    CredentialRevoked,
    /// The credential has expired (401): its own time is over, or that of its overlap after a rotation, which by the
    /// contract gives the old one an expiry and revokes nothing.
    CredentialExpired,
    /// The credential is older than the strategy's TTL (401).
    CredentialTooOld,
    /// The developer waits for approval (403).
    DeveloperPending,
    /// The developer was rejected (403).
    DeveloperRejected,
    /// The developer was revoked (403).
    DeveloperRevoked,
    /// The app is suspended (403).
    AppSuspended,
    /// The app never asked for this version (403).
    NotRequested,
    /// The request waits for approval (403).
    RequestPending,
    /// The request was rejected (403).
    RequestRejected,
    /// The approval was revoked (403).
    RequestRevoked,
    /// The request was cancelled (403).
    RequestCancelled,
}

impl Denial {
    /// The HTTP status of the gateway's answer (RFC 9110 §15.5).
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::VersionDraft => 404,
            Self::VersionRetired => 410,
            Self::NoStrategy
            | Self::StrategyMismatch
            | Self::CredentialRevoked
            | Self::CredentialExpired
            | Self::CredentialTooOld => 401,
            Self::DeveloperPending
            | Self::DeveloperRejected
            | Self::DeveloperRevoked
            | Self::AppSuspended
            | Self::NotRequested
            | Self::RequestPending
            | Self::RequestRejected
            | Self::RequestRevoked
            | Self::RequestCancelled => 403,
        }
    }
}

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// When the credential stops opening versions of the strategy by the passing of time alone: the earlier of its expiry
/// and the strategy's TTL; `None` when neither is set. Exclusive: at that instant it is over.
#[must_use]
pub fn ends_at(credential: &CredentialFacts, strategy: &StrategyFacts) -> Option<Timestamp> {
    let too_old_at = too_old_at(credential, strategy);
    match (credential.expires_at, too_old_at) {
        (Some(expiry), Some(ttl)) => Some(expiry.min(ttl)),
        (expiry, ttl) => expiry.or(ttl),
    }
}

fn too_old_at(credential: &CredentialFacts, strategy: &StrategyFacts) -> Option<Timestamp> {
    let days = strategy.credential_ttl_days?;
    Some(Timestamp::from_millis(
        credential
            .created_at
            .as_millis()
            .saturating_add(i64::from(days).saturating_mul(DAY_MILLIS)),
    ))
}

/// Decides whether a call may pass at `now`.
///
/// # Errors
/// The first [`Denial`] that stands against it, in the order of the enum.
pub fn decide(facts: &Facts, now: Timestamp) -> Result<(), Denial> {
    match facts.lifecycle {
        VersionLifecycle::Active | VersionLifecycle::Deprecated => {}
        VersionLifecycle::Draft => return Err(Denial::VersionDraft),
        VersionLifecycle::Retired => return Err(Denial::VersionRetired),
    }
    let strategy = facts.strategy.ok_or(Denial::NoStrategy)?;
    if strategy.kind.credential_kind() != facts.credential.kind {
        return Err(Denial::StrategyMismatch);
    }
    match credential::status(facts.credential.revoked_at, facts.credential.expires_at, now) {
        CredentialStatus::Active => {}
        CredentialStatus::Revoked => return Err(Denial::CredentialRevoked),
        CredentialStatus::Expired => return Err(Denial::CredentialExpired),
    }
    if too_old_at(&facts.credential, &strategy).is_some_and(|at| at <= now) {
        return Err(Denial::CredentialTooOld);
    }
    match facts.developer {
        DeveloperStatus::Approved => {}
        DeveloperStatus::Pending => return Err(Denial::DeveloperPending),
        DeveloperStatus::Rejected => return Err(Denial::DeveloperRejected),
        DeveloperStatus::Revoked => return Err(Denial::DeveloperRevoked),
    }
    match facts.app {
        AppStatus::Active => {}
        AppStatus::Suspended => return Err(Denial::AppSuspended),
    }
    match facts.request {
        Some(AccessRequestStatus::Approved) => Ok(()),
        None => Err(Denial::NotRequested),
        Some(AccessRequestStatus::Pending) => Err(Denial::RequestPending),
        Some(AccessRequestStatus::Rejected) => Err(Denial::RequestRejected),
        Some(AccessRequestStatus::Revoked) => Err(Denial::RequestRevoked),
        Some(AccessRequestStatus::Cancelled) => Err(Denial::RequestCancelled),
    }
}
