//! Whom the control plane waits for, and whom it forgets.

use std::time::Duration;

use domain::{
    Timestamp,
    contact::MaxStaleness,
    gateway_node::{RETENTION, Sighting, UNLIMITED_RETENTION},
};

const SEEN: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const MILLISECOND: Duration = Duration::from_millis(1);

fn sighting(max_staleness: MaxStaleness) -> Sighting {
    Sighting {
        last_seen_at: SEEN,
        stopped_at: None,
        max_staleness,
    }
}

#[test]
fn a_gateway_is_waited_for_as_long_as_it_may_serve() {
    let day = Duration::from_secs(24 * 60 * 60);
    let seen = sighting(MaxStaleness::new(day));
    assert!(seen.may_be_serving(SEEN));
    assert!(seen.may_be_serving(SEEN.saturating_add(day)));
    assert!(!seen.may_be_serving(SEEN.saturating_add(day + MILLISECOND)));
    assert!(seen.may_be_serving(SEEN.saturating_sub(day)), "a clock that is behind");
}

#[test]
fn a_gateway_that_stopped_is_not_waited_for() {
    let stopped = Sighting {
        stopped_at: Some(SEEN),
        ..sighting(MaxStaleness::new(Duration::ZERO))
    };
    assert!(!stopped.may_be_serving(SEEN));
}

#[test]
fn records_are_forgotten_after_a_week_but_never_before_their_gateway_stops_serving() {
    let month = Duration::from_secs(28 * 24 * 60 * 60);
    for (max_staleness, kept) in [
        (Duration::from_secs(60), RETENTION),
        (month, month),
        (Duration::ZERO, UNLIMITED_RETENTION),
    ] {
        let seen = sighting(MaxStaleness::new(max_staleness));
        assert!(!seen.is_forgotten(SEEN.saturating_add(kept)), "{max_staleness:?}");
        let later = SEEN.saturating_add(kept + MILLISECOND);
        assert!(seen.is_forgotten(later), "{max_staleness:?}");
        assert!(!seen.may_be_serving(later), "{max_staleness:?}");
    }
}
