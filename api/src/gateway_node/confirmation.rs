//! Waiting until every gateway that may be serving enforces a change.

use std::{collections::HashMap, time::Duration};

use domain::{RefusalCode, Timestamp, id::GatewayNodeId};
use tokio::time::Instant;

use super::store::{self, GatewayNodeRecord};
use crate::{change::Position, control_plane::ControlPlane, error::ServiceError};

/// How long a mutation waits at most.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How often the database is asked what other nodes heard.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What waiting came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Whether all have confirmed. Not, also when it cannot be known who they are.
    pub is_complete: bool,
    /// Who has not.
    pub missing: Vec<GatewayNodeRecord>,
}

/// Whether a mutation that answered this is waited for: it was done, or it had been done before and is repeated to wait
/// again.
#[must_use]
pub fn is_waited_for<T>(result: &Result<T, ServiceError>) -> bool {
    match result {
        Ok(_) => true,
        Err(ServiceError::Refused(refusals)) => refusals
            .iter()
            .all(|refusal| refusal.code == RefusalCode::InvalidTransition),
        Err(_) => false,
    }
}

/// Waits until every gateway that was seen within its staleness limit has confirmed all that is committed by now, for
/// [`PATIENCE`] at most. The one in this process has: a commit returns only then.
pub async fn wait(plane: &ControlPlane) -> Confirmation {
    let deadline = Instant::now() + PATIENCE;
    let Some(target) = plane.follower.hub().target() else {
        return Confirmation {
            is_complete: false,
            missing: Vec::new(),
        };
    };
    let mut changes = plane.gateway_nodes.changes();
    loop {
        changes.borrow_and_update();
        let found = missing(plane, &target).await;
        if let Ok(missing) = &found
            && missing.is_empty()
        {
            return Confirmation {
                is_complete: true,
                missing: Vec::new(),
            };
        }
        if Instant::now() >= deadline {
            let missing = found.unwrap_or_else(|error| {
                // The mutation is done; only who has confirmed it is not known.
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "which gateways have confirmed could not be read"
                );
                Vec::new()
            });
            return Confirmation {
                is_complete: false,
                missing,
            };
        }
        let next_look = deadline.min(Instant::now() + POLL_INTERVAL);
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep_until(next_look) => {}
        }
    }
}

async fn missing(plane: &ControlPlane, target: &Position) -> Result<Vec<GatewayNodeRecord>, ServiceError> {
    let mut nodes = store::all(plane.database.read()).await?;
    plane.gateway_nodes.refresh(&mut nodes);
    let mut by_id: HashMap<GatewayNodeId, GatewayNodeRecord> = nodes.into_iter().map(|node| (node.id, node)).collect();
    for heard in plane.gateway_nodes.heard() {
        by_id.entry(heard.id).or_insert(heard);
    }
    let now = Timestamp::now();
    let own = plane.gateway_nodes.own();
    let mut missing: Vec<GatewayNodeRecord> = by_id
        .into_values()
        .filter(|node| Some(node.id) != own && node.sighting.may_be_serving(now))
        .filter(|node| !has_confirmed(node, target))
        .collect();
    missing.sort_unstable_by_key(|node| node.id);
    Ok(missing)
}

/// Whether the gateway enforces nothing that has changed since: all up to the position, or nothing at all. A position
/// that cannot be read confirms nothing.
pub(super) fn has_confirmed(node: &GatewayNodeRecord, target: &Position) -> bool {
    node.position.as_ref().is_none_or(|position| {
        position
            .parse::<Position>()
            .is_ok_and(|position| position.covers(target))
    })
}
