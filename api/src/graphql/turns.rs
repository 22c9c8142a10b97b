//! How many operations of one caller run at once: the others wait for their turn, so that nobody makes the server hold
//! any number of large answers.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns of all callers. Clones share them. Holds an entry only for who has or waits for a turn.
#[derive(Debug)]
pub(super) struct Turns<K> {
    at_once: usize,
    callers: Arc<Mutex<HashMap<K, Arc<Semaphore>>>>,
}

impl<K> Clone for Turns<K> {
    fn clone(&self) -> Self {
        Self {
            at_once: self.at_once,
            callers: Arc::clone(&self.callers),
        }
    }
}

/// A turn, or a place in the line for one, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<K: Eq + Hash + Clone> {
    caller: K,
    semaphore: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    turns: Turns<K>,
}

impl<K: Eq + Hash + Clone> Turns<K> {
    /// Turns of which each caller has `at_once`.
    #[must_use]
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            at_once,
            callers: Arc::default(),
        }
    }

    /// Waits for a turn of this caller; first come, first served.
    pub(super) async fn take(&self, caller: K) -> Turn<K> {
        let semaphore = Arc::clone(
            self.lock()
                .entry(caller.clone())
                .or_insert_with(|| Arc::new(Semaphore::new(self.at_once))),
        );
        let mut turn = Turn {
            caller,
            semaphore,
            permit: None,
            turns: self.clone(),
        };
        // It is never closed, so there is no error.
        turn.permit = Arc::clone(&turn.semaphore).acquire_owned().await.ok();
        turn
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Semaphore>>> {
        // Nothing in there can be left half done.
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone> Drop for Turn<K> {
    fn drop(&mut self) {
        // A permit holds the semaphore too.
        self.permit = None;
        let mut callers = self.turns.lock();
        // The map's and this one: nobody else has or waits for a turn, and under the lock nobody comes.
        if Arc::strong_count(&self.semaphore) == 2 {
            callers.remove(&self.caller);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::Turns;

    #[tokio::test]
    async fn each_caller_has_so_many_turns_and_the_rest_wait() {
        let turns = Turns::new(2);
        let first = turns.take("ada").await;
        let second = turns.take("ada").await;
        let mut third = Box::pin(turns.take("ada"));
        assert!(poll!(&mut third).is_pending());
        let other = turns.take("grace").await;
        drop(first);
        let third = third.await;
        // Who gives up waiting leaves nothing behind.
        {
            let mut gives_up = Box::pin(turns.take("ada"));
            assert!(poll!(&mut gives_up).is_pending());
        }
        drop((second, third));
        assert_eq!(turns.lock().len(), 1);
        drop(other);
        assert!(turns.lock().is_empty());
    }
}
