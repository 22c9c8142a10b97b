//! Generating a credential: for which strategy, and whether at all.

use crate::{
    Refusal, RefusalCode, Timestamp,
    app::{self, AppStatus, BoundKinds},
    auth_strategy::AuthStrategyType,
    developer::{self, DeveloperStatus},
    id::AuthStrategyId,
    limits::Limits,
};

use super::check_future;

/// A strategy that a credential can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StrategyChoice {
    /// Which one.
    pub id: AuthStrategyId,
    /// Its kind.
    pub kind: AuthStrategyType,
}

/// All that generating a credential depends on. That the app is the caller's own, and that a named strategy exists,
/// is for the caller to see to (NOT_FOUND).
#[derive(Clone, Copy, Debug)]
pub struct Generation<'a> {
    /// Where the developer stands.
    pub developer: DeveloperStatus,
    /// Where the app stands.
    pub app: AppStatus,
    /// What the app's live credentials and open requests bind it to.
    pub app_bound_to: BoundKinds,
    /// How many of the app's credentials count towards the limit (see [`super::counts_towards_limit`]).
    pub live_credentials: u64,
    /// The strategy that was named.
    pub named: Option<StrategyChoice>,
    /// The strategies of the versions that the app has open requests for; one may stand there several times.
    pub of_open_requests: &'a [StrategyChoice],
    /// The key-auth strategy that was made with the portal.
    pub built_in: StrategyChoice,
    /// When the credential shall end; `None`: not by itself.
    pub expires_at: Option<Timestamp>,
}

/// Which strategy to make the credential for. When none is named: the one of the app's open requests; when there are
/// none, built-in key-auth.
///
/// # Errors
/// Everything that stands against it: DEVELOPER_NOT_APPROVED, APP_SUSPENDED (`appId`), REQUIRED (`authStrategyId`)
/// when none is named and the open requests are of several, STRATEGY_MISMATCH (`authStrategyId`), LIMIT_REACHED
/// (`appId`), INVALID (`expiresAt`) when it is not in the future.
pub fn generate(generation: &Generation<'_>, limits: &Limits, now: Timestamp) -> Result<StrategyChoice, Vec<Refusal>> {
    let mut refusals = Vec::new();
    refusals.extend(developer::check_approved(generation.developer).err());
    refusals.extend(app::check_active("appId", generation.app).err());
    let choice = choose(generation).and_then(|choice| check_kind(choice, generation.app_bound_to));
    refusals.extend(choice.as_ref().err().cloned());
    refusals.extend(limits.another_key(generation.live_credentials).err());
    refusals.extend(check_future(generation.expires_at, now).err());
    match choice {
        Ok(choice) if refusals.is_empty() => Ok(choice),
        Ok(_) | Err(_) => Err(refusals),
    }
}

fn choose(generation: &Generation<'_>) -> Result<StrategyChoice, Refusal> {
    if let Some(named) = generation.named {
        return Ok(named);
    }
    match generation.of_open_requests {
        [] => Ok(generation.built_in),
        [first, others @ ..] if others.iter().all(|other| other.id == first.id) => Ok(*first),
        [..] => Err(Refusal::at(
            "authStrategyId",
            RefusalCode::Required,
            "The app's requests are for versions of several auth strategies. Name the one that the credential is for.",
        )),
    }
}

fn check_kind(choice: StrategyChoice, bound_to: BoundKinds) -> Result<StrategyChoice, Refusal> {
    if bound_to.admits(choice.kind) {
        return Ok(choice);
    }
    Err(Refusal::at(
        "authStrategyId",
        RefusalCode::StrategyMismatch,
        format!(
            "The strategy is of kind {}, but the app's credentials or open requests are of another one. Name a strategy of theirs, or use another app.",
            choice.kind
        ),
    ))
}
