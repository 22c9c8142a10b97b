//! Retries: which calls are repeated, and when.

use std::{future::Future, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::{Error, platform::sleep};

/// How calls are repeated that may succeed later ([`Error::is_retryable`]).
///
/// Repeated are queries, and the mutations that carry an idempotency key: those that create something, request access,
/// and generate or rotate a credential. The crate makes the key, so that repeating them does nothing twice. No other
/// mutation is ever repeated.
///
/// Waits grow from [`RetryPolicy::first_delay`] twofold up to [`RetryPolicy::max_delay`], each with up to as much again
/// at random, so that clients that failed together do not come back together. A server's `Retry-After` is waited for
/// where it asks for more; where it asks for more than [`RetryPolicy::longest_retry_after`], the call fails at once and
/// the error tells ([`Error::retry_after`]).
///
/// ```
/// use std::time::Duration;
/// use portico_sdk::{Portico, RetryPolicy};
///
/// let patient = RetryPolicy::new().max_retries(8).max_delay(Duration::from_secs(30));
/// let portico = Portico::builder("http://localhost:4000").retry(patient).build()?;
/// # Ok::<(), portico_sdk::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    max_retries: usize,
    first_delay: Duration,
    max_delay: Duration,
    longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl RetryPolicy {
    /// Up to 3 retries, after 200 milliseconds at first and 5 seconds at most; a `Retry-After` of up to a minute counts.
    pub const fn new() -> Self {
        Self {
            max_retries: 3,
            first_delay: Duration::from_millis(200),
            max_delay: Duration::from_secs(5),
            longest_retry_after: Duration::from_secs(60),
        }
    }

    /// No retries: every call is sent once.
    pub const fn none() -> Self {
        Self::new().max_retries(0)
    }

    /// How many times a call is repeated after its first failure; 3 unless given.
    pub const fn max_retries(mut self, max_retries: usize) -> Self {
        self.max_retries = max_retries;
        self
    }

    /// What the first wait is at least; 200 milliseconds unless given.
    pub const fn first_delay(mut self, first_delay: Duration) -> Self {
        self.first_delay = first_delay;
        self
    }

    /// What waits grow to before their random part is added; 5 seconds unless given.
    pub const fn max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// The longest `Retry-After` that is waited for; a minute unless given.
    pub const fn longest_retry_after(mut self, longest: Duration) -> Self {
        self.longest_retry_after = longest;
        self
    }

    pub(crate) fn delays(&self) -> Delays {
        ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.max_delay)
            .with_max_times(self.max_retries)
            .build()
    }

    /// Makes the call until it succeeds, fails for good, or has failed often enough.
    pub(crate) async fn run<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut delays = self.delays();
        loop {
            let error = match call().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let Some(delay) = delays.next().filter(|_| error.is_retryable()) else {
                return Err(error);
            };
            let asked = error.retry_after().unwrap_or_default();
            if asked > self.longest_retry_after {
                return Err(error);
            }
            sleep(delay.max(asked)).await;
        }
    }
}

/// A call's delays, one for each retry.
pub(crate) type Delays = ExponentialBackoff;

/// Delays without end, for what is asked again and again: twofold from `first` to `max`, each with as much again at
/// random.
pub(crate) fn endless_delays(first: Duration, max: Duration) -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::new()
        .with_jitter()
        .with_min_delay(first)
        .with_max_delay(max)
        .without_max_times()
        .build()
        .chain(std::iter::repeat(max))
}

/// The input of a mutation that does nothing twice under one key.
pub(crate) trait Repeatable {
    /// Gives the input a key of its own, unless the caller has given it one.
    fn ensure_key(&mut self);
}

macro_rules! repeatable {
    ($($input:path),* $(,)?) => {$(
        impl Repeatable for $input {
            fn ensure_key(&mut self) {
                self.idempotency_key.get_or_insert_with(|| uuid::Uuid::now_v7().to_string());
            }
        }
    )*};
}

repeatable!(
    crate::CreateAppInput,
    crate::CreateGatewayTokenInput,
    crate::CreateKeyAuthStrategyInput,
    crate::CreateProductInput,
    crate::CreateVersionInput,
    crate::GenerateCredentialInput,
    crate::RequestAccessInput,
    crate::RotateCredentialInput,
);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{RetryPolicy, endless_delays};

    #[test]
    fn delays_grow_to_their_limit_and_are_jittered() {
        let policy = RetryPolicy::new()
            .max_retries(6)
            .first_delay(Duration::from_millis(100))
            .max_delay(Duration::from_millis(400));
        let delays: Vec<_> = policy.delays().collect();
        assert_eq!(delays.len(), 6);
        for (delay, least) in delays.iter().zip([100, 200, 400, 400, 400, 400]) {
            let least = Duration::from_millis(least);
            assert!((least..=2 * least).contains(delay), "{delays:?}");
        }
        assert_ne!(policy.delays().collect::<Vec<_>>(), delays, "jitter is random");
        assert_eq!(RetryPolicy::none().delays().count(), 0);
        let second = Duration::from_secs(1);
        assert_eq!(endless_delays(second, second).take(1000).count(), 1000);
    }
}
