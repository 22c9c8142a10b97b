//! Making, changing and deleting strategies.

use async_graphql::{ID, MaybeUndefined};
use domain::{
    Refusal, RefusalCode,
    audit::AuditAction,
    auth_strategy::{self as rules, AuthStrategyType},
    credential::StrategyChoice,
    id::{AuthStrategyId, AuthStrategyKind},
    key_name,
    page::Page,
    registration::{self, Registration},
};
use serde::Serialize;
use serde_json::json;

pub use super::store::AuthStrategyRecord;
use super::store::{self, UsingCredential, UsingVersion};
use crate::{
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    database::WriteTransaction,
    error::{ServiceError, StoreError},
    graphql::payload::Replayable,
    id,
    idempotency::{self, Claim},
    pagination::Slice,
    portal,
    registration::store as registration_store,
};

/// A page of the strategies, the latest first. Admins only.
///
/// # Errors
/// `FORBIDDEN` for everyone else, `BAD_USER_INPUT` for a bad cursor.
pub async fn list(
    plane: &ControlPlane,
    call: &CallContext,
    page: &Page,
) -> Result<Slice<AuthStrategyRecord>, ServiceError> {
    call.admin_only()?;
    store::page_for(plane.database.read(), &call.viewer, page).await
}

/// How many strategies [`list`] runs through.
///
/// # Errors
/// When the database fails.
pub async fn count(plane: &ControlPlane, call: &CallContext) -> Result<u64, ServiceError> {
    store::count_for(plane.database.read(), &call.viewer).await
}

/// The strategy with this id: for admins any, for others one that something that they see points at.
///
/// # Errors
/// `BAD_USER_INPUT` for an id of another kind.
pub async fn find(
    plane: &ControlPlane,
    call: &CallContext,
    id: &ID,
) -> Result<Option<AuthStrategyRecord>, ServiceError> {
    let id = id::parse::<AuthStrategyKind>("id", id)?;
    Ok(store::find_for(plane.database.read(), &call.viewer, id).await?)
}

/// What an admin wants of a new key-auth strategy.
#[derive(Clone, Debug, Serialize)]
pub struct CreateKeyAuthStrategy {
    /// The name.
    pub name: String,
    /// The headers that carry the key.
    pub key_names: Vec<String>,
    /// For how many days a key opens versions of the strategy.
    pub credential_ttl_days: Option<i32>,
    /// So that sending it again makes no second one.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Makes a key-auth strategy. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals by field, TAKEN for a name that another strategy has.
pub async fn create_key_auth(
    plane: &ControlPlane,
    call: &CallContext,
    input: CreateKeyAuthStrategy,
) -> Result<Replayable<AuthStrategyRecord>, ServiceError> {
    call.admin()?;
    let id = AuthStrategyId::new();
    let mut transaction = plane.write().await?;
    let key = input.idempotency_key.as_deref();
    let claim = idempotency::claim(&transaction, call, "createKeyAuthStrategy", key, &input, id.uuid()).await?;
    if let Claim::Replay(id) = claim {
        let id = AuthStrategyId::from_uuid(id);
        let value = store::find_for(&*transaction, &call.viewer, id)
            .await?
            .ok_or_else(not_found)?;
        return Ok(Replayable { value, replayed: true });
    }
    let mut refusals = Vec::new();
    let name = plane.limits.name("name", &input.name);
    let name = name.unwrap_or_else(|refusal| noted(refusal, &mut refusals));
    let key_names = checked_key_names(&input.key_names, &mut refusals);
    let credential_ttl_days = checked_ttl(input.credential_ttl_days, &mut refusals);
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    let strategy = AuthStrategyRecord {
        id,
        kind: AuthStrategyType::KeyAuth,
        name,
        built_in: false,
        key_names,
        credential_ttl_days,
        created_at: call.now,
    };
    store::insert(&*transaction, &strategy).await.map_err(name_taken)?;
    note(&mut transaction, call, AuditAction::AuthStrategyCreate, None, &strategy);
    transaction.commit().await?;
    Ok(Replayable {
        value: strategy,
        replayed: false,
    })
}

/// What an admin wants changed of a key-auth strategy; what is undefined is left alone.
#[derive(Clone, Debug)]
pub struct UpdateKeyAuthStrategy {
    /// The strategy.
    pub id: ID,
    /// The name.
    pub name: MaybeUndefined<String>,
    /// The headers that carry the key.
    pub key_names: MaybeUndefined<Vec<String>>,
    /// For how many days a key opens versions of the strategy; null: no limit.
    pub credential_ttl_days: MaybeUndefined<i32>,
}

/// Changes a key-auth strategy, the built-in one too; its versions follow at once. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals by field: NOT_FOUND at `id`, and as [`create_key_auth`].
pub async fn update_key_auth(
    plane: &ControlPlane,
    call: &CallContext,
    input: UpdateKeyAuthStrategy,
) -> Result<AuthStrategyRecord, ServiceError> {
    call.admin()?;
    let id = id::parse::<AuthStrategyKind>("id", &input.id)?;
    let mut transaction = plane.write().await?;
    let before = store::lock(&*transaction, id)
        .await?
        .filter(|strategy| strategy.kind == AuthStrategyType::KeyAuth)
        .ok_or_else(not_found)?;
    let mut after = before.clone();
    let mut refusals = Vec::new();
    match input.name {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => refusals.push(Refusal::at(
            "name",
            RefusalCode::Required,
            "name cannot be null. Leave it out to keep what it is.",
        )),
        MaybeUndefined::Value(name) => {
            let name = plane.limits.name("name", &name);
            after.name = name.unwrap_or_else(|refusal| noted(refusal, &mut refusals));
        }
    }
    match input.key_names {
        MaybeUndefined::Undefined => {}
        // Null empties a list, and this one may not be empty.
        MaybeUndefined::Null => after.key_names = checked_key_names(&[], &mut refusals),
        MaybeUndefined::Value(names) => after.key_names = checked_key_names(&names, &mut refusals),
    }
    match input.credential_ttl_days {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.credential_ttl_days = None,
        MaybeUndefined::Value(days) => after.credential_ttl_days = checked_ttl(Some(days), &mut refusals),
    }
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    store::update(&*transaction, &after).await.map_err(name_taken)?;
    note(
        &mut transaction,
        call,
        AuditAction::AuthStrategyUpdate,
        Some(&before),
        &after,
    );
    transaction.commit().await?;
    Ok(after)
}

/// Deletes a strategy that nothing uses; forced, one in use too: its versions keep no strategy and so deny every call,
/// and its credentials are deleted. Admins only.
///
/// It has the portal's row to itself meanwhile: whoever gives a version or a credential a strategy locks that row
/// shared first, so that nothing joins the strategy while it goes. (The foreign keys would refuse it, but as a failure
/// of the server.)
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or a refusal at `id`: NOT_FOUND, CONFLICT for the built-in one, IN_USE.
pub async fn delete(
    plane: &ControlPlane,
    call: &CallContext,
    id: &ID,
    force: bool,
) -> Result<AuthStrategyId, ServiceError> {
    call.admin()?;
    let id = id::parse::<AuthStrategyKind>("id", id)?;
    let mut transaction = plane.write().await?;
    portal::store::lock(&*transaction).await?;
    let versions = store::lock_versions(&*transaction, id).await?;
    let strategy = store::lock(&*transaction, id).await?.ok_or_else(not_found)?;
    let credentials = store::credentials(&*transaction, id, call.now).await?;
    let live = credentials.iter().filter(|credential| credential.is_live).count();
    rules::check_deletion(strategy.built_in, as_count(versions.len()), as_count(live), force)?;
    let choice = StrategyChoice {
        id,
        kind: strategy.kind,
    };
    for version in &versions {
        close(&mut transaction, call, choice, version).await?;
    }
    store::delete_with_credentials(&*transaction, id).await?;
    for credential in &credentials {
        note_ended(&mut transaction, call, id, credential);
    }
    transaction.audit(AuditRecord::new(call, AuditAction::AuthStrategyDelete, id).before(summary(&strategy)));
    transaction.changed(Subject::AuthStrategy, id.uuid());
    transaction.commit().await?;
    Ok(id)
}

fn note(
    transaction: &mut WriteTransaction,
    call: &CallContext,
    action: AuditAction,
    before: Option<&AuthStrategyRecord>,
    after: &AuthStrategyRecord,
) {
    let mut event = AuditRecord::new(call, action, after.id).after(summary(after));
    if let Some(before) = before {
        event = event.before(summary(before));
    }
    transaction.audit(event);
    transaction.changed(Subject::AuthStrategy, after.id.uuid());
}

/// Leaves the version without its strategy, which is about to be deleted.
async fn close(
    transaction: &mut WriteTransaction,
    call: &CallContext,
    strategy: StrategyChoice,
    version: &UsingVersion,
) -> Result<(), ServiceError> {
    let present = Registration {
        enabled: version.registration_enabled,
        auto_approve: version.auto_approve,
        auth_strategy: Some(strategy),
    };
    let left = registration::without_strategy(&present);
    registration_store::write(&**transaction, version.id, &left, call.now).await?;
    let summary = |registration: &Registration| {
        let strategy = registration.auth_strategy.map(|strategy| strategy.id.to_string());
        json!({ "enabled": registration.enabled, "authStrategyId": strategy })
    };
    transaction.audit(
        AuditRecord::new(call, AuditAction::RegistrationDisable, version.id)
            .before(summary(&present))
            .after(summary(&left)),
    );
    transaction.changed(Subject::Version, version.id.uuid());
    Ok(())
}

fn note_ended(
    transaction: &mut WriteTransaction,
    call: &CallContext,
    strategy: AuthStrategyId,
    credential: &UsingCredential,
) {
    transaction.audit(
        AuditRecord::new(call, AuditAction::CredentialRevoke, credential.id).before(json!({
            "name": credential.name,
            "hint": credential.hint,
            "authStrategyId": strategy.to_string(),
        })),
    );
    transaction.changed(Subject::Credential, credential.id.uuid());
}

/// Notes the refusal, so that all of them are told at once; the value is never used then.
fn noted<T: Default>(refusal: Refusal, refusals: &mut Vec<Refusal>) -> T {
    refusals.push(refusal);
    T::default()
}

fn checked_key_names(names: &[String], refusals: &mut Vec<Refusal>) -> Vec<String> {
    let checked = key_name::key_names("keyNames", names.iter().map(String::as_str));
    checked.unwrap_or_else(|wrong| {
        refusals.extend(wrong);
        Vec::new()
    })
}

fn checked_ttl(days: Option<i32>, refusals: &mut Vec<Refusal>) -> Option<u32> {
    let checked = days.map(|days| rules::credential_ttl_days("credentialTtlDays", days));
    checked.transpose().unwrap_or_else(|refusal| noted(refusal, refusals))
}

fn not_found() -> ServiceError {
    Refusal::at("id", RefusalCode::NotFound, "There is no such auth strategy.").into()
}

/// The name is the only value of a strategy that must be unique.
fn name_taken(error: StoreError) -> ServiceError {
    match error {
        StoreError::Duplicate(_) => Refusal::at(
            "name",
            RefusalCode::Taken,
            "Another auth strategy has this name. Choose another one.",
        )
        .into(),
        StoreError::Unavailable(_) | StoreError::Failed(_) | StoreError::Corrupt(_) => error.into(),
    }
}

fn as_count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn summary(strategy: &AuthStrategyRecord) -> serde_json::Value {
    json!({
        "name": strategy.name,
        "keyNames": strategy.key_names,
        "credentialTtlDays": strategy.credential_ttl_days,
    })
}
