//! Enabling and disabling registration.

use std::collections::HashMap;

use async_graphql::ID;
use domain::{
    Refusal, RefusalCode,
    audit::AuditAction,
    credential::StrategyChoice,
    id::{AuthStrategyId, AuthStrategyKind, VersionId, VersionKind},
    registration::{self as rules, Enabled, Enabling, Registration},
};
use serde_json::json;

use super::store;
use crate::{
    audit::record::AuditRecord,
    auth_strategy::store::{self as strategies, AuthStrategyRecord},
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    database::WriteTransaction,
    error::{ServiceError, StoreError},
    id, portal,
    version::{self, service::VersionRecord},
};

/// What an admin wants of a version's registration; what is `None` was left out.
#[derive(Clone, Debug)]
pub struct EnableRegistration {
    /// The version.
    pub version_id: ID,
    /// What callers prove themselves by.
    pub auth_strategy_id: Option<ID>,
    /// Whether requests are approved at once.
    pub auto_approve: Option<bool>,
    /// All versions of the product, or none.
    pub apply_to_all_versions: bool,
}

/// Enables registration on a version (or all of its product's), or changes its settings where it is enabled; requests
/// that wait go on waiting. Answers every version that it was applied to, in the order of their ids. Admins only.
///
/// The portal's row is locked shared, so that the strategy cannot be deleted meanwhile.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, or refusals: NOT_FOUND at `versionId` or `authStrategyId`, IN_USE
/// at `authStrategyId` for another strategy under open requests, of each version that stands against it.
pub async fn enable(
    plane: &ControlPlane,
    call: &CallContext,
    input: EnableRegistration,
) -> Result<Vec<VersionRecord>, ServiceError> {
    call.admin()?;
    let version_id = id::parse::<VersionKind>("versionId", &input.version_id)?;
    let strategy_id = input.auth_strategy_id.as_ref();
    let strategy_id = strategy_id
        .map(|id| id::parse::<AuthStrategyKind>("authStrategyId", id))
        .transpose()?;
    let mut transaction = plane.write().await?;
    portal::store::lock_shared(&*transaction).await?;
    let versions = lock(&transaction, call, version_id, input.apply_to_all_versions).await?;
    let named = match strategy_id {
        None => None,
        Some(id) => {
            let found = strategies::find_for(&*transaction, &call.viewer, id).await?;
            Some(choice(&found.ok_or_else(strategy_not_found)?))
        }
    };
    let wanted = Enabling {
        auth_strategy: named,
        auto_approve: input.auto_approve,
    };
    let built_in = choice(&strategies::built_in(&*transaction).await?);
    let present = settings(&transaction, &versions).await?;
    let open = store::with_open_requests(&*transaction, versions.iter().map(|version| version.id)).await?;
    let enabled = if input.apply_to_all_versions {
        let versions: Vec<Enabled<'_>> = (versions.iter().zip(&present))
            .map(|(version, present)| Enabled {
                name: &version.name,
                present: *present,
                has_open_requests: open.contains(&version.id),
            })
            .collect();
        rules::enable_all(&versions, &wanted, built_in)?
    } else {
        let one = (versions.iter().zip(&present))
            .map(|(version, present)| rules::enable(present, open.contains(&version.id), &wanted, built_in));
        one.collect::<Result<Vec<_>, _>>()?
    };
    let steps = present.into_iter().zip(enabled);
    let versions = apply(&mut transaction, call, AuditAction::RegistrationEnable, versions, steps).await?;
    transaction.commit().await?;
    Ok(versions)
}

/// Disables registration on a version (or all of its product's): no new requests; what is approved goes on. Disabling
/// again succeeds and changes nothing. Answers every version that it was applied to, in the order of their ids. Admins
/// only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, or NOT_FOUND at `versionId`.
pub async fn disable(
    plane: &ControlPlane,
    call: &CallContext,
    version_id: &ID,
    apply_to_all_versions: bool,
) -> Result<Vec<VersionRecord>, ServiceError> {
    call.admin()?;
    let version_id = id::parse::<VersionKind>("versionId", version_id)?;
    let mut transaction = plane.write().await?;
    portal::store::lock_shared(&*transaction).await?;
    let versions = lock(&transaction, call, version_id, apply_to_all_versions).await?;
    let present = settings(&transaction, &versions).await?;
    let steps = present.into_iter().map(|present| (present, rules::disable(&present)));
    let versions = apply(
        &mut transaction,
        call,
        AuditAction::RegistrationDisable,
        versions,
        steps,
    )
    .await?;
    transaction.commit().await?;
    Ok(versions)
}

/// The version, or all of its product's, locked in the order of their ids.
async fn lock(
    transaction: &WriteTransaction,
    call: &CallContext,
    id: VersionId,
    all_of_product: bool,
) -> Result<Vec<VersionRecord>, ServiceError> {
    if !all_of_product {
        let version = version::store::lock(&**transaction, id).await?;
        return Ok(vec![version.ok_or_else(version_not_found)?]);
    }
    let mut found = version::store::find_for(&**transaction, &call.viewer, [id]).await?;
    let product = found.pop().ok_or_else(version_not_found)?.product_id;
    let versions = version::store::lock_all_of(&**transaction, product).await?;
    // It can have gone before the lock was there.
    if !versions.iter().any(|version| version.id == id) {
        return Err(version_not_found());
    }
    Ok(versions)
}

/// The present settings of these versions, in their order.
async fn settings(transaction: &WriteTransaction, versions: &[VersionRecord]) -> Result<Vec<Registration>, StoreError> {
    let ids = versions.iter().filter_map(|version| version.auth_strategy_id);
    let found = strategies::find_pointed_at(&**transaction, ids).await?;
    let choices: HashMap<AuthStrategyId, StrategyChoice> =
        found.iter().map(|strategy| (strategy.id, choice(strategy))).collect();
    let settings = versions.iter().map(|version| Registration {
        enabled: version.registration_enabled,
        auto_approve: version.auto_approve,
        auth_strategy: version.auth_strategy_id.and_then(|id| choices.get(&id).copied()),
    });
    Ok(settings.collect())
}

/// Writes what changed, and answers the versions as they are then.
async fn apply(
    transaction: &mut WriteTransaction,
    call: &CallContext,
    action: AuditAction,
    versions: Vec<VersionRecord>,
    steps: impl Iterator<Item = (Registration, Registration)>,
) -> Result<Vec<VersionRecord>, ServiceError> {
    let mut applied = Vec::with_capacity(versions.len());
    for (version, (before, after)) in versions.into_iter().zip(steps) {
        if before == after {
            applied.push(version);
            continue;
        }
        store::write(&**transaction, version.id, &after, call.now).await?;
        transaction.audit(
            AuditRecord::new(call, action, version.id)
                .before(summary(&before))
                .after(summary(&after)),
        );
        transaction.changed(Subject::Version, version.id.uuid());
        applied.push(VersionRecord {
            registration_enabled: after.enabled,
            auto_approve: after.auto_approve,
            auth_strategy_id: after.auth_strategy.map(|strategy| strategy.id),
            updated_at: call.now,
            ..version
        });
    }
    Ok(applied)
}

fn choice(strategy: &AuthStrategyRecord) -> StrategyChoice {
    StrategyChoice {
        id: strategy.id,
        kind: strategy.kind,
    }
}

fn version_not_found() -> ServiceError {
    Refusal::at("versionId", RefusalCode::NotFound, "There is no version with this id.").into()
}

fn strategy_not_found() -> ServiceError {
    Refusal::at(
        "authStrategyId",
        RefusalCode::NotFound,
        "There is no such auth strategy.",
    )
    .into()
}

fn summary(registration: &Registration) -> serde_json::Value {
    json!({
        "enabled": registration.enabled,
        "autoApprove": registration.auto_approve,
        "authStrategyId": registration.auth_strategy.map(|strategy| strategy.id.to_string()),
    })
}
