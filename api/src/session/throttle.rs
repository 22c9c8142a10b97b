//! Throttling of sign-ins and sign-ups: guessing is slowed down, and nobody is locked out by somebody else's guesses.
//!
//! ```text
//!   sign-in ─ has this account signed in from this address before?
//!      ├─ yes ─► two quotas of this account at this address alone: one of tries, and one of failures, which a success
//!      │         fills again
//!      └─ no ──► the address's quota, then the account's
//! ```
//!
//! What is admitted is worked on a few at a time ([`Throttle::begin`]): the line of passwords is everyone's, and one
//! account or one address may not fill it.
//!
//! So strangers can use up an account's quota, but not for the addresses where its owner already was. All quotas are
//! token buckets (GCRA): they slow down and never lock. Memory is bounded: a quota belongs to one of 65,536 slots, which
//! a key known only to this process chooses, so two addresses rarely share one and nobody can bring it about.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    str::FromStr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::DashMapStateStore,
};

use super::{
    in_flight::{InFlight, UnderWay},
    realm::Realm,
};
use crate::http::client_address::Network;

/// Accounts whose addresses are remembered; past it the one that signed in longest ago is forgotten.
const MAX_ACCOUNTS: usize = 20_000;
/// Addresses remembered of one account; past it the one used longest ago is forgotten.
const MAX_ADDRESSES_PER_ACCOUNT: usize = 16;

/// Tries to one account that are worked on at once; separately for the addresses where it signed in before.
const UNDER_WAY_PER_ACCOUNT: usize = 4;
/// Tries from one address that are worked on at once, to whatever accounts: a quarter of what may wait on two cores.
const UNDER_WAY_PER_ADDRESS: usize = 24;

/// So many at once, then one in every so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many at once.
    pub burst: NonZeroU32,
    /// How long it takes until one more may pass; a zero counts as a nanosecond.
    pub one_per: Duration,
}

impl Limit {
    /// `burst` at once (none counts as one), then one in every `one_per`.
    #[must_use]
    pub const fn new(burst: u32, one_per: Duration) -> Self {
        let burst = match NonZeroU32::new(burst) {
            Some(burst) => burst,
            None => NonZeroU32::MIN,
        };
        Self { burst, one_per }
    }

    fn quota(self) -> Quota {
        Quota::with_period(self.one_per)
            .unwrap_or(Quota::per_second(NonZeroU32::MAX))
            .allow_burst(self.burst)
    }
}

const LIMIT_EXPECTED: &str = "expected tries at once / seconds until one more, such as 60/10, from 1/1 to 100000/86400";

/// Reads `60/10`: 60 at once, then one in every 10 seconds.
impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (burst, seconds) = text.split_once('/').ok_or(LIMIT_EXPECTED)?;
        let burst = burst.parse().ok().filter(|burst| (1..=100_000).contains(burst));
        let seconds = seconds.parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
        match (burst, seconds) {
            (Some(burst), Some(seconds)) => Ok(Self::new(burst, Duration::from_secs(seconds))),
            _ => Err(LIMIT_EXPECTED),
        }
    }
}

/// The limits of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleLimits {
    /// Sign-ins from one address, to accounts that never signed in from there; and to each account that did, whatever
    /// comes of them.
    pub sign_in_per_address: Limit,
    /// Sign-ins to one account from addresses where it never signed in.
    pub sign_in_per_account: Limit,
    /// Sign-ins to one account from one address where it signed in before, since the last one that succeeded.
    pub sign_in_per_known_address: Limit,
    /// Sign-ups from one address.
    pub sign_up_per_address: Limit,
}

impl Default for ThrottleLimits {
    /// Room for an office behind one address on a Monday morning; some 1,500 guesses a day at an account from anywhere.
    fn default() -> Self {
        Self {
            sign_in_per_address: Limit::new(60, Duration::from_secs(10)),
            sign_in_per_account: Limit::new(10, Duration::from_secs(60)),
            sign_in_per_known_address: Limit::new(10, Duration::from_secs(30)),
            sign_up_per_address: Limit::new(20, Duration::from_secs(180)),
        }
    }
}

/// Too many tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tries: come back in {retry_after:?}")]
pub struct Throttled {
    /// After how long a try passes if nobody else tries before; whole seconds, at least one.
    pub retry_after: Duration,
}

type Limiter<C> = RateLimiter<u16, DashMapStateStore<u16>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Counts the tries to sign in and to sign up. Tests pass a clock of their own.
pub struct Throttle<C: Clock = DefaultClock> {
    clock: C,
    slots: RandomState,
    addresses: Limiter<C>,
    accounts: Limiter<C>,
    known_addresses: Limiter<C>,
    failures: Limiter<C>,
    sign_ups: Limiter<C>,
    accounts_under_way: InFlight<(u64, bool)>,
    addresses_under_way: InFlight<u64>,
    remembered: Mutex<Remembered>,
    refused_sign_ins: AtomicU64,
    refused_sign_ups: AtomicU64,
}

impl Throttle {
    /// A throttle on the system's monotonic clock.
    #[must_use]
    pub fn new(limits: ThrottleLimits) -> Self {
        Self::with_clock(limits, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Throttle<C> {
    /// A throttle on a clock of the caller's.
    #[must_use]
    pub fn with_clock(limits: ThrottleLimits, clock: C) -> Self {
        let limiter = |limit: Limit| RateLimiter::dashmap_with_clock(limit.quota(), clock.clone());
        Self {
            slots: RandomState::new(),
            addresses: limiter(limits.sign_in_per_address),
            accounts: limiter(limits.sign_in_per_account),
            known_addresses: limiter(limits.sign_in_per_address),
            failures: limiter(limits.sign_in_per_known_address),
            sign_ups: limiter(limits.sign_up_per_address),
            accounts_under_way: InFlight::default(),
            addresses_under_way: InFlight::default(),
            remembered: Mutex::default(),
            refused_sign_ins: AtomicU64::new(0),
            refused_sign_ups: AtomicU64::new(0),
            clock,
        }
    }

    /// Asks whether a try to sign in may go on, and counts it: before the password is looked at, so that tries at once
    /// count too, and whether or not there is such an account, so that the answer does not tell. `email` is the
    /// normalised one. Without an address all such callers share one quota.
    ///
    /// # Errors
    /// [`Throttled`] when the quota is used up.
    pub fn admit_sign_in(&self, realm: Realm, email: &str, address: Option<IpAddr>) -> Result<(), Throttled> {
        let account = self.account(realm, email);
        let address = self.address(address);
        let successes = self.lock().successes(account, address);
        let admitted = match successes {
            // Whatever comes of it: who has the password may not keep the server busy with it. Then the failures, of
            // which each success begins a new quota.
            Some(successes) => self
                .check(&self.known_addresses, (account, address))
                .and_then(|()| self.check(&self.failures, (account, address, successes))),
            None => {
                // The address first: one address alone must not use up an account's quota faster than its own.
                self.check(&self.addresses, address)
                    .and_then(|()| self.check(&self.accounts, account))
            }
        };
        admitted.inspect_err(|_| {
            self.refused_sign_ins.fetch_add(1, Relaxed);
        })
    }

    /// Begins the work on a try that was admitted, on a sign-up or on a change of a password; it ends when what is
    /// returned is dropped.
    ///
    /// # Errors
    /// [`Throttled`] when enough of the account's or of the address's are under way already. Strangers do not take
    /// the places of an owner who comes from where they were before.
    pub fn begin(&self, realm: Realm, email: &str, address: Option<IpAddr>) -> Result<Working, Throttled> {
        let account = self.account(realm, email);
        let address = self.address(address);
        let is_known = self.lock().successes(account, address).is_some();
        let of_address = self.addresses_under_way.begin(address, UNDER_WAY_PER_ADDRESS);
        let of_account = self
            .accounts_under_way
            .begin((account, is_known), UNDER_WAY_PER_ACCOUNT);
        let (Some(of_address), Some(of_account)) = (of_address, of_account) else {
            return Err(Throttled {
                retry_after: Duration::from_secs(1),
            });
        };
        Ok(Working {
            _of_address: of_address,
            _of_account: of_account,
        })
    }

    /// Remembers that this account signed in from this address. Called after a sign-in, and at start for those that
    /// the audit events tell of.
    pub fn remember_sign_in(&self, realm: Realm, email: &str, address: Option<IpAddr>) {
        let account = self.account(realm, email);
        let address = self.address(address);
        self.lock().remember(account, address);
    }

    /// Asks whether a sign-up may go on, and counts it.
    ///
    /// # Errors
    /// [`Throttled`] when the address's quota is used up.
    pub fn admit_sign_up(&self, address: Option<IpAddr>) -> Result<(), Throttled> {
        self.check(&self.sign_ups, self.address(address)).inspect_err(|_| {
            self.refused_sign_ups.fetch_add(1, Relaxed);
        })
    }

    /// How many sign-ins and sign-ups were refused.
    #[must_use]
    pub fn refusals(&self) -> (u64, u64) {
        (self.refused_sign_ins.load(Relaxed), self.refused_sign_ups.load(Relaxed))
    }

    fn check(&self, limiter: &Limiter<C>, key: impl Hash) -> Result<(), Throttled> {
        // The lower bits choose the slot; that others are lost is what bounds the memory.
        let slot = (self.slots.hash_one(key) & u64::from(u16::MAX)) as u16;
        limiter.check_key(&slot).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Throttled {
                retry_after: Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
                    .max(Duration::from_secs(1)),
            }
        })
    }

    fn account(&self, realm: Realm, email: &str) -> u64 {
        self.slots.hash_one((realm, email))
    }

    fn address(&self, address: Option<IpAddr>) -> u64 {
        self.slots.hash_one(address.map(Network::of))
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        // Nothing in there can be left half done.
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Clock> fmt::Debug for Throttle<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Throttle").finish_non_exhaustive()
    }
}

/// A try that is being worked on.
#[derive(Debug)]
#[must_use = "the work ends when this is dropped"]
pub struct Working {
    _of_address: UnderWay<u64>,
    _of_account: UnderWay<(u64, bool)>,
}

/// Where accounts signed in before. Holds hashes, no e-mails and no addresses.
#[derive(Default)]
struct Remembered {
    accounts: HashMap<u64, KnownAccount>,
    /// The accounts by when they last signed in.
    by_last_use: BTreeMap<u64, u64>,
    /// How many sign-ins there were.
    uses: u64,
}

#[derive(Default)]
struct KnownAccount {
    last_use: u64,
    /// The one used last comes last.
    addresses: Vec<KnownAddress>,
}

struct KnownAddress {
    address: u64,
    successes: u32,
}

impl Remembered {
    fn successes(&self, account: u64, address: u64) -> Option<u32> {
        self.accounts
            .get(&account)?
            .addresses
            .iter()
            .find(|known| known.address == address)
            .map(|known| known.successes)
    }

    fn remember(&mut self, account: u64, address: u64) {
        if !self.accounts.contains_key(&account)
            && self.accounts.len() >= MAX_ACCOUNTS
            && let Some((_, oldest)) = self.by_last_use.pop_first()
        {
            self.accounts.remove(&oldest);
        }
        self.uses += 1;
        let known = self.accounts.entry(account).or_default();
        self.by_last_use.remove(&known.last_use);
        known.last_use = self.uses;
        self.by_last_use.insert(self.uses, account);
        let addresses = &mut known.addresses;
        let successes = match addresses.iter().position(|known| known.address == address) {
            Some(index) => addresses.remove(index).successes.wrapping_add(1),
            None => 0,
        };
        if addresses.len() >= MAX_ADDRESSES_PER_ACCOUNT {
            addresses.remove(0);
        }
        addresses.push(KnownAddress { address, successes });
    }
}

#[cfg(test)]
#[path = "throttle_tests.rs"]
mod tests;
