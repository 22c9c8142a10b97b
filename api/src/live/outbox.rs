//! What waits to be sent to one client. It is bounded: an update takes the place of an older one of the same object
//! that was not sent yet, and a client for which too much waits is dropped.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{LiveLimits, close::Close, interest::LiveObject};

/// Something to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// A message of no operation.
    Message(String),
    /// A result of an operation, as JSON.
    Next {
        /// The client's id of the operation.
        id: Arc<str>,
        /// The response.
        payload: Bytes,
    },
    /// The operation was refused; it is over.
    Error {
        /// Our number for it.
        number: u64,
        /// The client's id for it.
        id: Arc<str>,
        /// The list of errors, as JSON.
        errors: Bytes,
    },
    /// The operation is over.
    Complete {
        /// Our number for it.
        number: u64,
        /// The client's id for it.
        id: Arc<str>,
    },
}

/// What waits for one client.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    ready: Notify,
    /// It is cut.
    over: CancellationToken,
    most_updates: usize,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    /// Operations that may send, with the client's ids. What comes of another has come too late.
    open: HashMap<u64, Arc<str>>,
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// It is over, for this reason.
    cut: Option<Close>,
}

#[derive(Debug)]
struct Waiting {
    /// Of which operation, and the object that it shows.
    of: Option<(u64, Option<LiveObject>)>,
    outgoing: Outgoing,
}

impl Outgoing {
    fn bytes(&self) -> usize {
        match self {
            Self::Message(text) => text.len(),
            Self::Next { payload, .. } => payload.len(),
            Self::Error { errors, .. } => errors.len(),
            Self::Complete { .. } => 0,
        }
    }
}

impl Outbox {
    pub(super) fn new(limits: &LiveLimits) -> Self {
        Self {
            state: Mutex::default(),
            ready: Notify::new(),
            over: CancellationToken::new(),
            most_updates: limits.waiting_updates,
            most_bytes: limits.waiting_bytes,
        }
    }

    /// The operation may send from now on.
    pub(super) fn open(&self, number: u64, id: Arc<str>) {
        self.lock().open.insert(number, id);
    }

    /// The operation sends nothing more, and what waits of it is forgotten.
    pub(super) fn close(&self, number: u64) {
        let mut state = self.lock();
        state.open.remove(&number);
        state
            .waiting
            .retain(|waiting| !matches!(waiting.of, Some((of, _)) if of == number));
        state.bytes = state.waiting.iter().map(|waiting| waiting.outgoing.bytes()).sum();
    }

    /// Sends a message of no operation.
    pub(super) fn send(&self, text: String) {
        let mut state = self.lock();
        self.push(&mut state, None, Outgoing::Message(text));
    }

    /// Sends a result. One that shows an object takes the place of an older one that still waits.
    pub(super) fn next(&self, number: u64, object: Option<LiveObject>, payload: Bytes) {
        let mut state = self.lock();
        let Some(id) = state.open.get(&number).map(Arc::clone) else {
            return;
        };
        let of = Some((number, object));
        let outgoing = Outgoing::Next { id, payload };
        let older = object.and_then(|_| state.waiting.iter().position(|waiting| waiting.of == of));
        match older.and_then(|position| state.waiting.get_mut(position)) {
            Some(waiting) => {
                let (gained, lost) = (outgoing.bytes(), waiting.outgoing.bytes());
                waiting.outgoing = outgoing;
                state.bytes = state.bytes.saturating_add(gained).saturating_sub(lost);
                self.bound(&mut state);
            }
            None => self.push(&mut state, of, outgoing),
        }
    }

    /// Sends that the operation was refused, and lets it send nothing more.
    pub(super) fn refuse(&self, number: u64, errors: Bytes) {
        let mut state = self.lock();
        if let Some(id) = state.open.remove(&number) {
            self.push(&mut state, Some((number, None)), Outgoing::Error { number, id, errors });
        }
    }

    /// Sends that the operation is over, and lets it send nothing more.
    pub(super) fn complete(&self, number: u64) {
        let mut state = self.lock();
        if let Some(id) = state.open.remove(&number) {
            self.push(&mut state, Some((number, None)), Outgoing::Complete { number, id });
        }
    }

    /// Ends it for another reason than its client's pace.
    pub(super) fn cut(&self, reason: Close) {
        self.end(&mut self.lock(), reason);
    }

    /// The next thing to send, in its order.
    ///
    /// # Errors
    /// Why nothing is sent any more.
    pub(super) async fn take(&self) -> Result<Outgoing, Close> {
        loop {
            let ready = self.ready.notified();
            {
                let mut state = self.lock();
                if let Some(reason) = &state.cut {
                    return Err(reason.clone());
                }
                if let Some(Waiting { outgoing, .. }) = state.waiting.pop_front() {
                    state.bytes = state.bytes.saturating_sub(outgoing.bytes());
                    return Ok(outgoing);
                }
            }
            ready.await;
        }
    }

    /// Waits until it is cut: also for whoever is busy sending what was taken before.
    pub(super) async fn over(&self) -> Close {
        self.over.cancelled().await;
        self.lock().cut.clone().unwrap_or(Close::TooSlow)
    }

    fn push(&self, state: &mut State, of: Option<(u64, Option<LiveObject>)>, outgoing: Outgoing) {
        if state.cut.is_some() {
            return;
        }
        state.bytes = state.bytes.saturating_add(outgoing.bytes());
        state.waiting.push_back(Waiting { of, outgoing });
        self.bound(state);
        self.ready.notify_one();
    }

    /// One message may be as large as it is; several together may not.
    fn bound(&self, state: &mut State) {
        let waiting = state.waiting.len();
        if waiting > self.most_updates || (waiting > 1 && state.bytes > self.most_bytes) {
            self.end(state, Close::TooSlow);
        }
    }

    fn end(&self, state: &mut State, reason: Close) {
        if state.cut.is_none() {
            *state = State {
                cut: Some(reason),
                ..State::default()
            };
            self.ready.notify_one();
            self.over.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in there can be left half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
