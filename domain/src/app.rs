//! Apps: the applications that developers register against API products.

use strum::IntoEnumIterator;

use crate::{Refusal, RefusalCode, auth_strategy::AuthStrategyType, credential::CredentialKind, viewer::Actor};

/// Whether an app's credentials may open anything.
///
/// ```text
///   create ─► ACTIVE ─suspend (admin)─► SUSPENDED
///                ▲─────resume (admin)──────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum AppStatus {
    /// In use.
    Active,
    /// All of its credentials are stopped, reversibly.
    Suspended,
}

/// What may be done with an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum AppAction {
    /// Change its name, reference id or description.
    Update,
    /// Remove it and all that is its own.
    Delete,
    /// Stop all of its credentials, reversibly.
    Suspend,
    /// Let them go on.
    Resume,
    /// Ask for access to a version.
    RequestAccess,
    /// Make a credential.
    GenerateCredential,
}

/// The state after an admin suspends the app.
///
/// # Errors
/// INVALID_TRANSITION when it is suspended already.
pub fn suspend(status: AppStatus) -> Result<AppStatus, Refusal> {
    match status {
        AppStatus::Active => Ok(AppStatus::Suspended),
        AppStatus::Suspended => Err(Refusal::at(
            "id",
            RefusalCode::InvalidTransition,
            "The app is suspended already. Resume it first to suspend it for another reason.",
        )),
    }
}

/// The state after an admin lets a suspended app go on.
///
/// # Errors
/// INVALID_TRANSITION when it is not suspended.
pub fn resume(status: AppStatus) -> Result<AppStatus, Refusal> {
    match status {
        AppStatus::Suspended => Ok(AppStatus::Active),
        AppStatus::Active => Err(Refusal::at(
            "id",
            RefusalCode::InvalidTransition,
            "The app is not suspended. There is nothing to resume.",
        )),
    }
}

/// What `actor` may do with an app in this state. Whether one request would be granted is not asked here (see
/// [`crate::access_request::submit`]), nor whether a limit is reached.
#[must_use]
pub fn allowed_actions(status: AppStatus, actor: Actor) -> Vec<AppAction> {
    AppAction::iter()
        .filter(|&action| is_allowed(status, actor, action))
        .collect()
}

const fn is_allowed(status: AppStatus, actor: Actor, action: AppAction) -> bool {
    match (actor, action) {
        (Actor::Owner, AppAction::Update | AppAction::Delete) | (Actor::Admin, AppAction::Delete) => true,
        (Actor::Owner, AppAction::RequestAccess | AppAction::GenerateCredential)
        | (Actor::Admin, AppAction::Suspend) => match status {
            AppStatus::Active => true,
            AppStatus::Suspended => false,
        },
        (Actor::Admin, AppAction::Resume) => match status {
            AppStatus::Suspended => true,
            AppStatus::Active => false,
        },
        (Actor::Owner, AppAction::Suspend | AppAction::Resume)
        | (Actor::Admin, AppAction::Update | AppAction::RequestAccess | AppAction::GenerateCredential)
        | (Actor::Stranger, _) => false,
    }
}

/// That an app is not suspended.
///
/// # Errors
/// APP_SUSPENDED at `field`.
pub fn check_active(field: &str, status: AppStatus) -> Result<(), Refusal> {
    match status {
        AppStatus::Active => Ok(()),
        AppStatus::Suspended => Err(Refusal::at(
            field,
            RefusalCode::AppSuspended,
            "The app is suspended. Ask the portal's admins to resume it.",
        )),
    }
}

/// Whether deleting an app makes later requests of its developer for a version wait for a person: it was suspended,
/// and had a request for that version, in whatever state. Record a hold for each such version, also when the app
/// goes with its developer's account.
#[must_use]
pub const fn deletion_holds_requests(status: AppStatus, has_request_for_version: bool) -> bool {
    match status {
        AppStatus::Suspended => has_request_for_version,
        AppStatus::Active => false,
    }
}

/// The kinds of strategy that an app is bound to by its live credentials and its open requests.
///
/// The first one fixes the app's kind; when the last is gone it is free again. An app of two kinds comes about only
/// when a strategy is deleted by force under open requests, and then gets nothing new before the rest is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoundKinds {
    key_auth: bool,
    openid_connect: bool,
}

impl BoundKinds {
    /// What the kinds of an app's live credentials, and of the strategies of the versions that it has open requests
    /// for, bind it to.
    #[must_use]
    pub fn new(
        live_credentials: impl IntoIterator<Item = CredentialKind>,
        open_requests: impl IntoIterator<Item = AuthStrategyType>,
    ) -> Self {
        let mut bound = Self::default();
        let of_credentials = live_credentials.into_iter().map(CredentialKind::strategy_type);
        for kind in of_credentials.chain(open_requests) {
            match kind {
                AuthStrategyType::KeyAuth => bound.key_auth = true,
                AuthStrategyType::OpenidConnect => bound.openid_connect = true,
            }
        }
        bound
    }

    /// Whether the app may take on something of this kind.
    #[must_use]
    pub const fn admits(self, kind: AuthStrategyType) -> bool {
        match kind {
            AuthStrategyType::KeyAuth => !self.openid_connect,
            AuthStrategyType::OpenidConnect => !self.key_auth,
        }
    }
}
