//! Asking for access, withdrawing it, and reading requests.

use domain::{
    Refusal, RefusalCode,
    access_request::{self as rules, AccessRequestAction, History, Submission},
    audit::AuditAction,
    id::{AccessRequestId, AppId, VersionId},
    page::Page,
    viewer::Viewer,
};
use serde::Serialize;
use serde_json::json;

pub use super::store::{AccessRequestFilter, AccessRequestRecord, AccessRequestSort};
use super::{
    binding_store, hold_store,
    registrability::registration_of,
    store::{self, Transition},
};
use crate::{
    app::store as app_store,
    audit::record::AuditRecord,
    auth_strategy::store as auth_strategy_store,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    developer::store as developer_store,
    error::{ServiceError, StoreError},
    graphql::{connection::TotalCount, payload::Replayable},
    idempotency::{self, Claim},
    pagination::{self, Direction, Slice},
    portal::store as portal_store,
    product::store as product_store,
    version::store as version_store,
};

/// What a developer asks for.
#[derive(Clone, Debug)]
pub struct RequestAccess {
    /// The app, one's own.
    pub app_id: AppId,
    /// The version.
    pub version_id: VersionId,
    /// Words for the admin who decides.
    pub justification: Option<String>,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    app_id: String,
    version_id: String,
    justification: Option<&'a str>,
}

/// Asks for access to a version with an app.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals: NOT_FOUND for an app or version that does not exist for the caller,
/// and all that [`domain::access_request::submit`] refuses.
pub async fn submit(
    plane: &ControlPlane,
    call: &CallContext,
    input: RequestAccess,
    idempotency_key: Option<&str>,
) -> Result<Replayable<AccessRequestRecord>, ServiceError> {
    let (caller, _) = call.developer()?;
    let RequestAccess {
        app_id,
        version_id,
        justification,
    } = input;
    let fingerprint = Fingerprint {
        app_id: app_id.to_string(),
        version_id: version_id.to_string(),
        justification: justification.as_deref(),
    };
    let id = AccessRequestId::new();
    let mut transaction = plane.write().await?;
    let claim = idempotency::claim(
        &transaction,
        call,
        "requestAccess",
        idempotency_key,
        &fingerprint,
        id.uuid(),
    )
    .await?;
    if let Claim::Replay(id) = claim {
        let found = store::find_for(&*transaction, &call.viewer, [AccessRequestId::from_uuid(id)]).await?;
        let value = found.into_iter().next().ok_or_else(missing)?;
        return Ok(Replayable { value, replayed: true });
    }
    let justification = plane
        .limits
        .optional_description("justification", justification.as_deref())?;

    // Portal, developer, app, version: locked in this order, so that no setting and no state changes under the rule.
    let portal = portal_store::lock_shared(&*transaction).await?;
    let developer = developer_store::lock(&*transaction, caller)
        .await?
        .ok_or(ServiceError::Unauthenticated)?;
    let app = app_store::lock(&*transaction, app_id)
        .await?
        .filter(|app| app.developer_id == caller);
    let viewer = Viewer::Developer {
        id: caller,
        status: developer.status,
    };
    let version = match version_store::lock(&*transaction, version_id).await? {
        Some(locked) => version_store::find_for(&*transaction, &viewer, [locked.id])
            .await?
            .pop(),
        None => None,
    };
    let (app, version) = match (app, version) {
        (Some(app), Some(version)) => (app, version),
        (app, version) => {
            let not_found = |field: &str, what: &str| {
                Refusal::at(
                    field,
                    RefusalCode::NotFound,
                    format!("There is no such {what}. Check the id."),
                )
            };
            let mut refusals = Vec::new();
            refusals.extend(app.is_none().then(|| not_found("appId", "app of yours")));
            refusals.extend(version.is_none().then(|| not_found("versionId", "version")));
            return Err(refusals.into());
        }
    };
    let product = product_store::find_for(&*transaction, &viewer, [version.product_id])
        .await?
        .pop()
        .ok_or(StoreError::Corrupt("a version without a product"))?;
    let strategy = auth_strategy_store::find_pointed_at(&*transaction, version.auth_strategy_id)
        .await?
        .pop();
    let submission = Submission {
        portal: portal.settings,
        developer: developer.status,
        app: app.status,
        app_bound_to: binding_store::bound_kinds(&*transaction, app_id, call.now).await?,
        has_open_request: store::open_versions_of_app(&*transaction, app_id)
            .await?
            .contains(&version_id),
        product_published: product.published_at.is_some(),
        lifecycle: version.lifecycle,
        registration: registration_of(&version, strategy.as_ref()),
        history: History {
            held: hold_store::is_held(&*transaction, &developer.email_normalised, version_id).await?,
            suspended_app_with_request: store::suspended_app_asked(&*transaction, caller, version_id).await?,
        },
    };
    let outcome = rules::submit(&submission, call.now)?;
    let record = AccessRequestRecord {
        id,
        app_id,
        version_id,
        developer_id: caller,
        status: outcome.status,
        justification,
        decision: outcome.decision,
        created_at: call.now,
        updated_at: call.now,
    };
    match store::insert(&*transaction, &record).await {
        Ok(()) => {}
        Err(StoreError::Duplicate(_)) => {
            return Err(Refusal::at(
                "versionId",
                RefusalCode::AlreadyRequested,
                "The app already has an open request for this version. Read its accessRequests.",
            )
            .into());
        }
        Err(other) => return Err(other.into()),
    }
    transaction.audit(
        AuditRecord::new(call, AuditAction::AccessRequestSubmit, id)
            .reason(record.justification.as_deref())
            .after(summary(&record)),
    );
    if record.decision.is_some() {
        transaction.audit(
            AuditRecord::new(call, AuditAction::AccessRequestApprove, id)
                .by("system")
                .after(summary(&record)),
        );
    }
    transaction.changed(Subject::AccessRequest, id.uuid());
    transaction.commit().await?;
    Ok(Replayable {
        value: record,
        replayed: false,
    })
}

/// Withdraws a request of one's own.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals: NOT_FOUND, INVALID_TRANSITION.
pub async fn cancel(
    plane: &ControlPlane,
    call: &CallContext,
    id: AccessRequestId,
) -> Result<AccessRequestRecord, ServiceError> {
    call.developer()?;
    let mut transaction = plane.write().await?;
    if store::find_for(&*transaction, &call.viewer, [id]).await?.is_empty() {
        return Err(missing());
    }
    let record = match store::transition(&*transaction, id, AccessRequestAction::Cancel, None, call.now).await? {
        Transition::Done(record) => record,
        Transition::Missing => return Err(missing()),
        Transition::Elsewhere(status) => {
            return Err(match rules::step(status, AccessRequestAction::Cancel) {
                Err(refusal) => refusal.into(),
                Ok(_) => changed_meanwhile(),
            });
        }
    };
    transaction.audit(AuditRecord::new(call, AuditAction::AccessRequestCancel, id).after(summary(&record)));
    transaction.changed(Subject::AccessRequest, id.uuid());
    transaction.commit().await?;
    Ok(record)
}

/// A page of the requests that exist for the caller, with a way to count them all.
///
/// # Errors
/// `UNAUTHENTICATED` when nobody is signed in, `BAD_USER_INPUT` for a cursor of another list.
pub async fn list(
    plane: &ControlPlane,
    call: &CallContext,
    filter: AccessRequestFilter,
    order: Option<(AccessRequestSort, Direction)>,
    page: Page,
) -> Result<(Slice<AccessRequestRecord>, TotalCount), ServiceError> {
    call.signed_in()?;
    let select = store::select_for(&call.viewer, &filter);
    let (sort, direction) = order.unwrap_or((AccessRequestSort::CreatedAt, Direction::Descending));
    let key = store::sort_key(sort, direction);
    let slice = pagination::page(plane.database.read(), select.clone(), &key, &page).await?;
    let database = plane.database.clone();
    let total = TotalCount::new(move || {
        let (database, select) = (database.clone(), select.clone());
        async move { pagination::count(database.read(), select).await }
    });
    Ok((slice.map(AccessRequestRecord::from), total))
}

pub(super) fn missing() -> ServiceError {
    Refusal::at(
        "id",
        RefusalCode::NotFound,
        "There is no such access request. Check the id.",
    )
    .into()
}

/// A conditional update that found nothing although the step is drawn: another step came between.
pub(super) fn changed_meanwhile() -> ServiceError {
    Refusal::at(
        "id",
        RefusalCode::Conflict,
        "The access request has just changed. Read it again and try again.",
    )
    .into()
}

pub(super) fn summary(request: &AccessRequestRecord) -> serde_json::Value {
    json!({
        "appId": request.app_id.to_string(),
        "versionId": request.version_id.to_string(),
        "developerId": request.developer_id.to_string(),
        "status": request.status.to_string(),
    })
}
