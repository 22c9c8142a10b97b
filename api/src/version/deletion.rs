//! Deleting versions, one or all of a product, and what goes with them.

use domain::{access_request::AccessRequestStatus, audit::AuditAction, product};

use super::{
    service::summary,
    store::{self, VersionRecord},
};
use crate::{
    audit::record::AuditRecord, change::Subject, context::CallContext, database::WriteTransaction, error::ServiceError,
};

/// Deletes versions that the caller, an admin, has locked. Their specifications, routes, access requests and holds go
/// along, and all traffic to them ends.
///
/// # Errors
/// `IN_USE` at `id` while one has approved requests, unless `force`.
pub(crate) async fn delete(
    transaction: &mut WriteTransaction,
    call: &CallContext,
    versions: &[VersionRecord],
    force: bool,
) -> Result<(), ServiceError> {
    let requests = store::requests(&**transaction, versions.iter().map(|version| version.id)).await?;
    let approved = requests
        .iter()
        .filter(|(_, status)| *status == AccessRequestStatus::Approved);
    product::check_deletion(u64::try_from(approved.count()).unwrap_or(u64::MAX), force)?;
    store::delete(&**transaction, versions.iter().map(|version| version.id)).await?;
    for version in versions {
        transaction.audit(AuditRecord::new(call, AuditAction::VersionDelete, version.id).before(summary(version)));
        transaction.changed(Subject::Version, version.id.uuid());
    }
    for (request, _) in requests {
        transaction.changed(Subject::AccessRequest, request.uuid());
    }
    Ok(())
}
