//! When credentials were last used: gathered in memory, written by the control plane in batches.
//!
//! ```text
//!   calls of a worker ─► its list of recent uses ─► by credential ─► drain
//! ```

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use domain::{Timestamp, id::CredentialId};

use crate::supervision::lock;

/// The last uses since the last [`Usage::drain`].
#[derive(Debug, Default)]
pub struct Usage {
    last_used: Mutex<LastUsed>,
    /// The lists of those that have one of their own.
    recent: Mutex<Vec<Recent>>,
}

type LastUsed = HashMap<CredentialId, Timestamp, foldhash::fast::RandomState>;
type Recent = Arc<Mutex<Vec<(CredentialId, Timestamp)>>>;

/// So many uses are gathered before they are sorted in: looking many places up at once costs the processor less waiting
/// than one in each call.
const RECENT: usize = 256;

impl Usage {
    /// Nothing used yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the credential was used at `at`. A later use that is already noted stays.
    pub fn record(&self, credential: CredentialId, at: Timestamp) {
        self.record_all([(credential, at)]);
    }

    fn record_all(&self, uses: impl IntoIterator<Item = (CredentialId, Timestamp)>) {
        let mut last_used = lock(&self.last_used);
        for (credential, at) in uses {
            let noted = last_used.entry(credential).or_insert(at);
            *noted = at.max(*noted);
        }
    }

    /// A place to note uses that nobody else writes to.
    pub(crate) fn recorder(self: &Arc<Self>) -> UsageRecorder {
        let recent = Recent::default();
        lock(&self.recent).push(Arc::clone(&recent));
        UsageRecorder {
            usage: Arc::clone(self),
            recent,
        }
    }

    /// Takes what was gathered, ordered by credential. Whoever fails to write it gives it back with
    /// [`Usage::record`].
    #[must_use]
    pub fn drain(&self) -> Vec<(CredentialId, Timestamp)> {
        for recent in &*lock(&self.recent) {
            self.record_all(lock(recent).drain(..));
        }
        let mut drained: Vec<(CredentialId, Timestamp)> =
            std::mem::take(&mut *lock(&self.last_used)).into_iter().collect();
        drained.sort_unstable();
        drained
    }
}

/// Notes the uses of one worker's calls. What is noted is drained with all else.
#[derive(Debug)]
pub(crate) struct UsageRecorder {
    usage: Arc<Usage>,
    recent: Recent,
}

impl UsageRecorder {
    /// As [`Usage::record`].
    pub(crate) fn record(&self, credential: CredentialId, at: Timestamp) {
        let mut recent = lock(&self.recent);
        recent.push((credential, at));
        if recent.len() >= RECENT {
            self.usage.record_all(recent.drain(..));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_latest_use_and_gives_it_once() {
        let usage = Usage::new();
        let (one, other) = (CredentialId::new(), CredentialId::new());
        usage.record(one, Timestamp::from_millis(5));
        usage.record(other, Timestamp::from_millis(7));
        usage.record(one, Timestamp::from_millis(9));
        usage.record(one, Timestamp::from_millis(8));
        let mut expected = vec![(one, Timestamp::from_millis(9)), (other, Timestamp::from_millis(7))];
        expected.sort_unstable();
        assert_eq!(usage.drain(), expected);
        assert_eq!(usage.drain(), []);
    }

    #[test]
    fn what_workers_note_is_drained_with_the_rest() {
        let usage = Arc::new(Usage::new());
        let recorders = [usage.recorder(), usage.recorder()];
        let credentials: Vec<CredentialId> = (0..RECENT + 1).map(|_| CredentialId::new()).collect();
        for (at, credential) in (1_i64..).zip(&credentials) {
            recorders[0].record(*credential, Timestamp::from_millis(at));
            recorders[1].record(*credential, Timestamp::from_millis(1_000 - at));
        }
        let mut expected: Vec<_> = (1_i64..)
            .zip(&credentials)
            .map(|(at, credential)| (*credential, Timestamp::from_millis(at.max(1_000 - at))))
            .collect();
        expected.sort_unstable();
        assert_eq!(usage.drain(), expected);
        assert_eq!(usage.drain(), []);
    }

    #[test]
    fn no_use_is_lost_between_draining_threads() {
        let usage = Arc::new(Usage::new());
        let recorder = usage.recorder();
        let credential = CredentialId::new();
        let drained = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for at in 1..=10_000 {
                    recorder.record(credential, Timestamp::from_millis(at));
                }
            });
            scope.spawn(|| {
                for _ in 0..100 {
                    drained.lock().unwrap().extend(usage.drain());
                }
            });
        });
        let mut all = drained.into_inner().unwrap();
        all.extend(usage.drain());
        assert_eq!(all.iter().map(|(_, at)| at.as_millis()).max(), Some(10_000));
    }
}
