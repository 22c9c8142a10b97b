//! What the gateway enforces at present, how old it is, and when it is too old.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    Timestamp,
    contact::{Contact, MaxStaleness},
};
use tokio::sync::watch;

use crate::{
    clock::Clock,
    record::Update,
    snapshot::{NotLoaded, Snapshot, SnapshotReader, SnapshotWriter, Strategies},
    snapshot_copy::CopyHeader,
};

/// The snapshot with its position in the control plane's history.
#[derive(Debug)]
pub(super) struct Enforced {
    state: Mutex<State>,
    reader: SnapshotReader,
    clock: Clock,
    max_staleness: MaxStaleness,
    /// `None`: nothing is enforced, every call is answered 503. Changes after the snapshot does.
    position: watch::Sender<Option<String>>,
}

#[derive(Debug)]
struct State {
    writer: SnapshotWriter,
    /// The strategies as they were last told, also while nothing is enforced: their key headers outlast what can be
    /// read of them. `None` before the first time.
    strategies: Option<Strategies>,
}

impl State {
    /// Enforces this, with what was known before of the key headers of strategies that cannot be read now.
    fn enforce(&mut self, mut snapshot: Snapshot) {
        if let Some(earlier) = &self.strategies {
            snapshot.remember_key_headers(earlier);
        }
        self.strategies = Some(snapshot.strategies().clone());
        self.writer.restore(snapshot);
    }
}

impl Enforced {
    pub(super) fn new(writer: SnapshotWriter, max_staleness: MaxStaleness) -> Self {
        Self {
            reader: writer.reader(),
            clock: writer.clock().clone(),
            state: Mutex::new(State {
                writer,
                strategies: None,
            }),
            max_staleness,
            position: watch::Sender::new(None),
        }
    }

    pub(super) fn position(&self) -> Option<String> {
        self.position.borrow().clone()
    }

    pub(super) fn positions(&self) -> watch::Receiver<Option<String>> {
        self.position.subscribe()
    }

    /// Whether something was enforced since the start, be it withdrawn meanwhile.
    pub(super) fn has_begun(&self) -> bool {
        self.lock().strategies.is_some()
    }

    pub(super) fn age(&self) -> Option<Duration> {
        self.clock.age()
    }

    /// The control plane sent all of this as its state.
    pub(super) fn replace(&self, snapshot: Snapshot, position: String, time: Timestamp) {
        let mut state = self.lock();
        self.clock.note(Contact::live(time, self.clock.reading()));
        state.enforce(snapshot);
        self.position.send_replace(Some(position));
    }

    /// The control plane's state was this when the copy was taken. Says whether it is enforced now: not when it is too
    /// old, nor when the control plane has been heard since.
    pub(super) fn restore(&self, header: &CopyHeader, snapshot: Snapshot) -> bool {
        let mut state = self.lock();
        let reading = self.clock.reading();
        let contact = Contact::of_copy(header.taken_at, reading);
        if self.position.borrow().is_some() || !self.max_staleness.allows(contact.age(reading)) {
            return false;
        }
        self.clock.note(contact);
        state.enforce(snapshot);
        self.position.send_replace(Some(header.position.clone()));
        true
    }

    /// The control plane's state changed to this.
    ///
    /// # Errors
    /// [`NotLoaded`] when nothing is enforced that these could be changes of.
    pub(super) fn apply(&self, updates: Vec<Update>, position: String, time: Timestamp) -> Result<(), NotLoaded> {
        let mut state = self.lock();
        state.writer.apply(updates)?;
        if let Some(snapshot) = self.reader.load() {
            state.strategies = Some(snapshot.strategies().clone());
        }
        self.clock.note(Contact::live(time, self.clock.reading()));
        self.position.send_replace(Some(position));
        Ok(())
    }

    /// The control plane's state is still this.
    ///
    /// # Errors
    /// [`NotLoaded`] when nothing is enforced: what there was became too old.
    pub(super) fn hear(&self, position: String, time: Timestamp) -> Result<(), NotLoaded> {
        let _state = self.lock();
        if self.position.borrow().is_none() {
            return Err(NotLoaded);
        }
        self.clock.note(Contact::live(time, self.clock.reading()));
        self.position.send_if_modified(|present| {
            let is_new = present.as_ref() != Some(&position);
            *present = Some(position);
            is_new
        });
        Ok(())
    }

    /// Enforces nothing any more: every call is answered 503 until the control plane sends all of its state.
    pub(super) fn withdraw(&self) {
        let mut state = self.lock();
        state.writer.withdraw();
        self.position.send_replace(None);
    }

    pub(super) fn withdraw_if_stale(&self) {
        let is_stale = |age| !self.max_staleness.allows(age);
        if self.position.borrow().is_some() && self.clock.age().is_some_and(is_stale) {
            tracing::error!(
                "the control plane has not been heard for too long: every call is answered 503 until it is"
            );
            self.withdraw();
        }
    }

    /// What a copy of the present state holds.
    pub(super) fn copyable(&self) -> Option<(CopyHeader, Arc<Snapshot>)> {
        let _state = self.lock();
        let header = CopyHeader {
            position: self.position()?,
            taken_at: self.clock.contact()?.true_at(),
        };
        Some((header, self.reader.load()?))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock leaves it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "enforced_tests.rs"]
mod tests;
