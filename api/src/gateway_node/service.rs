//! Reading the gateways of the fleet. Admins only.

use std::time::Duration;

use domain::{Timestamp, id::GatewayNodeId, page::Page};

use super::{confirmation, store};
pub use super::{confirmation::Confirmation, store::GatewayNodeRecord};
use crate::{
    context::CallContext,
    control_plane::ControlPlane,
    error::ServiceError,
    pagination::{self, Slice},
};

/// A page of the gateways, the latest first seen first.
///
/// # Errors
/// `FORBIDDEN` for everyone but admins, `BAD_USER_INPUT` for a cursor of another list.
pub async fn list(
    plane: &ControlPlane,
    call: &CallContext,
    page: &Page,
) -> Result<Slice<GatewayNodeRecord>, ServiceError> {
    call.admin_only()?;
    let select = store::select_for(&call.viewer);
    let slice = pagination::page(plane.database.read(), select, &store::sort_key(), page).await?;
    Ok(slice.map(|row| {
        let mut record = [GatewayNodeRecord::from(row)];
        plane.gateway_nodes.refresh(&mut record);
        let [record] = record;
        record
    }))
}

/// How many gateways there are for the viewer.
///
/// # Errors
/// When the database fails.
pub async fn count(plane: &ControlPlane, call: &CallContext) -> Result<u64, ServiceError> {
    pagination::count(plane.database.read(), store::select_for(&call.viewer)).await
}

/// The gateways with these ids that exist for the viewer.
///
/// # Errors
/// When the database fails.
pub async fn find(
    plane: &ControlPlane,
    call: &CallContext,
    ids: &[GatewayNodeId],
) -> Result<Vec<GatewayNodeRecord>, ServiceError> {
    let mut found = store::find_for(plane.database.read(), &call.viewer, ids).await?;
    plane.gateway_nodes.refresh(&mut found);
    Ok(found)
}

/// Waits as [`confirmation::wait`] does. Who is missing is for admins alone to see.
pub async fn wait(plane: &ControlPlane, call: &CallContext) -> Confirmation {
    let confirmation = confirmation::wait(plane).await;
    if call.viewer.is_admin() {
        return confirmation;
    }
    Confirmation {
        missing: Vec::new(),
        ..confirmation
    }
}

/// Whether the gateway has confirmed all that is committed by now.
#[must_use]
pub fn has_confirmed(plane: &ControlPlane, node: &GatewayNodeRecord) -> bool {
    plane.gateway_nodes.own() == Some(node.id)
        || plane
            .follower
            .hub()
            .target()
            .is_some_and(|target| node.position.is_some() && confirmation::has_confirmed(node, &target))
}

/// For how long, at `now`, there has been a change that the gateway has not confirmed; `None` when it enforces nothing,
/// or a state that this node cannot tell the place of.
#[must_use]
pub fn lag(plane: &ControlPlane, node: &GatewayNodeRecord, now: Timestamp) -> Option<Duration> {
    if plane.gateway_nodes.own() == Some(node.id) {
        return Some(Duration::ZERO);
    }
    let position = node.position.as_ref()?.parse().ok()?;
    Some(plane.follower.hub().lag(&position, now))
}
