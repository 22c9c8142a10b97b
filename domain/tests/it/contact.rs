//! Staleness and expiry, with clocks as arguments.

use std::time::Duration;

use domain::{
    Timestamp,
    contact::{ClockReading, Contact, MaxStaleness},
};
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(3600);

fn reading(system: Timestamp, monotonic: Duration) -> ClockReading {
    ClockReading { system, monotonic }
}

fn at(hours: u32) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).saturating_add(HOUR * hours)
}

#[test]
fn a_live_contact_ages_by_the_passing_of_time() {
    let contact = Contact::live(at(0), reading(at(0), HOUR));
    assert_eq!(contact.age(reading(at(0), HOUR)), Duration::ZERO);
    assert_eq!(contact.age(reading(at(5), HOUR * 6)), HOUR * 5);
}

#[test]
fn a_system_clock_that_is_wrong_all_along_makes_nothing_stale() {
    let contact = Contact::live(at(0), reading(at(1000), HOUR));
    assert_eq!(contact.age(reading(at(1001), HOUR * 2)), HOUR);
}

#[test]
fn a_clock_set_back_makes_nothing_younger() {
    let contact = Contact::live(at(10), reading(at(10), HOUR));
    let later = reading(at(0), HOUR * 3);
    assert_eq!(contact.age(later), HOUR * 2);
    assert_eq!(contact.now(later), at(12), "expiry goes by the control plane's time");
}

#[test]
fn a_machine_that_slept_knows_it_by_the_systems_clock() {
    let contact = Contact::live(at(0), reading(at(0), HOUR));
    assert_eq!(contact.age(reading(at(30), HOUR)), HOUR * 30);
}

#[test]
fn a_copy_is_as_old_as_it_was_when_it_was_read() {
    let contact = Contact::of_copy(at(0), reading(at(20), Duration::ZERO));
    assert_eq!(contact.age(reading(at(20), Duration::ZERO)), HOUR * 20);
    assert_eq!(contact.age(reading(at(23), HOUR * 3)), HOUR * 23);
    assert_eq!(contact.true_at(), at(0));
    let limit = MaxStaleness::default();
    assert!(limit.allows(contact.age(reading(at(24), HOUR * 4))));
    assert!(!limit.allows(contact.age(reading(at(25), HOUR * 5))));
}

#[test]
fn a_copy_from_the_future_is_new_and_sets_the_time() {
    let contact = Contact::of_copy(at(10), reading(at(0), Duration::ZERO));
    assert_eq!(contact.age(reading(at(1), HOUR)), HOUR);
    assert_eq!(contact.now(reading(at(1), HOUR)), at(11));
}

#[test]
fn zero_is_no_limit() {
    assert_eq!(MaxStaleness::new(Duration::ZERO).limit(), None);
    assert!(MaxStaleness::new(Duration::ZERO).allows(Duration::MAX));
    assert!(MaxStaleness::new(HOUR).allows(HOUR));
    assert!(!MaxStaleness::new(HOUR).allows(HOUR + Duration::from_millis(1)));
}

proptest! {
    #[test]
    fn the_time_is_never_before_either_clock(
        theirs in 0_i64..4_000_000_000_000,
        then in 0_i64..4_000_000_000_000,
        now in 0_i64..4_000_000_000_000,
        passed in 0_u64..1_000_000_000,
    ) {
        let contact = Contact::live(
            Timestamp::from_millis(theirs),
            reading(Timestamp::from_millis(then), HOUR),
        );
        let later = reading(Timestamp::from_millis(now), HOUR + Duration::from_millis(passed));
        prop_assert!(contact.now(later) >= later.system);
        prop_assert!(contact.now(later) >= Timestamp::from_millis(theirs + i64::try_from(passed).unwrap()));
        prop_assert!(contact.age(later) >= Duration::from_millis(passed));
    }
}
