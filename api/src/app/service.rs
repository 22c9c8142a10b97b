//! Listing, making, changing, suspending and deleting apps.

use std::collections::BTreeSet;

use async_graphql::{ID, MaybeUndefined};
use domain::{
    Refusal, RefusalCode,
    app::{self as rules, AppStatus},
    audit::AuditAction,
    credential::CredentialStatus,
    decision::Decision,
    developer::check_approved,
    email::NormalisedEmail,
    id::{AppId, AppKind, VersionId},
    limits::Limits,
    page::Page,
    reference_id,
    viewer::Viewer,
};
use serde::Serialize;
use serde_json::json;

pub use super::store::{AppFilter, AppRecord, AppSort};
use super::{
    dependents,
    store::{self, ReferenceIdFacts},
};
use crate::{
    access_request::hold_store,
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    database::WriteTransaction,
    developer::store::{self as developers, DeveloperRecord, LockedDeveloper},
    error::{ServiceError, StoreError},
    graphql::payload::Replayable,
    id,
    idempotency::{self, Claim},
    pagination::{self, Direction, Slice},
};

/// The field that names a reference id.
const REFERENCE_ID: &str = "referenceId";

/// A page of the apps that pass `filter`: admins see all, developers their own.
///
/// # Errors
/// `UNAUTHENTICATED`; `BAD_USER_INPUT` for a bad cursor.
pub async fn list(
    plane: &ControlPlane,
    call: &CallContext,
    filter: &AppFilter,
    (sort, direction): (AppSort, Direction),
    page: &Page,
) -> Result<Slice<AppRecord>, ServiceError> {
    call.signed_in()?;
    let select = store::select_for(&call.viewer, filter);
    let key = store::sort_key(sort, direction);
    let slice = pagination::page(plane.database.read(), select, &key, page).await?;
    Ok(slice.map(AppRecord::from))
}

/// How many apps [`list`] runs through.
///
/// # Errors
/// When the database fails.
pub async fn count(plane: &ControlPlane, call: &CallContext, filter: &AppFilter) -> Result<u64, ServiceError> {
    pagination::count(plane.database.read(), store::select_for(&call.viewer, filter)).await
}

/// What a developer wants of a new app.
#[derive(Clone, Debug, Serialize)]
pub struct CreateApp {
    /// The name.
    pub name: String,
    /// The developer's own id for it.
    pub reference_id: String,
    /// What it is for.
    pub description: Option<String>,
    /// So that sending it again makes no second one.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Makes an app of the caller's. Approved developers.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals: DEVELOPER_NOT_APPROVED, by field REQUIRED, TOO_LONG, INVALID, TAKEN,
/// or LIMIT_REACHED.
pub async fn create(
    plane: &ControlPlane,
    call: &CallContext,
    input: CreateApp,
) -> Result<Replayable<AppRecord>, ServiceError> {
    let (developer_id, _) = call.developer()?;
    let id = AppId::new();
    let key = input.idempotency_key.as_deref();
    let (mut transaction, developer, claim) = if key.is_some() {
        let transaction = plane.write().await?;
        let claim = idempotency::claim(&transaction, call, "createApp", key, &input, id.uuid()).await?;
        let developer = developers::lock(&*transaction, developer_id).await?;
        (transaction, developer.map(LockedDeveloper::from), claim)
    } else {
        let (transaction, developer) = developers::begin_with_lock(plane, developer_id).await?;
        (transaction, developer, Claim::Fresh)
    };
    let developer = developer.ok_or(ServiceError::Unauthenticated)?;
    check_approved(developer.status)?;
    if let Claim::Replay(made) = claim {
        let value = store::find_for(&*transaction, &call.viewer, [AppId::from_uuid(made)])
            .await?
            .pop()
            .ok_or_else(|| not_found("idempotencyKey"))?;
        return Ok(Replayable { value, replayed: true });
    }
    let (limits, email) = (&plane.limits, developer.email);
    let name = limits.name("name", &input.name);
    let reference_id = reference_id::reference_id(REFERENCE_ID, &input.reference_id);
    let description = limits.optional_description("description", input.description.as_deref());
    let (name, reference_id, description) = match (name, reference_id, description) {
        (Ok(name), Ok(reference_id), Ok(description)) => (name, reference_id, description),
        (name, reference_id, description) => {
            // Whatever else stands against it is told, too.
            let mut refusals: Vec<Refusal> = name.err().into_iter().collect();
            let present = match reference_id {
                Ok(wanted) => {
                    let facts = store::claim_reference_id(&*transaction, &wanted, &email, (id, developer_id)).await?;
                    check_reference_id(&facts, &email, (limits, &mut refusals));
                    facts.apps
                }
                Err(refusal) => {
                    refusals.push(refusal);
                    store::count_of(&*transaction, developer_id).await?
                }
            };
            refusals.extend(description.err());
            refusals.extend(limits.another_app(present).err());
            return Err(refusals.into());
        }
    };
    let app = AppRecord {
        id,
        developer_id,
        name,
        reference_id,
        description,
        status: AppStatus::Active,
        suspension: None,
        created_at: call.now,
        updated_at: call.now,
    };
    transaction.audit(AuditRecord::new(call, AuditAction::AppCreate, id).after(summary(&app)));
    transaction.changed(Subject::App, id.uuid());
    let facts = store::claim_and_insert(&mut transaction, &app, &email).await;
    let facts = facts.map_err(reference_id_taken)?;
    let mut refusals = Vec::new();
    check_reference_id(&facts, &email, (limits, &mut refusals));
    refusals.extend(limits.another_app(facts.apps).err());
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    transaction.commit().await?;
    Ok(Replayable {
        value: app,
        replayed: false,
    })
}

/// What a developer wants changed of an app; what is undefined is left alone.
#[derive(Clone, Debug)]
pub struct UpdateApp {
    /// The app.
    pub id: ID,
    /// The name.
    pub name: MaybeUndefined<String>,
    /// The developer's own id for it.
    pub reference_id: MaybeUndefined<String>,
    /// What it is for; null clears it.
    pub description: MaybeUndefined<String>,
}

/// Changes an app of the caller's, suspended or not. Approved developers.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals by field: NOT_FOUND at `id`, REQUIRED, TOO_LONG, INVALID, TAKEN.
pub async fn update(plane: &ControlPlane, call: &CallContext, input: UpdateApp) -> Result<AppRecord, ServiceError> {
    call.developer()?;
    let id = id::parse::<AppKind>("id", &input.id)?;
    let mut transaction = plane.write().await?;
    let (developer, before) = lock_with_developer(&transaction, call, "id", id).await?;
    let mut after = before.clone();
    let mut refusals = Vec::new();
    match input.name {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => refusals.push(required("name")),
        MaybeUndefined::Value(name) => {
            let name = plane.limits.name("name", &name);
            after.name = name.unwrap_or_else(|refusal| noted(refusal, &mut refusals));
        }
    }
    match input.reference_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => refusals.push(required("referenceId")),
        MaybeUndefined::Value(reference_id) => {
            after.reference_id = match reference_id::reference_id(REFERENCE_ID, &reference_id) {
                Ok(wanted) => {
                    let email = NormalisedEmail::of(&developer.email_normalised);
                    let owner = (id, developer.id);
                    let facts = store::claim_reference_id(&*transaction, &wanted, &email, owner).await?;
                    check_reference_id(&facts, &email, (&plane.limits, &mut refusals));
                    wanted
                }
                Err(refusal) => noted(refusal, &mut refusals),
            };
        }
    }
    match input.description {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.description = None,
        MaybeUndefined::Value(description) => {
            let description = plane.limits.optional_description("description", Some(&description));
            after.description = description.unwrap_or_else(|refusal| noted(refusal, &mut refusals));
        }
    }
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    if after == before {
        return Ok(before);
    }
    after.updated_at = call.now;
    store::update(&*transaction, &after).await.map_err(reference_id_taken)?;
    note(&mut transaction, call, AuditAction::AppUpdate, &before, &after, None);
    transaction.commit().await?;
    Ok(after)
}

/// Deletes an app with its credentials and requests; its traffic stops at once. What outlives it: the claim on its
/// reference id, and, when it was suspended, holds on requests for every version that it ever had one for. Its
/// developer, and admins.
///
/// # Errors
/// `UNAUTHENTICATED`, or a refusal: NOT_FOUND at `id`.
pub async fn delete(plane: &ControlPlane, call: &CallContext, id: &ID) -> Result<AppId, ServiceError> {
    call.signed_in()?;
    let id = id::parse::<AppKind>("id", id)?;
    let mut transaction = plane.write().await?;
    let (developer, app) = lock_with_developer(&transaction, call, "id", id).await?;
    let credentials = dependents::credentials_of(&*transaction, id, call.now).await?;
    let requests = dependents::requests_of(&*transaction, id).await?;
    let held: BTreeSet<VersionId> = requests
        .iter()
        .filter(|_| rules::deletion_holds_requests(app.status, true))
        .map(|request| request.version_id)
        .collect();
    hold_store::hold(&*transaction, &developer.email_normalised, held, call.now).await?;
    store::delete(&*transaction, id).await?;
    let live = credentials
        .iter()
        .filter(|credential| credential.status == CredentialStatus::Active);
    let live: Vec<String> = live.map(|credential| credential.id.to_string()).collect();
    let open = requests.iter().filter(|request| request.status.is_open());
    let open: Vec<String> = open.map(|request| request.id.to_string()).collect();
    let mut before = summary(&app);
    before["liveCredentialIds"] = json!(live);
    before["openAccessRequestIds"] = json!(open);
    transaction.audit(AuditRecord::new(call, AuditAction::AppDelete, id).before(before));
    transaction.changed(Subject::App, id.uuid());
    for credential in credentials {
        transaction.changed(Subject::Credential, credential.id.uuid());
    }
    for request in requests {
        transaction.changed(Subject::AccessRequest, request.id.uuid());
    }
    transaction.commit().await?;
    Ok(id)
}

/// Suspends an app: all of its credentials stop at once, reversibly. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals by field: NOT_FOUND or INVALID_TRANSITION at `id`, and of `reason`.
pub async fn suspend(
    plane: &ControlPlane,
    call: &CallContext,
    id: &ID,
    reason: &str,
) -> Result<AppRecord, ServiceError> {
    let admin = call.admin()?;
    let id = id::parse::<AppKind>("id", id)?;
    let reason = plane.limits.description("reason", reason)?;
    let suspension = Decision {
        by: Some(admin),
        automatic: false,
        at: call.now,
        reason: Some(reason),
    };
    change_status(
        plane,
        call,
        id,
        AuditAction::AppSuspend,
        rules::suspend,
        Some(suspension),
    )
    .await
}

/// Lets a suspended app go on, with the same credentials. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or a refusal at `id`: NOT_FOUND or INVALID_TRANSITION.
pub async fn resume(plane: &ControlPlane, call: &CallContext, id: &ID) -> Result<AppRecord, ServiceError> {
    call.admin()?;
    let id = id::parse::<AppKind>("id", id)?;
    change_status(plane, call, id, AuditAction::AppResume, rules::resume, None).await
}

async fn change_status(
    plane: &ControlPlane,
    call: &CallContext,
    id: AppId,
    action: AuditAction,
    step: fn(AppStatus) -> Result<AppStatus, Refusal>,
    suspension: Option<Decision>,
) -> Result<AppRecord, ServiceError> {
    let mut transaction = plane.write().await?;
    // Under the developer's lock: whether a request of theirs is approved at once depends on which apps are suspended.
    let (_, before) = lock_with_developer(&transaction, call, "id", id).await?;
    let reason = suspension.as_ref().and_then(|decision| decision.reason.clone());
    let after = AppRecord {
        status: step(before.status)?,
        suspension,
        updated_at: call.now,
        ..before.clone()
    };
    if !store::change_status(&*transaction, before.status, &after).await? {
        return Err(not_found("id"));
    }
    note(&mut transaction, call, action, &before, &after, reason.as_deref());
    transaction.commit().await?;
    Ok(after)
}

/// The app that `field` names, locked after its developer; an owner who is no longer approved is refused.
///
/// # Errors
/// NOT_FOUND at `field` when there is none for the viewer, DEVELOPER_NOT_APPROVED.
pub async fn lock_with_developer(
    transaction: &WriteTransaction,
    call: &CallContext,
    field: &str,
    id: AppId,
) -> Result<(DeveloperRecord, AppRecord), ServiceError> {
    let seen = store::find_for(&**transaction, &call.viewer, [id]).await?.pop();
    let seen = seen.ok_or_else(|| not_found(field))?;
    let developer = developers::lock(&**transaction, seen.developer_id).await?;
    let app = store::lock(&**transaction, id).await?;
    let (Some(developer), Some(app)) = (developer, app) else {
        return Err(not_found(field));
    };
    match call.viewer {
        Viewer::Developer { .. } => check_approved(developer.status)?,
        Viewer::Admin { .. } | Viewer::Anonymous => {}
    }
    Ok((developer, app))
}

/// That there is no app at `field` for the viewer.
#[must_use]
pub fn not_found(field: &str) -> ServiceError {
    let message = if field == "idempotencyKey" {
        "The app that was made with this idempotency key is gone. Send a new key to make another one."
    } else {
        "There is no such app."
    };
    Refusal::at(field, RefusalCode::NotFound, message).into()
}

/// What stands against giving the developer with this e-mail a reference id: it is another app's, it was ever another
/// developer's, or it would be one more than they may hold.
fn check_reference_id(
    facts: &ReferenceIdFacts,
    email: &NormalisedEmail,
    (limits, refusals): (&Limits, &mut Vec<Refusal>),
) {
    if facts.is_new {
        refusals.extend(limits.another_reference_id(REFERENCE_ID, facts.claims_before).err());
    }
    let claimed_by = facts.claimed_by.as_deref();
    refusals.extend(reference_id::claim(REFERENCE_ID, facts.in_use, claimed_by, email.as_str()).err());
}

/// The reference id is the only value of an app that must be unique.
fn reference_id_taken(error: StoreError) -> ServiceError {
    match error {
        StoreError::Duplicate(_) => reference_id::claim(REFERENCE_ID, true, None, "").err().map_or(
            ServiceError::Internal("a taken reference id was not refused"),
            Into::into,
        ),
        StoreError::Unavailable(_) | StoreError::Failed(_) | StoreError::Corrupt(_) => error.into(),
    }
}

fn note(
    transaction: &mut WriteTransaction,
    call: &CallContext,
    action: AuditAction,
    before: &AppRecord,
    after: &AppRecord,
    reason: Option<&str>,
) {
    transaction.audit(
        AuditRecord::new(call, action, after.id)
            .before(summary(before))
            .after(summary(after))
            .reason(reason),
    );
    transaction.changed(Subject::App, after.id.uuid());
}

/// Notes the refusal, so that all of them are told at once; the value is never used then.
fn noted<T: Default>(refusal: Refusal, refusals: &mut Vec<Refusal>) -> T {
    refusals.push(refusal);
    T::default()
}

fn required(field: &str) -> Refusal {
    Refusal::at(
        field,
        RefusalCode::Required,
        format!("{field} cannot be null. Leave it out to keep what it is."),
    )
}

fn summary(app: &AppRecord) -> serde_json::Value {
    json!({
        "developerId": app.developer_id.to_string(),
        "name": app.name,
        "referenceId": app.reference_id,
        "description": app.description,
        "status": app.status.to_string(),
    })
}
