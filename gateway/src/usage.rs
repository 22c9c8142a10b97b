//! When credentials were last used: gathered in memory, written by the control plane in batches.

use dashmap::DashMap;
use domain::{Timestamp, id::CredentialId};
use std::sync::atomic::{AtomicI64, Ordering};

/// The last uses since the last [`Usage::drain`]. Shared by all calls; one of a credential already noted only stores a
/// number.
#[derive(Debug, Default)]
pub struct Usage {
    last_used: DashMap<CredentialId, AtomicI64, foldhash::fast::RandomState>,
}

impl Usage {
    /// Nothing used yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the credential was used at `at`. A later use that is already noted stays.
    pub fn record(&self, credential: CredentialId, at: Timestamp) {
        if let Some(noted) = self.last_used.get(&credential) {
            noted.fetch_max(at.as_millis(), Ordering::Relaxed);
            return;
        }
        self.last_used
            .entry(credential)
            .or_insert_with(|| AtomicI64::new(i64::MIN))
            .fetch_max(at.as_millis(), Ordering::Relaxed);
    }

    /// Takes what was gathered, ordered by credential. Whoever fails to write it gives it back with
    /// [`Usage::record`].
    #[must_use]
    pub fn drain(&self) -> Vec<(CredentialId, Timestamp)> {
        let credentials: Vec<CredentialId> = self.last_used.iter().map(|entry| *entry.key()).collect();
        let mut drained: Vec<(CredentialId, Timestamp)> = credentials
            .into_iter()
            .filter_map(|credential| self.last_used.remove(&credential))
            .map(|(credential, at)| (credential, Timestamp::from_millis(at.into_inner())))
            .collect();
        drained.sort_unstable();
        drained
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
    fn no_use_is_lost_between_draining_threads() {
        let usage = Usage::new();
        let credential = CredentialId::new();
        let drained = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for at in 1..=10_000 {
                    usage.record(credential, Timestamp::from_millis(at));
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
