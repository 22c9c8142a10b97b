//! The two ends of what a gateway knows: one writes snapshots, many read them.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use domain::Timestamp;
use tokio::sync::watch;

use super::Snapshot;
use crate::{clock::Clock, record::Update};

/// An update came before the first full load. Nothing was published: without the rest, it would be half the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot was never loaded; load all of it first")]
pub struct NotLoaded;

/// The sending end: whoever holds it decides what the gateway knows. There is one for each gateway.
#[derive(Debug)]
pub struct SnapshotWriter {
    present: Arc<ArcSwapOption<Snapshot>>,
    changed: watch::Sender<u64>,
    clock: Clock,
}

/// The receiving end.
#[derive(Clone, Debug)]
pub struct SnapshotReader {
    present: Arc<ArcSwapOption<Snapshot>>,
    changed: watch::Receiver<u64>,
    clock: Clock,
}

/// Both ends, with nothing published: until the first [`SnapshotWriter::replace`] every call is answered 503.
#[must_use]
pub fn channel() -> (SnapshotWriter, SnapshotReader) {
    let present = Arc::new(ArcSwapOption::empty());
    let (sender, receiver) = watch::channel(0);
    let writer = SnapshotWriter {
        present: Arc::clone(&present),
        changed: sender,
        clock: Clock::system(),
    };
    let reader = SnapshotReader {
        present,
        changed: receiver,
        clock: writer.clock.clone(),
    };
    (writer, reader)
}

impl SnapshotWriter {
    /// Publishes a snapshot made of these updates alone: the first load, and every later one that starts afresh.
    pub fn replace(&mut self, updates: impl IntoIterator<Item = Update>) {
        self.restore(Snapshot::of(updates));
    }

    /// Publishes a snapshot as it is: one that was read from a copy, or that was gathered piece by piece.
    pub fn restore(&mut self, snapshot: impl Into<Arc<Snapshot>>) {
        self.present.store(Some(snapshot.into()));
        self.changed.send_modify(|count| *count += 1);
    }

    /// Publishes the present snapshot with these changes, all of them at once. When this returns, every call that
    /// begins sees them.
    ///
    /// # Errors
    /// [`NotLoaded`] before the first [`SnapshotWriter::replace`].
    pub fn apply(&mut self, updates: impl IntoIterator<Item = Update>) -> Result<(), NotLoaded> {
        let present = self.present.load_full().ok_or(NotLoaded)?;
        let mut next = Snapshot::clone(&present);
        next.extend(updates);
        self.restore(next);
        Ok(())
    }

    /// Takes the snapshot away, when it can no longer be trusted: every call is answered 503 until the next
    /// [`SnapshotWriter::replace`], and streams end.
    pub fn withdraw(&mut self) {
        self.present.store(None);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Another receiving end.
    #[must_use]
    pub fn reader(&self) -> SnapshotReader {
        SnapshotReader {
            present: Arc::clone(&self.present),
            changed: self.changed.subscribe(),
            clock: self.clock.clone(),
        }
    }

    /// The clock by which the snapshot is enforced.
    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl SnapshotReader {
    /// The present snapshot; `None` when there is none: answer 503.
    #[must_use]
    pub fn load(&self) -> Option<Arc<Snapshot>> {
        self.present.load_full()
    }

    /// The time by which the snapshot is enforced: ask it for every decision, never the system's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long ago the snapshot was known to be true; `None` where no control plane has been heard of, in its own
    /// process.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.clock.age()
    }

    /// Counts the snapshots that were published; it changes after [`SnapshotReader::load`] shows the new one.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }
}
