//! Listing developers, and deciding about them.

use domain::{
    Refusal, RefusalCode, Timestamp,
    audit::AuditAction,
    decision::Decision,
    developer::{self, DeveloperAction, DeveloperStatus},
    id::{AdminId, DeveloperId},
    page::Page,
    text,
};
use serde_json::json;

pub use super::store::{DeveloperFilter, DeveloperRecord, DeveloperSort};
use super::{belongings, store};
use crate::{
    access_request::hold_store,
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    database::WriteTransaction,
    error::ServiceError,
    pagination::{self, Direction, Slice},
    portal::store as portals,
    session::{realm::AccountId, store as session_store},
};

/// A page of the developers. Admins only.
///
/// # Errors
/// [`ServiceError::Forbidden`] for everyone else; [`ServiceError::BadUserInput`] for a cursor of another list.
pub async fn list(
    plane: &ControlPlane,
    call: &CallContext,
    filter: &DeveloperFilter,
    order: (DeveloperSort, Direction),
    page: &Page,
) -> Result<Slice<DeveloperRecord>, ServiceError> {
    call.admin_only()?;
    let select = store::select_for(&call.viewer, filter);
    let key = store::sort_key(order.0, order.1);
    let slice = pagination::page(plane.database.read(), select, &key, page).await?;
    Ok(slice.map(DeveloperRecord::from))
}

/// How many developers there are for the viewer.
///
/// # Errors
/// When the database fails.
pub async fn count(plane: &ControlPlane, call: &CallContext, filter: &DeveloperFilter) -> Result<u64, ServiceError> {
    pagination::count(plane.database.read(), store::select_for(&call.viewer, filter)).await
}

/// Lets a developer use the portal. Admins only.
///
/// # Errors
/// [`ServiceError::Unauthenticated`], [`ServiceError::Forbidden`]; `NOT_FOUND` and `INVALID_TRANSITION` at `id`;
/// refusals at `reason`.
pub async fn approve(
    plane: &ControlPlane,
    call: &CallContext,
    id: DeveloperId,
    reason: Option<&str>,
) -> Result<DeveloperRecord, ServiceError> {
    let admin = call.admin()?;
    let reason = reason.map(|reason| text::description("reason", reason)).transpose()?;
    decide(plane, call, admin, id, DeveloperAction::Approve, reason).await
}

/// Turns a sign-up down. Admins only.
///
/// # Errors
/// As [`approve`]; a reason is required.
pub async fn reject(
    plane: &ControlPlane,
    call: &CallContext,
    id: DeveloperId,
    reason: &str,
) -> Result<DeveloperRecord, ServiceError> {
    let admin = call.admin()?;
    let reason = text::description("reason", reason)?;
    decide(plane, call, admin, id, DeveloperAction::Reject, Some(reason)).await
}

/// Stops a developer, their sessions and all of their apps' traffic, until they are approved again. Admins only.
///
/// # Errors
/// As [`approve`]; a reason is required.
pub async fn revoke(
    plane: &ControlPlane,
    call: &CallContext,
    id: DeveloperId,
    reason: &str,
) -> Result<DeveloperRecord, ServiceError> {
    let admin = call.admin()?;
    let reason = text::description("reason", reason)?;
    decide(plane, call, admin, id, DeveloperAction::Revoke, Some(reason)).await
}

async fn decide(
    plane: &ControlPlane,
    call: &CallContext,
    admin: AdminId,
    id: DeveloperId,
    action: DeveloperAction,
    reason: Option<String>,
) -> Result<DeveloperRecord, ServiceError> {
    let mut transaction = plane.write().await?;
    let before = store::lock(&*transaction, id).await?.ok_or_else(unknown)?;
    let to = developer::step(before.status, action)?.ok_or(ServiceError::Internal("a decision that deletes"))?;
    let decision = Decision {
        by: Some(admin),
        automatic: false,
        at: call.now,
        reason,
    };
    if !store::decide(&*transaction, id, (before.status, to), &decision).await? {
        return Err(Refusal::at(
            "id",
            RefusalCode::Conflict,
            "Somebody else has just decided about this developer. Read them again.",
        )
        .into());
    }
    if developer::holds_sign_up(action) {
        store::hold_sign_ups(&*transaction, &before.email_normalised, call.now).await?;
    }
    if !developer::may_hold_session(to) {
        end_sessions(&mut transaction, id, call.now).await?;
    }
    let audited = match action {
        DeveloperAction::Approve => AuditAction::DeveloperApprove,
        DeveloperAction::Reject => AuditAction::DeveloperReject,
        DeveloperAction::Revoke => AuditAction::DeveloperRevoke,
        DeveloperAction::Delete => AuditAction::DeveloperDelete,
    };
    transaction.audit(
        AuditRecord::new(call, audited, id)
            .reason(decision.reason.as_deref())
            .before(status_of(before.status))
            .after(status_of(to)),
    );
    transaction.changed(Subject::Developer, id.uuid());
    transaction.commit().await?;
    Ok(DeveloperRecord {
        status: to,
        decision: Some(decision),
        ..before
    })
}

/// Deletes a developer's account with apps, requests, credentials and sessions. Admins only.
///
/// # Errors
/// [`ServiceError::Unauthenticated`], [`ServiceError::Forbidden`]; `NOT_FOUND` at `id`; `IN_USE` at `id` while their
/// apps have approved requests, unless forced.
pub async fn delete(
    plane: &ControlPlane,
    call: &CallContext,
    id: DeveloperId,
    force: bool,
) -> Result<DeveloperId, ServiceError> {
    call.admin()?;
    let mut transaction = plane.write().await?;
    // A sign-up with this e-mail, which locks the portal shared, comes before or after: one that looked for the hold
    // before it was there, and found the e-mail free after the deletion, would be approved automatically.
    portals::lock(&*transaction).await?;
    let developer = store::lock(&*transaction, id).await?.ok_or_else(unknown)?;
    developer::step(developer.status, DeveloperAction::Delete)?;
    let belongings = belongings::lock(&*transaction, id).await?;
    developer::check_deletion(belongings.approved_requests(), force)?;
    let email = &developer.email_normalised;
    store::hold_sign_ups(&*transaction, email, call.now).await?;
    hold_store::hold(&*transaction, email, belongings.held_versions(), call.now).await?;
    for session in session_store::delete_all_of(&*transaction, AccountId::Developer(id)).await? {
        transaction.changed(Subject::Session, session.uuid());
    }
    store::delete(&*transaction, id).await?;
    for (app, _) in &belongings.apps {
        transaction.changed(Subject::App, *app);
    }
    for request in &belongings.requests {
        transaction.changed(Subject::AccessRequest, request.id);
    }
    for credential in &belongings.credentials {
        transaction.changed(Subject::Credential, *credential);
    }
    transaction.audit(AuditRecord::new(call, AuditAction::DeveloperDelete, id).before(json!({
        "email": developer.email,
        "fullName": developer.full_name,
        "status": developer.status.to_string(),
        "apps": belongings.apps.len(),
        "accessRequests": belongings.requests.len(),
        "credentials": belongings.credentials.len(),
    })));
    transaction.changed(Subject::Developer, id.uuid());
    transaction.commit().await?;
    Ok(id)
}

async fn end_sessions(transaction: &mut WriteTransaction, id: DeveloperId, now: Timestamp) -> Result<(), ServiceError> {
    for session in session_store::end_all_of(&**transaction, AccountId::Developer(id), None, now).await? {
        transaction.changed(Subject::Session, session.uuid());
    }
    Ok(())
}

fn unknown() -> ServiceError {
    Refusal::at("id", RefusalCode::NotFound, "There is no developer with this id.").into()
}

fn status_of(status: DeveloperStatus) -> serde_json::Value {
    json!({ "status": status.to_string() })
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
