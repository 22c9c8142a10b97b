//! Registration: whether a version takes requests for access, and what its callers prove themselves by.
//!
//! ```text
//!   (new version) disabled ─enable─► enabled ─enable─► enabled, changed
//!                    ▲────disable───────┘
//!   the strategy deleted by force ─► disabled, without a strategy: every call is denied
//! ```

use crate::{Refusal, RefusalCode, credential::StrategyChoice};

/// A version's registration settings. New versions: disabled, no strategy, no auto-approve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// Whether new requests are taken. False stops nothing that is approved.
    pub enabled: bool,
    /// Whether requests are approved at once.
    pub auto_approve: bool,
    /// What callers prove themselves by. Stays when registration is disabled; `None`: nothing opens the version.
    pub auth_strategy: Option<StrategyChoice>,
}

/// What an admin asks of [`enable`]; what is `None` was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enabling {
    /// The strategy.
    pub auth_strategy: Option<StrategyChoice>,
    /// Whether to approve requests at once.
    pub auto_approve: Option<bool>,
}

/// A version as [`enable_all`] sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enabled<'a> {
    /// Its name, for the refusal.
    pub name: &'a str,
    /// Its present settings.
    pub present: Registration,
    /// Some app has an open request for it.
    pub has_open_requests: bool,
}

/// Enables registration on a version, or changes its settings when it is enabled. What was left out: what the version
/// has, else `built_in` key-auth and false. Requests that wait go on waiting.
///
/// A version whose strategy was deleted by force takes any strategy, also under open requests: there is none that
/// their credentials would have to go on opening it with.
///
/// # Errors
/// IN_USE at `authStrategyId` when another strategy is wanted under open requests.
pub fn enable(
    present: &Registration,
    has_open_requests: bool,
    wanted: &Enabling,
    built_in: StrategyChoice,
) -> Result<Registration, Refusal> {
    let auth_strategy = wanted.auth_strategy.or(present.auth_strategy).unwrap_or(built_in);
    let changes = present
        .auth_strategy
        .is_some_and(|present| present.id != auth_strategy.id);
    if changes && has_open_requests {
        return Err(Refusal::at(
            "authStrategyId",
            RefusalCode::InUse,
            "Apps have open requests for this version under its present auth strategy. Keep the strategy, or make a new version.",
        ));
    }
    Ok(Registration {
        enabled: true,
        auto_approve: wanted.auto_approve.unwrap_or(present.auto_approve),
        auth_strategy: Some(auth_strategy),
    })
}

/// [`enable`] on all of a product's versions or none: the new settings in the order of `versions`.
///
/// # Errors
/// IN_USE for each version that stands against it, with its name.
pub fn enable_all(
    versions: &[Enabled<'_>],
    wanted: &Enabling,
    built_in: StrategyChoice,
) -> Result<Vec<Registration>, Vec<Refusal>> {
    let mut enabled = Vec::with_capacity(versions.len());
    let mut refusals = Vec::new();
    for version in versions {
        match enable(&version.present, version.has_open_requests, wanted, built_in) {
            Ok(registration) => enabled.push(registration),
            Err(mut refusal) => {
                refusal.message = format!("Version {}: {}", version.name, refusal.message);
                refusals.push(refusal);
            }
        }
    }
    if refusals.is_empty() {
        Ok(enabled)
    } else {
        Err(refusals)
    }
}

/// Disables registration: no new requests; what is approved goes on, and so the strategy stays. Disabling again
/// succeeds and changes nothing.
#[must_use]
pub const fn disable(present: &Registration) -> Registration {
    Registration {
        enabled: false,
        ..*present
    }
}

/// What is left when the version's strategy is deleted by force: nothing opens the version, and no one can ask.
#[must_use]
pub const fn without_strategy(present: &Registration) -> Registration {
    Registration {
        enabled: false,
        auth_strategy: None,
        ..*present
    }
}
