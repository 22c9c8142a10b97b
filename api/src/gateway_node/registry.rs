//! What gateways reported to this node: in memory at once, in the database soon after, for the other nodes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    Timestamp,
    contact::MaxStaleness,
    gateway_node::Sighting,
    id::{GatewayNodeId, GatewayTokenId},
};
use gateway::wire::report::Report;
use sea_orm::DbBackend;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::store::{self, GatewayNodeRecord};
use crate::{control_plane::ControlPlane, error::ServiceError};

/// How often what was reported is written where other nodes wait for it.
const SHARED_INTERVAL: Duration = Duration::from_millis(50);
/// How often it is written where there are no other nodes.
const ALONE_INTERVAL: Duration = Duration::from_secs(1);
/// How often this node reports of its own gateway when nothing changes: twice while a mutation of another node waits.
const OWN_INTERVAL: Duration = Duration::from_secs(2);
/// The longest texts that are taken from a gateway.
const MAX_TEXT: usize = 255;

/// The gateway that runs in this process.
#[derive(Clone, Debug)]
pub struct OwnGateway {
    /// Its id.
    pub id: GatewayNodeId,
    /// What it is called.
    pub name: String,
}

/// The gateways that this node has heard of since it started.
#[derive(Debug, Default)]
pub struct GatewayNodes {
    own: Option<OwnGateway>,
    heard: Mutex<HashMap<GatewayNodeId, Heard>>,
    /// Counts the reports.
    changes: watch::Sender<u64>,
    unwritten: Notify,
}

#[derive(Clone, Debug)]
struct Heard {
    record: GatewayNodeRecord,
    is_written: bool,
}

impl GatewayNodes {
    /// Nobody was heard of yet. `own` is the gateway that runs in this process, if one does.
    #[must_use]
    pub fn new(own: Option<OwnGateway>) -> Self {
        Self { own, ..Self::default() }
    }

    /// The gateway in this process, which enforces a change before the mutation that made it answers.
    #[must_use]
    pub fn own(&self) -> Option<GatewayNodeId> {
        self.own.as_ref().map(|own| own.id)
    }

    /// A gateway reported.
    pub fn hear(&self, report: Report, token: GatewayTokenId, now: Timestamp) {
        let Report {
            node,
            name,
            version,
            position,
            max_staleness_seconds,
            stopping,
            copy_failure,
            used: _,
        } = report;
        self.note(GatewayNodeRecord {
            id: node,
            token_id: Some(token),
            name: shortened(name),
            version: shortened(version),
            position,
            copy_failure: copy_failure.map(shortened),
            created_at: now,
            sighting: Sighting {
                last_seen_at: now,
                stopped_at: stopping.then_some(now),
                max_staleness: MaxStaleness::new(Duration::from_secs(max_staleness_seconds)),
            },
        });
    }

    /// What was heard in this process, newer or older than what the database holds.
    #[must_use]
    pub fn heard(&self) -> Vec<GatewayNodeRecord> {
        self.lock().values().map(|heard| heard.record.clone()).collect()
    }

    /// Puts what was heard in this process in place of what is older.
    pub fn refresh(&self, records: &mut [GatewayNodeRecord]) {
        let heard = self.lock();
        for record in records {
            if let Some(newer) = heard.get(&record.id).map(|heard| &heard.record)
                && newer.sighting.last_seen_at >= record.sighting.last_seen_at
            {
                *record = GatewayNodeRecord {
                    created_at: record.created_at.min(newer.created_at),
                    ..newer.clone()
                };
            }
        }
    }

    /// Changes with every report.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn note(&self, record: GatewayNodeRecord) {
        let heard = Heard {
            record,
            is_written: false,
        };
        self.lock().insert(heard.record.id, heard);
        self.changes.send_modify(|count| *count += 1);
        self.unwritten.notify_one();
    }

    async fn note_own(&self, plane: &ControlPlane, stopping: bool) {
        if let Some(own) = &self.own {
            let position = plane.follower.position().await;
            let now = Timestamp::now();
            self.note(GatewayNodeRecord {
                id: own.id,
                token_id: None,
                name: shortened(own.name.clone()),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                position: position.map(|position| position.to_string()),
                copy_failure: None,
                created_at: now,
                sighting: Sighting {
                    last_seen_at: now,
                    stopped_at: stopping.then_some(now),
                    max_staleness: MaxStaleness::default(),
                },
            });
        }
    }

    /// What is not written yet; written by then, unless it is given back.
    fn take_unwritten(&self) -> Vec<GatewayNodeRecord> {
        let mut heard = self.lock();
        let unwritten = heard.values_mut().filter(|heard| !heard.is_written);
        unwritten
            .map(|heard| {
                heard.is_written = true;
                heard.record.clone()
            })
            .collect()
    }

    fn give_back(&self, records: &[GatewayNodeRecord]) {
        let mut heard = self.lock();
        for record in records {
            if let Some(heard) = heard.get_mut(&record.id) {
                heard.is_written = false;
            }
        }
        self.unwritten.notify_one();
    }

    fn forget(&self, now: Timestamp) {
        self.lock().retain(|_, heard| !heard.record.sighting.is_forgotten(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GatewayNodeId, Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what was reported until `shutdown`, and then once more. Reports of this node's own gateway come from here.
pub async fn run(plane: Arc<ControlPlane>, shutdown: CancellationToken) {
    let nodes = &plane.gateway_nodes;
    let interval = if plane.database.backend() == DbBackend::Sqlite {
        ALONE_INTERVAL
    } else {
        SHARED_INTERVAL
    };
    let mut targets = plane.follower.hub().targets();
    let mut own_ticks = tokio::time::interval(OWN_INTERVAL);
    own_ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let ends = tokio::select! {
            () = shutdown.cancelled() => true,
            _ = own_ticks.tick() => { nodes.note_own(&plane, false).await; false }
            // Where nobody else waits for it, it need not be written for every change.
            Ok(()) = targets.changed(), if interval == SHARED_INTERVAL => { nodes.note_own(&plane, false).await; false }
            () = nodes.unwritten.notified() => false,
        };
        if ends {
            nodes.note_own(&plane, true).await;
        }
        if let Err(error) = write(&plane).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "writing what gateways reported failed; it will be tried again"
            );
        }
        if ends {
            return;
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(interval) => {}
        }
    }
}

async fn write(plane: &ControlPlane) -> Result<(), ServiceError> {
    let unwritten = plane.gateway_nodes.take_unwritten();
    if unwritten.is_empty() {
        return Ok(());
    }
    let written = async {
        let transaction = plane.write().await?;
        store::put(&*transaction, &unwritten).await?;
        transaction.commit().await
    };
    let result = written.await;
    if result.is_err() {
        plane.gateway_nodes.give_back(&unwritten);
    }
    result
}

/// Forgets the gateways that were not seen for long.
///
/// # Errors
/// When the database fails.
pub async fn forget(plane: &ControlPlane, now: Timestamp) -> Result<(), ServiceError> {
    let transaction = plane.write().await?;
    store::delete_forgotten(&*transaction, now).await?;
    transaction.commit().await?;
    plane.gateway_nodes.forget(now);
    Ok(())
}

fn shortened(text: String) -> String {
    text.chars().take(MAX_TEXT).collect()
}
