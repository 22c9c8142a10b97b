//! What happens to calls under way when their permit ends: by a change of the snapshot, or by the passing of time.

use std::{future::pending, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{answer::Refused, permit::Permit, snapshot::SnapshotReader};

/// After a change that left a permit standing, the next one is looked at no sooner than this. Many changes then cost
/// each stream a few looks a second, and none outlives its permit by a second.
const SHORTEST_BETWEEN_CHECKS: Duration = Duration::from_millis(200);

/// The longest sleep towards an expiry, in case the system's clock is set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Waits until the permit no longer holds, and tells what a call would be answered now.
pub(crate) async fn ended(permit: &Permit, reader: &SnapshotReader) -> Refused {
    let mut changes = reader.changes();
    let mut has_writer = true;
    loop {
        changes.borrow_and_update();
        let now = reader.now();
        let ends_at = match permit.check(reader.load().as_deref(), now) {
            Ok(ends_at) => ends_at,
            Err(refused) => return refused,
        };
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

/// The one response that a connection streams at present, with its permit. Kept apart from the response's body, which
/// nobody polls while a slow client takes nothing.
#[derive(Debug)]
pub(crate) struct Exchanges {
    present: watch::Sender<Option<Arc<Permit>>>,
}

impl Exchanges {
    pub(crate) fn new() -> Self {
        Self {
            present: watch::Sender::new(None),
        }
    }

    /// A response begins to stream. It ends when the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>, permit: Arc<Permit>) -> StreamingExchange {
        self.present.send_replace(Some(Arc::clone(&permit)));
        StreamingExchange {
            exchanges: Arc::clone(self),
            permit,
        }
    }

    /// Waits until the permit of a streaming response ends: the connection is to be cut then.
    pub(crate) async fn overrun(&self, reader: &SnapshotReader) -> Refused {
        let mut present = self.present.subscribe();
        loop {
            let permit = present.borrow_and_update().clone();
            let permit_ended = async {
                match &permit {
                    Some(permit) => ended(permit, reader).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                refused = permit_ended => return refused,
                // The sender is ours, so that this never fails.
                _ = present.changed() => {}
            }
        }
    }
}

/// Held by the body of a response that streams.
#[derive(Debug)]
pub(crate) struct StreamingExchange {
    exchanges: Arc<Exchanges>,
    permit: Arc<Permit>,
}

impl Drop for StreamingExchange {
    fn drop(&mut self) {
        self.exchanges.present.send_if_modified(|present| {
            let is_this = present.as_ref().is_some_and(|permit| Arc::ptr_eq(permit, &self.permit));
            if is_this {
                *present = None;
            }
            is_this
        });
    }
}
