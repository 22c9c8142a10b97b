//! How many tries are being worked on at once, by whom: the line of passwords is one, and nobody may fill it alone.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts what is under way, by whatever `K` says who it is for. Clones count together. Holds an entry only for who
/// has something under way.
#[derive(Debug)]
pub struct InFlight<K>(Arc<Mutex<HashMap<K, usize>>>);

impl<K> Clone for InFlight<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Default for InFlight<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// One that is under way, until it is dropped.
#[derive(Debug)]
pub struct UnderWay<K: Eq + Hash + Clone> {
    of: K,
    counted: InFlight<K>,
}

impl<K: Eq + Hash + Clone> InFlight<K> {
    /// Counts one more for `of`, unless `limit` are under way.
    #[must_use]
    pub fn begin(&self, of: K, limit: usize) -> Option<UnderWay<K>> {
        let mut counts = self.lock();
        let count = counts.entry(of.clone()).or_insert(0);
        if *count >= limit {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(UnderWay {
            of,
            counted: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        // Nothing in there can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone> Drop for UnderWay<K> {
    fn drop(&mut self) {
        let mut counts = self.counted.lock();
        if let Some(count) = counts.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::InFlight;

    #[test]
    fn each_has_so_many_under_way_and_gets_the_place_back() {
        let in_flight = InFlight::default();
        let first = in_flight.begin("ada", 2).unwrap();
        let _second = in_flight.clone().begin("ada", 2).unwrap();
        assert!(in_flight.begin("ada", 2).is_none());
        let other = in_flight.begin("grace", 2).unwrap();
        drop(first);
        assert!(in_flight.begin("ada", 2).is_some());
        drop(other);
        assert_eq!(
            in_flight.lock().len(),
            1,
            "who has nothing under way leaves nothing behind"
        );
    }
}
