//! A budget over time: a token bucket, whose tokens are what operations cost.
//!
//! ```text
//!   full ──spend──► less ──time──► full again
//!                    │ what is asked for is more than what is left: refused, and told when it will be there
//! ```
//!
//! A bucket is one number: the time at which it will be full again. What is missing from it is that time less the
//! present one (the virtual scheduling of GCRA, ITU-T I.371, counted in cost instead of cells).

use std::{num::NonZeroU64, time::Duration};

/// How much may be spent: so much at once, and as much again in every so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What a full bucket holds.
    pub cost: NonZeroU64,
    /// How long an empty bucket takes to be full.
    pub per: Duration,
}

/// What was spent from one bucket: when it will be full again, in nanoseconds since a moment that its owner chose.
/// A new bucket is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent(pub u64);

/// More was asked for than is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the budget is used up for {retry_after:?}")]
pub struct OverBudget {
    /// After how long it will be there, if nothing else is spent before: whole seconds, at least one.
    pub retry_after: Duration,
}

impl Budget {
    /// `cost` at once, and as much again in every `per`.
    #[must_use]
    pub const fn new(cost: NonZeroU64, per: Duration) -> Self {
        Self { cost, per }
    }

    /// Spends `cost` at `now`.
    ///
    /// # Errors
    /// [`OverBudget`] when less is left; nothing is spent then. What is more than a full bucket never passes.
    pub fn spend(self, spent: Spent, cost: u64, now: Duration) -> Result<Spent, OverBudget> {
        let now = nanoseconds(now);
        let full_at = spent.0.max(now).saturating_add(self.time_of(cost));
        let too_late = full_at.saturating_sub(now.saturating_add(self.time_of(self.cost.get())));
        if too_late == 0 {
            return Ok(Spent(full_at));
        }
        let wait = Duration::from_nanos(too_late);
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Err(OverBudget {
            retry_after: Duration::from_secs(seconds),
        })
    }

    /// Takes `cost` at `now`, or what is left where that is less.
    #[must_use]
    pub fn take(self, spent: Spent, cost: u64, now: Duration) -> Spent {
        let now = nanoseconds(now);
        let full_at = spent.0.max(now).saturating_add(self.time_of(cost));
        Spent(full_at.min(now.saturating_add(self.time_of(self.cost.get()))))
    }

    /// Gives back `cost` that was spent and not used.
    #[must_use]
    pub fn give_back(self, spent: Spent, cost: u64) -> Spent {
        Spent(spent.0.saturating_sub(self.time_of(cost)))
    }

    /// How much is left at `now`.
    #[must_use]
    pub fn left(self, spent: Spent, now: Duration) -> u64 {
        let missing = u128::from(spent.0.saturating_sub(nanoseconds(now)));
        let per = self.per.as_nanos().max(1);
        let missing = (missing * u128::from(self.cost.get())).div_ceil(per);
        self.cost
            .get()
            .saturating_sub(u64::try_from(missing).unwrap_or(u64::MAX))
    }

    /// How many nanoseconds bring so much.
    fn time_of(self, cost: u64) -> u64 {
        let time = (self.per.as_nanos() * u128::from(cost)) / u128::from(self.cost.get());
        u64::try_from(time).unwrap_or(u64::MAX)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEN_A_SECOND: Budget = Budget {
        cost: NonZeroU64::new(100).unwrap(),
        per: Duration::from_secs(10),
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn so_much_at_once_and_then_as_it_comes_back() {
        let budget = TEN_A_SECOND;
        let spent = budget.spend(Spent::default(), 100, at(7)).unwrap();
        assert_eq!(budget.left(spent, at(7)), 0);
        let refused = budget.spend(spent, 1, at(7)).unwrap_err();
        assert_eq!(refused.retry_after, at(1), "a tenth of a second, in whole seconds");
        let refused = budget.spend(spent, 25, at(7)).unwrap_err();
        assert_eq!(refused.retry_after, at(3));
        let spent = budget.spend(spent, 25, at(10)).unwrap();
        assert_eq!(budget.left(spent, at(10)), 5);
        assert_eq!(budget.left(spent, at(10_000)), 100, "never more than full");
        assert_eq!(
            Budget::spend(budget, spent, 101, at(10_000)).unwrap_err().retry_after,
            at(1)
        );
    }

    #[test]
    fn what_is_taken_empties_and_makes_no_debt() {
        let budget = TEN_A_SECOND;
        let spent = budget.take(Spent::default(), 1_000_000, at(5));
        assert_eq!(budget.left(spent, at(5)), 0);
        assert_eq!(budget.left(spent, at(6)), 10);
        let spent = budget.take(Spent::default(), 3, at(5));
        assert_eq!(budget.left(spent, at(5)), 97);
    }

    #[test]
    fn what_is_given_back_can_be_spent() {
        let budget = TEN_A_SECOND;
        let spent = budget.spend(Spent::default(), 60, at(1)).unwrap();
        let spent = budget.give_back(spent, 50);
        assert_eq!(budget.left(spent, at(1)), 90);
        let more_than_spent = budget.give_back(spent, 1000);
        assert_eq!(budget.left(more_than_spent, at(1)), 100, "never more than full");
    }

    proptest! {
        #[test]
        fn nobody_spends_more_than_the_bucket_and_what_came_back(
            cost in 1_u64..1_000_000,
            seconds in 1_u64..86_400,
            steps in proptest::collection::vec((0_u64..2_000_000, 0_u64..100_000), 1..50),
        ) {
            let budget = Budget::new(NonZeroU64::new(cost).unwrap(), at(seconds));
            let (mut spent, mut now, mut passed) = (Spent::default(), Duration::ZERO, 0_u128);
            for (asked, milliseconds) in steps {
                now += Duration::from_millis(milliseconds);
                let left = budget.left(spent, now);
                match budget.spend(spent, asked, now) {
                    Ok(next) => {
                        passed += u128::from(asked);
                        spent = next;
                    }
                    Err(over) => {
                        prop_assert!(asked > left, "{asked} of {left} was refused");
                        if asked <= cost {
                            prop_assert!(budget.spend(spent, asked, now + over.retry_after).is_ok());
                        }
                    }
                }
            }
            // One of rounding for each step.
            let came_back = u128::from(cost) * now.as_nanos() / at(seconds).as_nanos();
            prop_assert!(passed <= u128::from(cost) + came_back + 50);
        }
    }
}
