//! Two live versions may not claim the same host, path and method.

use std::fmt;

use domain::{
    gateway_service::{Route, RouteConflict, conflicts},
    id::VersionId,
};

use super::store::{self, Claimant};
use crate::{
    database::{WriteTransaction, advisory_lock::AdvisoryLock},
    error::ServiceError,
};

/// Who holds a route already, as its version and product are called.
pub(super) struct Holder<'a>(&'a Claimant);

impl fmt::Display for Holder<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Claimant {
            version,
            name,
            product_name,
            routes: _,
        } = self.0;
        write!(formatter, "Version {name} of {product_name} ({version})")
    }
}

/// Refuses that the version becomes live while another live version claims one of its routes, as they are stored.
///
/// The caller has locked the version and, in this order, whatever else it locks: what all changes of live routes share
/// is the last of the locks (portal, developer, app, version, routes), kept until the transaction ends. So of two
/// versions that claim the same place at the same time, one sees the other.
///
/// # Errors
/// `ROUTE_CONFLICT` at `lifecycle` for each route that is taken, naming who has it.
pub(crate) async fn refuse_conflicts(transaction: &WriteTransaction, version: VersionId) -> Result<(), ServiceError> {
    AdvisoryLock::Routes.take(&**transaction).await?;
    let Some(service) = store::of_version(&**transaction, version).await? else {
        return Ok(());
    };
    refuse(transaction, version, &service.routes, |_| "lifecycle".to_owned()).await
}

/// Refuses routes that another live version claims, for a live version that is to have them; as [`refuse_conflicts`].
///
/// # Errors
/// `ROUTE_CONFLICT` at `routes.N.paths` for each route that is taken, naming who has it.
pub(super) async fn refuse_conflicts_of(
    transaction: &WriteTransaction,
    version: VersionId,
    routes: &[Route],
) -> Result<(), ServiceError> {
    AdvisoryLock::Routes.take(&**transaction).await?;
    refuse(transaction, version, routes, |conflict| {
        format!("routes.{}.paths", conflict.route)
    })
    .await
}

async fn refuse(
    transaction: &WriteTransaction,
    version: VersionId,
    routes: &[Route],
    field: impl Fn(&RouteConflict<Holder<'_>>) -> String,
) -> Result<(), ServiceError> {
    let paths = routes.iter().flat_map(Route::paths).map(String::as_str);
    let claimants = store::claimants(&**transaction, paths, version).await?;
    let others = claimants.iter().map(|one| (Holder(one), one.routes.as_slice()));
    let refusals: Vec<_> = conflicts(routes, others)
        .iter()
        .map(|conflict| conflict.refusal(&field(conflict)))
        .collect();
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(refusals.into())
    }
}
