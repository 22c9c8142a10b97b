//! Reading audit events.

use domain::page::Page;

use super::store;
pub use super::store::{AuditEventFilter, AuditEventRecord};
use crate::{
    context::CallContext,
    control_plane::ControlPlane,
    error::ServiceError,
    pagination::{self, Slice},
};

/// A page of the events, latest first. Admins only.
///
/// # Errors
/// [`ServiceError::Forbidden`] for everyone else; [`ServiceError::BadUserInput`] for a cursor of another list.
pub async fn list(
    plane: &ControlPlane,
    call: &CallContext,
    filter: &AuditEventFilter,
    page: &Page,
) -> Result<Slice<AuditEventRecord>, ServiceError> {
    call.admin_only()?;
    let select = store::select_for(&call.viewer, filter);
    let slice = pagination::page(plane.database.read(), select, &store::sort_key(), page).await?;
    Ok(slice.try_map(AuditEventRecord::try_from)?)
}

/// How many events there are for the viewer.
///
/// # Errors
/// When the database fails.
pub async fn count(plane: &ControlPlane, call: &CallContext, filter: &AuditEventFilter) -> Result<u64, ServiceError> {
    pagination::count(plane.database.read(), store::select_for(&call.viewer, filter)).await
}
