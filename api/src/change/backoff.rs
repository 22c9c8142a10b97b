//! How long to wait before trying again.

use std::time::Duration;

use rand::RngExt as _;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that double from 100 ms to 5 s, each shortened by up to half at random, so that the nodes of a fleet do not
/// all come back at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It worked: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait now.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let doubled = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        doubled.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_start_again() {
        let mut backoff = Backoff::default();
        for _ in 0..2 {
            let first = backoff.next_delay();
            assert!((FIRST / 2..=FIRST).contains(&first), "{first:?}");
            let second = backoff.next_delay();
            assert!((FIRST..=FIRST * 2).contains(&second), "{second:?}");
            for _ in 0..100 {
                assert!(backoff.next_delay() <= LONGEST);
            }
            assert!(backoff.next_delay() >= LONGEST / 2);
            backoff.reset();
        }
    }
}
