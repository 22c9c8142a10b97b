//! What one caller may ask of the API: so much cost over time, and so many connections.
//!
//! Why it is so is in `docs/adr/` (a budget of cost over time); the arithmetic is [`domain::budget`].

pub mod connections;
pub mod payer;

use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use domain::budget::{Budget, OverBudget, Spent};
use quick_cache::sync::Cache;

pub use connections::{Connection, Connections, TooManyConnections};
pub use payer::Payer;

/// Buckets that are kept for each kind of payer. Past it those are forgotten that were used least, and are full again: it
/// takes as many addresses or accounts to bring that about, each of which has a bucket of its own anyway.
const BUCKETS: usize = 65_536;

/// The budgets of a server; `None`: no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Of each developer, and of each address for those who are not signed in.
    pub callers: Option<Budget>,
    /// Of each admin.
    pub admins: Option<Budget>,
}

/// What everybody has spent. Clones share it.
#[derive(Clone)]
pub struct Budgets(Arc<Inner>);

struct Inner {
    began: Instant,
    limits: BudgetLimits,
    /// Apart, so that strangers never make the server forget what accounts have spent, nor the other way round.
    accounts: Cache<Payer, Arc<AtomicU64>>,
    addresses: Cache<Payer, Arc<AtomicU64>>,
}

impl fmt::Debug for Budgets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Budgets")
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

impl Budgets {
    /// Budgets of which nothing is spent.
    #[must_use]
    pub fn new(limits: BudgetLimits) -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            limits,
            accounts: Cache::new(BUCKETS),
            addresses: Cache::new(BUCKETS),
        }))
    }

    /// Budgets without a bound.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(BudgetLimits {
            callers: None,
            admins: None,
        })
    }

    /// Spends what something is going to cost.
    ///
    /// # Errors
    /// [`OverBudget`] when less is left. Nothing is spent then; what refusing costs is [`Self::take`]n by who refuses.
    pub fn spend(&self, payer: Payer, cost: u64) -> Result<(), OverBudget> {
        self.spend_at(payer, cost, self.0.began.elapsed())
    }

    fn spend_at(&self, payer: Payer, cost: u64, now: Duration) -> Result<(), OverBudget> {
        let Some((budget, bucket)) = self.bucket(payer) else {
            return Ok(());
        };
        let mut known = bucket.load(Relaxed);
        loop {
            let Spent(next) = budget.spend(Spent(known), cost, now)?;
            match bucket.compare_exchange_weak(known, next, Relaxed, Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => known = other,
            }
        }
    }

    /// Tells whether this much is left, and spends nothing.
    ///
    /// # Errors
    /// [`OverBudget`] when less is left.
    pub fn check(&self, payer: Payer, cost: u64) -> Result<(), OverBudget> {
        let Some((budget, bucket)) = self.bucket(payer) else {
            return Ok(());
        };
        let spent = Spent(bucket.load(Relaxed));
        budget.spend(spent, cost, self.0.began.elapsed()).map(drop)
    }

    /// Takes what something has cost that was not asked for beforehand, or what is left where that is less.
    pub fn take(&self, payer: Payer, cost: u64) {
        let now = self.0.began.elapsed();
        self.change(payer, |budget, spent| budget.take(spent, cost, now));
    }

    /// Gives back what was spent and not used.
    pub fn give_back(&self, payer: Payer, cost: u64) {
        self.change(payer, |budget, spent| budget.give_back(spent, cost));
    }

    fn change(&self, payer: Payer, next: impl Fn(Budget, Spent) -> Spent) {
        if let Some((budget, bucket)) = self.bucket(payer) {
            let _ = bucket.fetch_update(Relaxed, Relaxed, |spent| Some(next(budget, Spent(spent)).0));
        }
    }

    fn bucket(&self, payer: Payer) -> Option<(Budget, Arc<AtomicU64>)> {
        let (budget, buckets) = match payer {
            Payer::Admin(_) => (self.0.limits.admins?, &self.0.accounts),
            Payer::Developer(_) => (self.0.limits.callers?, &self.0.accounts),
            Payer::Address(_) | Payer::Sessions(_) => (self.0.limits.callers?, &self.0.addresses),
        };
        let made = buckets.get_or_insert_with(&payer, || Ok::<_, Infallible>(Arc::default()));
        match made {
            Ok(bucket) => Some((budget, bucket)),
            Err(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU64, thread};

    use domain::{
        developer::DeveloperStatus,
        id::{AdminId, DeveloperId},
        viewer::Viewer,
    };

    use super::*;

    fn budgets() -> Budgets {
        let budget = |cost| Some(Budget::new(NonZeroU64::new(cost).unwrap(), Duration::from_secs(3600)));
        Budgets::new(BudgetLimits {
            callers: budget(100),
            admins: budget(1000),
        })
    }

    fn developer() -> Viewer {
        Viewer::Developer {
            id: DeveloperId::new(),
            status: DeveloperStatus::Approved,
        }
    }

    #[test]
    fn each_account_and_each_address_has_its_own_and_an_admin_more() {
        let budgets = budgets();
        let (ada, otto) = (developer(), developer());
        let admin = Viewer::Admin { id: AdminId::new() };
        let (home, next_door) = (
            Some("2001:db8:1:2::1".parse().unwrap()),
            Some("2001:db8:1:2::2".parse().unwrap()),
        );
        let elsewhere = Some("2001:db8:1:3::1".parse().unwrap());
        assert!(budgets.spend(Payer::of(ada, home), 100).is_ok());
        assert!(
            budgets.spend(Payer::of(ada, elsewhere), 1).is_err(),
            "one account, wherever it calls from"
        );
        assert!(budgets.spend(Payer::of(otto, home), 100).is_ok());
        assert!(budgets.spend(Payer::of(Viewer::Anonymous, home), 100).is_ok());
        assert!(
            budgets.spend(Payer::of(Viewer::Anonymous, next_door), 1).is_err(),
            "one network"
        );
        assert!(budgets.spend(Payer::of(Viewer::Anonymous, elsewhere), 100).is_ok());
        assert!(
            budgets.spend(Payer::of_sessions(home), 100).is_ok(),
            "signing in is apart"
        );
        assert!(budgets.spend(Payer::of_sessions(next_door), 1).is_err());
        assert!(budgets.spend(Payer::of(admin, home), 1000).is_ok());
        assert!(budgets.spend(Payer::of(admin, home), 1).is_err());
    }

    #[test]
    fn a_status_that_changes_is_no_new_budget() {
        let budgets = budgets();
        let id = DeveloperId::new();
        for status in [DeveloperStatus::Pending, DeveloperStatus::Approved] {
            let spent = budgets.spend(Payer::of(Viewer::Developer { id, status }, None), 60);
            assert_eq!(spent.is_ok(), status == DeveloperStatus::Pending);
        }
    }

    #[test]
    fn it_comes_back_with_time_and_when_it_was_not_used() {
        let budgets = budgets();
        let ada = Payer::of(developer(), None);
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        budgets.spend_at(ada, 100, minutes(0)).unwrap();
        let over = budgets.spend_at(ada, 50, minutes(0)).unwrap_err();
        assert_eq!(over.retry_after, minutes(30));
        budgets.spend_at(ada, 50, minutes(30)).unwrap();
        assert!(budgets.spend_at(ada, 1, minutes(30)).is_err());
        budgets.give_back(ada, 40);
        budgets.spend_at(ada, 40, minutes(30)).unwrap();
    }

    #[test]
    fn what_spends_at_once_spends_no_more_than_there_is() {
        let budgets = budgets();
        let ada = Payer::of(developer(), None);
        let passed: usize = thread::scope(|scope| {
            let spend = || {
                (0..100)
                    .filter(|_| budgets.spend_at(ada, 1, Duration::ZERO).is_ok())
                    .count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(spend)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 100);
    }

    #[test]
    fn strangers_do_not_make_the_server_forget_an_account() {
        let budgets = budgets();
        let ada = Payer::of(developer(), None);
        budgets.spend(ada, 100).unwrap();
        for address in 0..BUCKETS as u32 * 2 {
            let address = std::net::IpAddr::from(std::net::Ipv4Addr::from(address));
            budgets.take(Payer::of(Viewer::Anonymous, Some(address)), 1);
        }
        assert!(budgets.0.addresses.len() <= BUCKETS, "bounded");
        assert!(budgets.spend(ada, 50).is_err());
    }

    #[test]
    fn without_a_bound_nothing_is_counted() {
        let budgets = Budgets::unlimited();
        let ada = Payer::of(developer(), None);
        budgets.take(ada, u64::MAX);
        assert!(budgets.spend(ada, u64::MAX).is_ok());
        assert!(budgets.0.accounts.is_empty());
    }
}
