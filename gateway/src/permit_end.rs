//! What happens to tunnels when their permit ends: by a change of the snapshot, or by the passing of time.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::{answer::Refused, permit::Permit, snapshot::SnapshotReader};

/// After a change that left a permit standing, the next one is looked at no sooner than this. Many changes then cost
/// each tunnel a few looks a second, and none outlives its permit by a second.
const SHORTEST_BETWEEN_CHECKS: Duration = Duration::from_millis(200);

/// The longest sleep towards an expiry, in case the system's clock is set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Waits until the permit no longer holds, and tells what a call would be answered now.
pub(crate) async fn ended(mut permit: Permit, reader: &SnapshotReader) -> Refused {
    let mut changes = reader.changes();
    let mut has_writer = true;
    loop {
        changes.borrow_and_update();
        let now = reader.now();
        if let Err(refused) = permit.check(reader, now) {
            return refused;
        }
        let ends_at = permit.ends_at();
        let checked_at = Instant::now();
        let expiry = async {
            match ends_at {
                Some(at) => {
                    // A millisecond more: an expiry is exclusive, and the clock is read in whole milliseconds.
                    let left = at.saturating_duration_since(now) + Duration::from_millis(1);
                    sleep_until(checked_at + left.min(LONGEST_SLEEP)).await;
                }
                None => pending().await,
            }
        };
        let changed = async {
            if !has_writer {
                return pending().await;
            }
            let is_change = changes.changed().await.is_ok();
            sleep_until(checked_at + SHORTEST_BETWEEN_CHECKS).await;
            is_change
        };
        tokio::select! {
            () = expiry => {}
            is_change = changed => has_writer = is_change,
        }
    }
}
