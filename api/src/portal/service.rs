//! Reading and changing the portal's settings.

use async_graphql::MaybeUndefined;
use domain::audit::AuditAction;
use serde_json::json;

use super::store;
pub use super::store::PortalRecord;
use crate::{
    audit::record::AuditRecord, change::Subject, context::CallContext, control_plane::ControlPlane,
    error::ServiceError, patch,
};

/// What an admin wants changed; what is undefined is left alone.
#[derive(Clone, Debug)]
pub struct PortalPatch {
    /// The name.
    pub name: MaybeUndefined<String>,
    /// Whether anyone sees the catalog.
    pub is_public: MaybeUndefined<bool>,
    /// Whether new developers are approved at once.
    pub auto_approve_developers: MaybeUndefined<bool>,
    /// Whether every access request is approved at once.
    pub auto_approve_access_requests: MaybeUndefined<bool>,
}

/// The portal. Anyone may read it.
///
/// # Errors
/// When the database fails.
pub async fn read(plane: &ControlPlane) -> Result<PortalRecord, ServiceError> {
    Ok(store::load(plane.database.read()).await?)
}

/// Changes the portal's settings. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals by field.
pub async fn update(
    plane: &ControlPlane,
    call: &CallContext,
    given: PortalPatch,
) -> Result<PortalRecord, ServiceError> {
    call.admin()?;
    let mut transaction = plane.write().await?;
    let before = store::lock(&*transaction).await?;
    let mut after = before.clone();
    let mut refusals = Vec::new();
    patch::replace(&mut refusals, "name", &mut after.name, given.name, |name| {
        plane.limits.name("name", &name)
    });
    for (field, wanted, setting) in [
        ("isPublic", given.is_public, &mut after.settings.is_public),
        (
            "autoApproveDevelopers",
            given.auto_approve_developers,
            &mut after.settings.auto_approve_developers,
        ),
        (
            "autoApproveAccessRequests",
            given.auto_approve_access_requests,
            &mut after.settings.auto_approve_access_requests,
        ),
    ] {
        patch::replace(&mut refusals, field, setting, wanted, Ok);
    }
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    store::update(&*transaction, &after).await?;
    transaction.audit(
        AuditRecord::new(call, AuditAction::PortalUpdate, after.id)
            .before(summary(&before))
            .after(summary(&after)),
    );
    transaction.changed(Subject::Portal, after.id.uuid());
    transaction.commit().await?;
    Ok(after)
}

fn summary(portal: &PortalRecord) -> serde_json::Value {
    json!({
        "name": portal.name,
        "isPublic": portal.settings.is_public,
        "autoApproveDevelopers": portal.settings.auto_approve_developers,
        "autoApproveAccessRequests": portal.settings.auto_approve_access_requests,
    })
}
