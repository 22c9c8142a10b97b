use std::time::Duration;

use domain::{
    Timestamp,
    session::{
        Realm, RefreshDecision, RefreshFacts, expires_at, refresh, refresh_token_expires_at, reset_token_expires_at,
        reset_token_is_usable,
    },
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

#[test]
fn every_combination_of_facts_has_its_decision() {
    let now = at(1_000_000);
    let (before, after) = (at(999_999), at(1_000_001));
    let next = RefreshDecision::Rotate { next_expires_at: after };
    // At the instant of its end a token or session is over.
    for (used, token, ended, session, expected) in [
        (None, after, None, after, next),
        (None, now, None, after, RefreshDecision::Over),
        (None, before, None, after, RefreshDecision::Over),
        (Some(before), after, None, after, RefreshDecision::Reused),
        (Some(now), now, None, after, RefreshDecision::Reused),
        (Some(before), before, None, after, RefreshDecision::Reused),
        (None, after, None, now, RefreshDecision::Over),
        (None, after, None, before, RefreshDecision::Over),
        (None, before, None, before, RefreshDecision::Over),
        (Some(before), after, None, now, RefreshDecision::Over),
        (Some(before), before, None, before, RefreshDecision::Over),
        (None, after, Some(before), after, RefreshDecision::Over),
        (None, before, Some(before), after, RefreshDecision::Over),
        (Some(before), after, Some(before), after, RefreshDecision::Over),
        (Some(before), before, Some(before), before, RefreshDecision::Over),
    ] {
        let facts = RefreshFacts {
            used_at: used,
            expires_at: token,
            session_ended_at: ended,
            session_expires_at: session,
        };
        assert_eq!(refresh(facts, now), expected, "{facts:?}");
    }
}

#[test]
fn a_token_lasts_seven_days_but_never_longer_than_its_session() {
    let start = at(0);
    let portal = expires_at(Realm::Portal, start);
    assert_eq!(portal, start.saturating_add(30 * DAY));
    assert_eq!(refresh_token_expires_at(start, portal), start.saturating_add(7 * DAY));
    assert_eq!(refresh_token_expires_at(start.saturating_add(29 * DAY), portal), portal);
    let admin = expires_at(Realm::Admin, start);
    assert_eq!(admin, start.saturating_add(DAY / 2));
    assert_eq!(refresh_token_expires_at(start, admin), admin);
}

#[test]
fn refreshing_daily_ends_with_the_session_all_the_same() {
    let session = expires_at(Realm::Portal, at(0));
    let mut expires = refresh_token_expires_at(at(0), session);
    let mut rotations = 0;
    for day in 1..100 {
        let facts = RefreshFacts {
            used_at: None,
            expires_at: expires,
            session_ended_at: None,
            session_expires_at: session,
        };
        match refresh(facts, at(0).saturating_add(day * DAY)) {
            RefreshDecision::Rotate { next_expires_at } => {
                expires = next_expires_at;
                rotations += 1;
            }
            other => {
                assert_eq!(other, RefreshDecision::Over);
                break;
            }
        }
    }
    assert_eq!(rotations, 29);
}

#[test]
fn a_reset_token_lasts_an_hour() {
    let expires = reset_token_expires_at(at(0));
    assert_eq!(expires.as_millis(), 3_600_000);
    assert!(reset_token_is_usable(expires, Timestamp::from_millis(3_599_999)));
    assert!(!reset_token_is_usable(expires, expires));
}
