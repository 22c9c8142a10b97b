//! What the change log has named and no round has looked at yet.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::change::Subject;

/// So many objects may wait for a round. Past it, subscribers are told that they missed something instead: that costs
/// them one query, where this would cost memory for as long as the database is slow.
const WAITING_AT_MOST: usize = 100_000;

/// Between the follower, which tells, and the hub, which takes. An object that is named again before it is taken waits
/// once.
#[derive(Debug, Default)]
pub struct Feed {
    waiting: Mutex<Waiting>,
    heard: Notify,
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Whether anybody listens; nothing is gathered for nobody.
    is_open: bool,
    /// The log did not go on from what was read: anything may have changed.
    pub(super) was_interrupted: bool,
    /// What changed, or is gone.
    pub(super) changed: HashSet<(Subject, Uuid)>,
}

impl Feed {
    /// Tells what the log named. Call it when the account directory holds the present state of it.
    pub(crate) fn tell(&self, named: impl IntoIterator<Item = (Subject, Uuid)>) {
        let mut waiting = self.lock();
        if !waiting.is_open {
            return;
        }
        let watched = named.into_iter().filter(|(subject, _)| is_watched(*subject));
        waiting.changed.extend(watched);
        if waiting.changed.len() > WAITING_AT_MOST {
            waiting.changed = HashSet::new();
            waiting.was_interrupted = true;
        }
        if waiting.was_interrupted || !waiting.changed.is_empty() {
            self.heard.notify_one();
        }
    }

    /// Tells that everything was read anew, so that what changed is not known.
    pub(crate) fn interrupt(&self) {
        let mut waiting = self.lock();
        if waiting.is_open {
            waiting.changed.clear();
            waiting.was_interrupted = true;
            self.heard.notify_one();
        }
    }

    /// Begins to gather, or stops and forgets.
    pub(super) fn set_open(&self, is_open: bool) {
        let mut waiting = self.lock();
        if waiting.is_open != is_open {
            *waiting = Waiting {
                is_open,
                ..Waiting::default()
            };
        }
    }

    /// Wakes the hub for another reason than a change.
    pub(super) fn nudge(&self) {
        self.heard.notify_one();
    }

    /// Waits until there is something to look at.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }

    /// Takes what waits.
    pub(super) fn take(&self) -> Waiting {
        let mut waiting = self.lock();
        Waiting {
            is_open: waiting.is_open,
            was_interrupted: std::mem::take(&mut waiting.was_interrupted),
            changed: std::mem::take(&mut waiting.changed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in there can be left half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a subscription can be about such an object.
const fn is_watched(subject: Subject) -> bool {
    match subject {
        Subject::AccessRequest | Subject::Credential | Subject::Developer | Subject::Admin => true,
        Subject::Portal
        | Subject::Session
        | Subject::Product
        | Subject::Version
        | Subject::AuthStrategy
        | Subject::App
        | Subject::GatewayToken => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_gathered_for_nobody_and_an_object_waits_once() {
        let feed = Feed::default();
        let id = Uuid::now_v7();
        feed.tell([(Subject::Credential, id)]);
        feed.interrupt();
        let waiting = feed.take();
        assert!(waiting.changed.is_empty() && !waiting.was_interrupted);
        feed.set_open(true);
        feed.tell([
            (Subject::Credential, id),
            (Subject::Session, id),
            (Subject::Credential, id),
        ]);
        feed.tell([(Subject::Credential, id)]);
        assert_eq!(feed.take().changed, HashSet::from([(Subject::Credential, id)]));
        assert!(feed.take().changed.is_empty());
    }

    #[test]
    fn what_is_missed_or_too_much_is_an_interruption() {
        let feed = Feed::default();
        feed.set_open(true);
        feed.tell([(Subject::Credential, Uuid::now_v7())]);
        feed.interrupt();
        let waiting = feed.take();
        assert!(waiting.was_interrupted && waiting.changed.is_empty());
        assert!(!feed.take().was_interrupted);
        feed.tell((0..=WAITING_AT_MOST).map(|_| (Subject::Credential, Uuid::now_v7())));
        assert!(feed.take().was_interrupted);
    }
}
