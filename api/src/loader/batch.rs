//! When a batch is read: as soon as every resolver that could add to it waits.
//!
//! A data loader usually waits a millisecond for keys, or starts a task and hopes that the scheduler runs it after the
//! resolvers. Here its tasks belong to the request's own future: whenever the resolvers have been polled and none can
//! go on, the batches that they left are read. So no time is lost, no batch is split by another thread, and the number
//! of statements of a query is always the same.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use async_graphql::runtime::Timer;
use futures_util::{
    future::{self, BoxFuture},
    stream::{FuturesUnordered, Stream as _},
    task::{FutureObj, Spawn, SpawnError},
};

/// The batches of one request that nobody has begun to read. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Batches(Arc<Mutex<Vec<FutureObj<'static, ()>>>>);

impl Batches {
    /// Runs `resolvers`, and between their steps the batches that their loaders left here. Dropped, all of it ends.
    pub async fn run<T: Send>(&self, resolvers: impl Future<Output = T> + Send) -> T {
        let mut reading = FuturesUnordered::new();
        // The resolvers are one task among the batches, so that each is polled only when it was woken itself.
        reading.push(Step::Resolvers(Box::pin(resolvers)));
        future::poll_fn(|context| self.advance(&mut reading, context)).await
    }

    fn advance<'run, T>(&self, reading: &mut FuturesUnordered<Step<'run, T>>, context: &mut Context<'_>) -> Poll<T> {
        loop {
            let step = Pin::new(&mut *reading).poll_next(context);
            let begun: Vec<_> = mem::take(&mut *self.lock());
            let is_new = !begun.is_empty();
            reading.extend(begun.into_iter().map(Step::Batch));
            match step {
                Poll::Ready(Some(Some(answer))) => return Poll::Ready(answer),
                // A batch has been read; what waited for it has been woken.
                Poll::Ready(Some(None)) => {}
                // The resolvers are among them until they are done, so there is always something to wait for.
                Poll::Ready(None) | Poll::Pending if is_new => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<FutureObj<'static, ()>>> {
        // Nothing that holds the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spawn for Batches {
    fn spawn_obj(&self, batch: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.lock().push(batch);
        Ok(())
    }
}

/// The loaders' delay: none, as [`Batches::run`] begins a batch when it is complete. It holds nothing, so that a batch
/// that is never begun does not keep itself.
#[derive(Clone, Copy, Debug)]
pub struct AtOnce;

impl Timer for AtOnce {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(future::ready(()))
    }
}

/// What a request's future is made of.
enum Step<'run, T> {
    Resolvers(BoxFuture<'run, T>),
    Batch(FutureObj<'static, ()>),
}

impl<T> Future for Step<'_, T> {
    /// The resolvers' answer; nothing of a batch, which hands its rows to the resolvers itself.
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        match self.get_mut() {
            Self::Resolvers(resolvers) => resolvers.as_mut().poll(context).map(Some),
            Self::Batch(batch) => Pin::new(batch).poll(context).map(|()| None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        convert::Infallible,
        sync::{Arc, Mutex},
    };

    use async_graphql::dataloader::{DataLoader, Loader};

    use super::{AtOnce, Batches};

    /// Answers twice the number, and notes which numbers were asked for together.
    #[derive(Clone, Default)]
    struct Doubling(Arc<Mutex<Vec<Vec<u32>>>>);

    impl Loader<u32> for Doubling {
        type Value = u32;
        type Error = Infallible;

        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, u32>, Infallible> {
            let mut sorted = keys.to_vec();
            sorted.sort_unstable();
            self.0.lock().unwrap().push(sorted);
            // As a statement would: the answer comes later than the question.
            tokio::task::yield_now().await;
            Ok(keys.iter().map(|key| (*key, key * 2)).collect())
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_a_level_asks_for_is_one_batch_however_wide_it_is() {
        for _ in 0..200 {
            let (batches, doubling) = (Batches::default(), Doubling::default());
            let loader = DataLoader::new(doubling.clone(), batches.clone(), AtOnce);
            let level = |from: u32| {
                let loader = &loader;
                async move {
                    let doubled = loader.load_one(from).await.unwrap().unwrap();
                    loader.load_one(doubled + 1000).await.unwrap().unwrap()
                }
            };
            let answers = batches.run(futures_util::future::join_all((1..=100).map(level))).await;
            assert_eq!(answers[99], 2 * (200 + 1000));
            let first: Vec<u32> = (1..=100).collect();
            let second: Vec<u32> = (1..=100).map(|key| key * 2 + 1000).collect();
            assert_eq!(*doubling.0.lock().unwrap(), [first, second]);
        }
    }

    #[tokio::test]
    async fn a_request_that_loads_nothing_ends() {
        assert_eq!(Batches::default().run(async { 7 }).await, 7);
        let later = async {
            tokio::task::yield_now().await;
            8
        };
        assert_eq!(Batches::default().run(later).await, 8);
    }

    #[tokio::test]
    async fn dropping_the_request_drops_its_batches() {
        struct Forever(Arc<()>);
        impl Loader<u32> for Forever {
            type Value = u32;
            type Error = Infallible;

            async fn load(&self, _: &[u32]) -> Result<HashMap<u32, u32>, Infallible> {
                let _held = Arc::clone(&self.0);
                std::future::pending().await
            }
        }
        let held = Arc::new(());
        let batches = Batches::default();
        let loader = DataLoader::new(Forever(Arc::clone(&held)), batches.clone(), AtOnce);
        {
            let mut run = Box::pin(batches.run(loader.load_one(1)));
            assert!(futures_util::poll!(&mut run).is_pending());
            assert_eq!(Arc::strong_count(&held), 3, "the batch is being read");
        }
        drop((loader, batches));
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
