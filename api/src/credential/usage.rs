//! When credentials were last used: what the gateway gathers in memory, written each minute, outside the change log
//! (no gateway depends on it).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{Timestamp, id::CredentialId};
use gateway::usage::Usage;
use tokio_util::sync::CancellationToken;

use super::store;
use crate::{control_plane::ControlPlane, error::ServiceError};

/// How often it is written, and how exact it is.
const INTERVAL: Duration = Duration::from_secs(60);
/// How many credentials one statement names; databases limit its parameters.
const BATCH: usize = 1000;

/// Writes what was gathered since the last time, to the minute, in one transaction.
///
/// # Errors
/// When the database fails; what was gathered is kept for the next time.
pub async fn write(plane: &ControlPlane) -> Result<(), ServiceError> {
    let taken = Taken::from(&plane.usage);
    if taken.times.is_empty() {
        return Ok(());
    }
    let mut by_minute: BTreeMap<Timestamp, Vec<CredentialId>> = BTreeMap::new();
    for (id, at) in &taken.times {
        by_minute.entry(to_the_minute(*at)).or_default().push(*id);
    }
    let transaction = plane.write().await?;
    for (minute, ids) in &by_minute {
        for ids in ids.chunks(BATCH) {
            store::note_used(&*transaction, ids, *minute).await?;
        }
    }
    transaction.commit().await?;
    taken.written();
    Ok(())
}

/// Writes every minute until `shutdown`, and then once more.
pub async fn run(plane: Arc<ControlPlane>, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let ends = tokio::select! {
            () = shutdown.cancelled() => true,
            _ = ticks.tick() => false,
        };
        if let Err(error) = write(&plane).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                kept = !ends,
                "writing when credentials were last used failed"
            );
        }
        if ends {
            return;
        }
    }
}

/// What was taken from the gateway, given back unless it was written.
struct Taken<'a> {
    usage: &'a Usage,
    times: Vec<(CredentialId, Timestamp)>,
}

impl<'a> Taken<'a> {
    fn from(usage: &'a Usage) -> Self {
        Self {
            times: usage.drain(),
            usage,
        }
    }

    fn written(mut self) {
        self.times.clear();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        for (id, at) in self.times.drain(..) {
            self.usage.record(id, at);
        }
    }
}

fn to_the_minute(at: Timestamp) -> Timestamp {
    const MINUTE: i64 = 60_000;
    Timestamp::from_millis(at.as_millis().div_euclid(MINUTE) * MINUTE)
}
