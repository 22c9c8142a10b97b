use governor::clock::FakeRelativeClock;

use super::*;

const EMAIL: &str = "ada@example.com";

fn limits() -> ThrottleLimits {
    ThrottleLimits {
        sign_in_per_address: Limit::new(20, Duration::from_secs(10)),
        sign_in_per_account: Limit::new(5, Duration::from_secs(60)),
        sign_in_per_known_address: Limit::new(3, Duration::from_secs(30)),
        sign_up_per_address: Limit::new(2, Duration::from_secs(600)),
    }
}

struct Fixture {
    clock: FakeRelativeClock,
    throttle: Throttle<FakeRelativeClock>,
}

fn fixture() -> Fixture {
    let clock = FakeRelativeClock::default();
    Fixture {
        throttle: Throttle::with_clock(limits(), clock.clone()),
        clock,
    }
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

/// One address in each of so many networks.
fn elsewhere(count: u32) -> impl Iterator<Item = Option<IpAddr>> {
    (0..count).map(|index| {
        Some(IpAddr::V6(
            ((0x2001_0db8_u128 << 96) | (u128::from(index) << 64)).into(),
        ))
    })
}

impl Fixture {
    fn sign_in(&self, email: &str, address: Option<IpAddr>) -> Result<(), Throttled> {
        self.throttle.admit_sign_in(Realm::Portal, email, address)
    }

    /// Tries until it is refused.
    fn exhaust(&self, email: &str, address: Option<IpAddr>) -> u32 {
        (0..1000)
            .find(|_| self.sign_in(email, address).is_err())
            .expect("must be refused at some time")
    }
}

fn after(seconds: u64) -> Result<(), Throttled> {
    Err(Throttled {
        retry_after: Duration::from_secs(seconds),
    })
}

#[test]
fn guessing_at_one_account_is_slowed_down_wherever_it_comes_from() {
    let fixture = fixture();
    let mut addresses = elsewhere(8);
    for address in addresses.by_ref().take(5) {
        assert_eq!(fixture.sign_in(EMAIL, address), Ok(()));
    }
    let sixth = addresses.next().unwrap();
    assert_eq!(fixture.sign_in(EMAIL, sixth), after(60));
    fixture.clock.advance(Duration::from_millis(59_500));
    assert_eq!(fixture.sign_in(EMAIL, sixth), after(1));
    fixture.clock.advance(Duration::from_millis(500));
    assert_eq!(fixture.sign_in(EMAIL, sixth), Ok(()));
    assert_eq!(fixture.sign_in(EMAIL, sixth), after(60));
}

#[test]
fn trying_many_accounts_from_one_address_is_slowed_down() {
    let fixture = fixture();
    let address = ip("192.0.2.1");
    for index in 0..20 {
        assert_eq!(fixture.sign_in(&format!("{index}@example.com"), address), Ok(()));
    }
    assert_eq!(fixture.sign_in("another@example.com", address), after(10));
    assert_eq!(fixture.sign_in("another@example.com", ip("192.0.2.2")), Ok(()));
}

#[test]
fn an_address_where_the_account_was_before_is_never_locked_out_by_others() {
    let fixture = fixture();
    let home = ip("198.51.100.7");
    fixture.throttle.remember_sign_in(Realm::Portal, EMAIL, home);
    // Strangers from everywhere, and from the same address at other accounts.
    for address in elsewhere(50) {
        let _ = fixture.sign_in(EMAIL, address);
    }
    for index in 0..50 {
        let _ = fixture.sign_in(&format!("{index}@example.com"), home);
    }
    assert!(fixture.sign_in(EMAIL, ip("203.0.113.9")).is_err());
    assert!(fixture.sign_in("another@example.com", home).is_err());
    assert_eq!(fixture.sign_in(EMAIL, home), Ok(()));
}

#[test]
fn a_known_address_has_a_quota_too_which_a_success_fills_again() {
    let fixture = fixture();
    let home = ip("198.51.100.7");
    fixture.throttle.remember_sign_in(Realm::Portal, EMAIL, home);
    assert_eq!(fixture.exhaust(EMAIL, home), 3);
    assert_eq!(fixture.sign_in(EMAIL, home), after(30));
    fixture.clock.advance(Duration::from_secs(30));
    assert_eq!(fixture.sign_in(EMAIL, home), Ok(()));
    fixture.throttle.remember_sign_in(Realm::Portal, EMAIL, home);
    assert_eq!(fixture.exhaust(EMAIL, home), 3);
}

#[test]
fn a_success_forgives_failures_and_gives_no_tries_back() {
    let fixture = fixture();
    let home = ip("192.0.2.1");
    fixture.throttle.remember_sign_in(Realm::Portal, EMAIL, home);
    for _ in 0..20 {
        assert_eq!(fixture.sign_in(EMAIL, home), Ok(()));
        fixture.throttle.remember_sign_in(Realm::Portal, EMAIL, home);
    }
    assert_eq!(fixture.sign_in(EMAIL, home), after(10));
    // It is this account's at this address alone.
    assert_eq!(fixture.sign_in("another@example.com", home), Ok(()));
    fixture.clock.advance(Duration::from_secs(10));
    assert_eq!(fixture.sign_in(EMAIL, home), Ok(()));
    fixture.throttle.remember_sign_in(Realm::Portal, EMAIL, home);
    assert_eq!(fixture.sign_in(EMAIL, home), after(10));
}

#[test]
fn one_account_and_one_address_have_so_many_under_way() {
    let fixture = fixture();
    let begin = |email: &str, address| fixture.throttle.begin(Realm::Portal, email, address);
    let home = ip("192.0.2.1");
    fixture.throttle.remember_sign_in(Realm::Portal, EMAIL, home);
    // Strangers, each from a network of its own.
    let strangers: Vec<_> = elsewhere(10).map_while(|address| begin(EMAIL, address).ok()).collect();
    assert_eq!(strangers.len(), UNDER_WAY_PER_ACCOUNT);
    // The owner where it was before, beside them.
    let own: Vec<_> = std::iter::from_fn(|| begin(EMAIL, home).ok()).take(10).collect();
    assert_eq!(own.len(), UNDER_WAY_PER_ACCOUNT);
    assert_eq!(begin(EMAIL, home).err(), after(1).err());
    let others: Vec<_> = (0..100)
        .map_while(|index| begin(&format!("{index}@example.com"), home).ok())
        .collect();
    assert_eq!(own.len() + others.len(), UNDER_WAY_PER_ADDRESS);
    // The realms' accounts are not the same ones.
    assert!(fixture.throttle.begin(Realm::Admin, EMAIL, ip("203.0.113.1")).is_ok());
    drop((strangers, others, own));
    assert!(begin(EMAIL, home).is_ok());
}

#[test]
fn the_realms_do_not_share_quotas_or_memories() {
    let fixture = fixture();
    let home = ip("198.51.100.7");
    fixture.throttle.remember_sign_in(Realm::Admin, EMAIL, home);
    assert_eq!(fixture.exhaust(EMAIL, home), 5);
    assert_eq!(fixture.throttle.admit_sign_in(Realm::Admin, EMAIL, home), Ok(()));
}

#[test]
fn spellings_of_one_network_count_as_one() {
    for (one, other, same) in [
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
        ("::1", "127.0.0.1", false),
        ("::1", "0.0.0.1", false),
        ("::1", "::2", true),
    ] {
        let networks = (Network::of(one.parse().unwrap()), Network::of(other.parse().unwrap()));
        assert_eq!(networks.0 == networks.1, same, "{one} {other}");
    }
    let fixture = fixture();
    for index in 0..20 {
        let host = ip(&format!("2001:db8:1:2::{index:x}"));
        assert_eq!(fixture.sign_in(&format!("{index}@example.com"), host), Ok(()));
    }
    assert!(
        fixture
            .sign_in("another@example.com", ip("2001:db8:1:2:8000::"))
            .is_err()
    );
}

#[test]
fn callers_without_an_address_share_a_quota() {
    let fixture = fixture();
    for index in 0..20 {
        assert_eq!(fixture.sign_in(&format!("{index}@example.com"), None), Ok(()));
    }
    assert!(fixture.sign_in("another@example.com", None).is_err());
}

#[test]
fn sign_ups_have_a_quota_of_their_own() {
    let fixture = fixture();
    let address = ip("192.0.2.1");
    assert_eq!(fixture.throttle.admit_sign_up(address), Ok(()));
    assert_eq!(fixture.throttle.admit_sign_up(address), Ok(()));
    assert_eq!(fixture.throttle.admit_sign_up(address), after(600));
    assert_eq!(fixture.throttle.admit_sign_up(ip("192.0.2.2")), Ok(()));
    assert_eq!(fixture.sign_in(EMAIL, address), Ok(()));
    fixture.clock.advance(Duration::from_secs(600));
    assert_eq!(fixture.throttle.admit_sign_up(address), Ok(()));
}

#[test]
fn tries_at_once_do_not_slip_through_together() {
    let fixture = fixture();
    let passed = std::thread::scope(|scope| {
        let tries: Vec<_> = elsewhere(64)
            .map(|address| {
                let fixture = &fixture;
                scope.spawn(move || fixture.sign_in(EMAIL, address).is_ok())
            })
            .collect();
        tries
            .into_iter()
            .filter_map(|tried| tried.join().ok())
            .filter(|ok| *ok)
            .count()
    });
    assert_eq!(passed, 5);
}

#[test]
fn memory_stays_bounded_and_one_account_cannot_push_out_others() {
    let fixture = fixture();
    let home = ip("198.51.100.7");
    fixture.throttle.remember_sign_in(Realm::Portal, EMAIL, home);
    for address in elsewhere(100_000) {
        fixture
            .throttle
            .remember_sign_in(Realm::Portal, "busy@example.com", address);
        let _ = fixture.sign_in("x@example.com", address);
    }
    let count = |account| {
        let remembered = fixture.throttle.lock();
        remembered
            .accounts
            .get(&account)
            .map_or(0, |known| known.addresses.len())
    };
    let busy = fixture.throttle.account(Realm::Portal, "busy@example.com");
    assert_eq!(count(busy), MAX_ADDRESSES_PER_ACCOUNT);
    assert_eq!(count(fixture.throttle.account(Realm::Portal, EMAIL)), 1);
    assert!(fixture.throttle.addresses.len() <= 65_536);
    for index in 0..MAX_ACCOUNTS {
        fixture
            .throttle
            .remember_sign_in(Realm::Portal, &index.to_string(), home);
    }
    let remembered = fixture.throttle.lock();
    assert_eq!(remembered.accounts.len(), MAX_ACCOUNTS);
    assert_eq!(remembered.by_last_use.len(), MAX_ACCOUNTS);
}

#[test]
fn who_signed_in_longest_ago_is_forgotten_first() {
    let fixture = fixture();
    let home = ip("198.51.100.7");
    let sign_in = |email: &str| fixture.throttle.remember_sign_in(Realm::Portal, email, home);
    let is_known = |email: &str| {
        let remembered = fixture.throttle.lock();
        remembered
            .accounts
            .contains_key(&fixture.throttle.account(Realm::Portal, email))
    };
    sign_in("once@example.com");
    sign_in("often@example.com");
    for index in 0..MAX_ACCOUNTS - 2 {
        sign_in(&index.to_string());
    }
    sign_in("often@example.com");
    assert!(is_known("once@example.com"));
    sign_in("new@example.com");
    sign_in("newer@example.com");
    assert!(is_known("often@example.com") && is_known("new@example.com") && is_known("newer@example.com"));
    assert!(!is_known("once@example.com") && !is_known("0") && is_known("1"));
}
