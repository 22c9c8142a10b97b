use domain::{
    Refusal, RefusalCode, Timestamp,
    app::{AppStatus, BoundKinds},
    auth_strategy::AuthStrategyType,
    credential::{
        CredentialAction, CredentialKind, CredentialStatus, Generation, MAX_OVERLAP_SECONDS, Rotated, Rotation,
        StrategyChoice, allowed_actions, check_revocation, counts_towards_limit, generate, rotate, status,
    },
    developer::DeveloperStatus,
    id::AuthStrategyId,
    limits::Limits,
    viewer::Actor,
};
use proptest::prelude::*;
use strum::IntoEnumIterator as _;

use CredentialAction::{Revoke, Rotate};
use CredentialStatus::{Active, Expired, Revoked};

const NOW: Timestamp = at(10_000_000);

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn codes<T: std::fmt::Debug>(outcome: Result<T, Vec<Refusal>>) -> Vec<RefusalCode> {
    outcome.unwrap_err().into_iter().map(|refusal| refusal.code).collect()
}

#[test]
fn the_state_follows_from_the_times() {
    let before = Some(at(9_999_999));
    let after = Some(at(10_000_001));
    for (revoked_at, expires_at, expected) in [
        (None, None, Active),
        (None, after, Active),
        (None, Some(NOW), Expired),
        (None, before, Expired),
        (before, None, Revoked),
        (before, before, Revoked),
        (before, after, Revoked),
    ] {
        assert_eq!(
            status(revoked_at, expires_at, NOW),
            expected,
            "{revoked_at:?} {expires_at:?}"
        );
    }
}

#[test]
fn every_actor_in_every_state_may_do_what_the_table_says() {
    for status in CredentialStatus::iter() {
        for replaced in [false, true] {
            for app in AppStatus::iter() {
                for actor in Actor::iter() {
                    let expected: &[CredentialAction] = match (status, replaced, app, actor) {
                        (Active, false, AppStatus::Active, Actor::Owner) => &[Rotate, Revoke],
                        (Active, true, _, Actor::Owner)
                        | (Active, _, AppStatus::Suspended, Actor::Owner)
                        | (Active, _, _, Actor::Admin) => &[Revoke],
                        (Active, _, _, Actor::Stranger) | (Expired | Revoked, _, _, _) => &[],
                    };
                    assert_eq!(
                        allowed_actions(status, replaced, app, actor),
                        expected,
                        "{status} {replaced} {app} {actor:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_has_ended_cannot_be_revoked_and_does_not_count() {
    assert!(check_revocation(Active).is_ok());
    assert_eq!(
        check_revocation(Expired).unwrap_err().code,
        RefusalCode::InvalidTransition
    );
    assert_eq!(
        check_revocation(Revoked).unwrap_err().code,
        RefusalCode::InvalidTransition
    );
    for status in CredentialStatus::iter() {
        for replaced in [false, true] {
            assert_eq!(counts_towards_limit(status, replaced), status == Active && !replaced);
        }
    }
}

#[test]
fn kinds_of_credentials_and_strategies_pair_up() {
    for kind in CredentialKind::iter() {
        assert_eq!(kind.strategy_type().credential_kind(), kind);
    }
    assert_eq!(CredentialKind::ApiKey.strategy_type(), AuthStrategyType::KeyAuth);
}

fn choice(number: u128, kind: AuthStrategyType) -> StrategyChoice {
    StrategyChoice {
        id: AuthStrategyId::from_uuid(uuid::Uuid::from_u128(number)),
        kind,
    }
}

fn built_in() -> StrategyChoice {
    choice(1, AuthStrategyType::KeyAuth)
}

fn generation(of_open_requests: &[StrategyChoice]) -> Generation<'_> {
    Generation {
        developer: DeveloperStatus::Approved,
        app: AppStatus::Active,
        app_bound_to: BoundKinds::new([], of_open_requests.iter().map(|choice| choice.kind)),
        live_credentials: 0,
        named: None,
        of_open_requests,
        built_in: built_in(),
        expires_at: None,
    }
}

#[test]
fn without_a_name_the_strategy_is_that_of_the_open_requests() {
    let other = choice(2, AuthStrategyType::KeyAuth);
    let provider = choice(3, AuthStrategyType::OpenidConnect);
    let limits = Limits::default();
    assert_eq!(generate(&generation(&[]), &limits, NOW), Ok(built_in()));
    assert_eq!(generate(&generation(&[other]), &limits, NOW), Ok(other));
    assert_eq!(generate(&generation(&[other, other]), &limits, NOW), Ok(other));
    assert_eq!(generate(&generation(&[provider]), &limits, NOW), Ok(provider));
    let several = generate(&generation(&[other, other, built_in()]), &limits, NOW).unwrap_err();
    assert_eq!(several.len(), 1);
    assert_eq!(
        (several[0].code, several[0].field.join(".")),
        (RefusalCode::Required, "authStrategyId".to_owned())
    );
    let both = [other, built_in()];
    let named = Generation {
        named: Some(other),
        ..generation(&both)
    };
    assert_eq!(generate(&named, &limits, NOW), Ok(other));
}

#[test]
fn a_strategy_of_another_kind_is_a_mismatch() {
    let provider = choice(3, AuthStrategyType::OpenidConnect);
    let bound = BoundKinds::new([CredentialKind::ApiKey], []);
    let named = Generation {
        named: Some(provider),
        app_bound_to: bound,
        ..generation(&[])
    };
    assert_eq!(
        codes(generate(&named, &Limits::default(), NOW)),
        [RefusalCode::StrategyMismatch]
    );
    let fallen_back = Generation {
        app_bound_to: BoundKinds::new([CredentialKind::OauthClient], []),
        ..generation(&[])
    };
    assert_eq!(
        codes(generate(&fallen_back, &Limits::default(), NOW)),
        [RefusalCode::StrategyMismatch]
    );
}

#[test]
fn every_combination_of_obstacles_stops_a_new_credential_with_each_of_them() {
    for developer in DeveloperStatus::iter() {
        for app in AppStatus::iter() {
            for live_credentials in [0, 19, 20, 21] {
                for expires_at in [None, Some(at(9_999_999)), Some(NOW), Some(at(10_000_001))] {
                    let asked = Generation {
                        developer,
                        app,
                        live_credentials,
                        expires_at,
                        ..generation(&[])
                    };
                    let expected: Vec<RefusalCode> = [
                        (
                            developer != DeveloperStatus::Approved,
                            RefusalCode::DeveloperNotApproved,
                        ),
                        (app == AppStatus::Suspended, RefusalCode::AppSuspended),
                        (live_credentials >= 20, RefusalCode::LimitReached),
                        (expires_at.is_some_and(|at| at <= NOW), RefusalCode::Invalid),
                    ]
                    .into_iter()
                    .filter_map(|(stands, code)| stands.then_some(code))
                    .collect();
                    match generate(&asked, &Limits::default(), NOW) {
                        Ok(_) => assert_eq!(expected, [], "{asked:?}"),
                        refused @ Err(_) => assert_eq!(codes(refused), expected, "{asked:?}"),
                    }
                }
            }
        }
    }
}

fn rotation() -> Rotation {
    Rotation {
        developer: DeveloperStatus::Approved,
        app: AppStatus::Active,
        created_at: at(9_000_000),
        expires_at: None,
        revoked_at: None,
        replaced: false,
        overlapping: 0,
        overlap_seconds: 0,
        wanted_expires_at: None,
    }
}

#[test]
fn without_overlap_the_old_one_is_over_at_once() {
    let Rotated {
        old_expires_at,
        new_expires_at,
    } = rotate(&rotation(), &Limits::default(), NOW).unwrap();
    assert_eq!(status(None, Some(old_expires_at), NOW), Expired);
    assert_eq!(new_expires_at, None);
}

#[test]
fn the_old_one_ends_with_the_overlap_or_earlier_by_itself() {
    let overlap = Rotation {
        overlap_seconds: 60,
        ..rotation()
    };
    assert_eq!(
        rotate(&overlap, &Limits::default(), NOW).unwrap().old_expires_at,
        at(10_060_000)
    );
    let sooner = Rotation {
        expires_at: Some(at(10_010_000)),
        ..overlap
    };
    assert_eq!(
        rotate(&sooner, &Limits::default(), NOW).unwrap().old_expires_at,
        at(10_010_000)
    );
    let later = Rotation {
        expires_at: Some(at(99_000_000)),
        ..overlap
    };
    assert_eq!(
        rotate(&later, &Limits::default(), NOW).unwrap().old_expires_at,
        at(10_060_000)
    );
}

#[test]
fn the_new_one_lives_as_long_as_the_old_one_was_given_unless_less_is_wanted() {
    // Made at 9,000,000 for 2,000,000 ms: the new one ends 2,000,000 ms from now.
    let limited = Rotation {
        expires_at: Some(at(11_000_000)),
        ..rotation()
    };
    assert_eq!(
        rotate(&limited, &Limits::default(), NOW).unwrap().new_expires_at,
        Some(at(12_000_000))
    );
    let less = Rotation {
        wanted_expires_at: Some(at(10_500_000)),
        ..limited
    };
    assert_eq!(
        rotate(&less, &Limits::default(), NOW).unwrap().new_expires_at,
        Some(at(10_500_000))
    );
    let more = Rotation {
        wanted_expires_at: Some(at(90_000_000)),
        ..limited
    };
    assert_eq!(
        rotate(&more, &Limits::default(), NOW).unwrap().new_expires_at,
        Some(at(12_000_000))
    );
    let endless = Rotation {
        wanted_expires_at: Some(at(90_000_000)),
        ..rotation()
    };
    assert_eq!(
        rotate(&endless, &Limits::default(), NOW).unwrap().new_expires_at,
        Some(at(90_000_000))
    );
}

#[test]
fn overlaps_are_zero_to_seven_days() {
    assert_eq!(MAX_OVERLAP_SECONDS, 604_800);
    for (overlap_seconds, accepted) in [
        (i32::MIN, false),
        (-1, false),
        (0, true),
        (604_800, true),
        (604_801, false),
    ] {
        let outcome = rotate(
            &Rotation {
                overlap_seconds,
                ..rotation()
            },
            &Limits::default(),
            NOW,
        );
        assert_eq!(outcome.is_ok(), accepted, "{overlap_seconds}");
        if let Err(refusals) = outcome {
            assert_eq!(refusals[0].field, ["overlapSeconds"]);
        }
    }
}

#[test]
fn as_many_are_in_their_overlap_as_may_live() {
    let limits = Limits {
        live_keys_per_app: 3,
        ..Limits::default()
    };
    for (overlapping, overlap_seconds, accepted) in [(2, 60, true), (3, 60, false), (9, 1, false), (9, 0, true)] {
        let asked = Rotation {
            overlapping,
            overlap_seconds,
            ..rotation()
        };
        match rotate(&asked, &limits, NOW) {
            Ok(_) => assert!(accepted, "{asked:?}"),
            Err(refusals) => {
                assert!(!accepted, "{asked:?}");
                assert_eq!(refusals[0].code, RefusalCode::LimitReached);
                assert_eq!(refusals[0].field, ["overlapSeconds"]);
            }
        }
    }
}

#[test]
fn every_combination_of_obstacles_stops_a_rotation_with_each_of_them() {
    for developer in DeveloperStatus::iter() {
        for app in AppStatus::iter() {
            for replaced in [false, true] {
                for revoked_at in [None, Some(at(9_500_000))] {
                    for expires_at in [None, Some(NOW), Some(at(10_000_001))] {
                        for wanted_expires_at in [None, Some(NOW), Some(at(10_000_001))] {
                            let asked = Rotation {
                                developer,
                                app,
                                replaced,
                                revoked_at,
                                expires_at,
                                wanted_expires_at,
                                ..rotation()
                            };
                            let over = revoked_at.is_some() || expires_at == Some(NOW) || replaced;
                            let expected: Vec<RefusalCode> = [
                                (
                                    developer != DeveloperStatus::Approved,
                                    RefusalCode::DeveloperNotApproved,
                                ),
                                (app == AppStatus::Suspended, RefusalCode::AppSuspended),
                                (over, RefusalCode::InvalidTransition),
                                (wanted_expires_at == Some(NOW), RefusalCode::Invalid),
                            ]
                            .into_iter()
                            .filter_map(|(stands, code)| stands.then_some(code))
                            .collect();
                            match rotate(&asked, &Limits::default(), NOW) {
                                Ok(_) => assert_eq!(expected, [], "{asked:?}"),
                                refused @ Err(_) => assert_eq!(codes(refused), expected, "{asked:?}"),
                            }
                        }
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn a_rotation_never_prolongs_the_old_one_nor_gives_more_life_than_it_had(
        created_at in 0_i64..1_000_000,
        life in proptest::option::of(1_i64..1_000_000_000),
        used in 0_i64..1_000_000_000,
        overlap_seconds in 0..=MAX_OVERLAP_SECONDS,
        wanted in proptest::option::of(1_i64..1_000_000_000),
    ) {
        let now = at(created_at + used);
        let asked = Rotation {
            created_at: at(created_at),
            expires_at: life.map(|life| at(created_at + life)),
            overlap_seconds,
            wanted_expires_at: wanted.map(|wanted| at(now.as_millis() + wanted)),
            ..rotation()
        };
        match rotate(&asked, &Limits::default(), now) {
            Ok(rotated) => {
                prop_assert!(asked.expires_at.is_none_or(|own| rotated.old_expires_at <= own));
                prop_assert!(rotated.old_expires_at.as_millis() <= now.as_millis() + i64::from(overlap_seconds) * 1000);
                if let Some(life) = life {
                    prop_assert!(rotated.new_expires_at.unwrap().as_millis() - now.as_millis() <= life);
                }
                prop_assert!(rotated.new_expires_at.is_none_or(|ends| ends > now));
            }
            Err(_) => prop_assert!(life.is_some_and(|life| used >= life)),
        }
    }
}
