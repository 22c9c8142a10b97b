//! The access decision: every combination of facts against "traffic flows only if".

use domain::{
    Timestamp,
    access::{CredentialFacts, Denial, Facts, StrategyFacts, decide, ends_at},
    access_request::AccessRequestStatus,
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    developer::DeveloperStatus,
    version::VersionLifecycle,
};
use proptest::prelude::*;
use strum::IntoEnumIterator as _;

const DAY: i64 = 86_400_000;
const NOW: Timestamp = at(100 * DAY);

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn options<T>(values: impl Iterator<Item = T>) -> impl Iterator<Item = Option<T>> {
    std::iter::once(None).chain(values.map(Some))
}

#[test]
fn every_combination_passes_exactly_when_every_condition_holds() {
    let mut passed = 0;
    for lifecycle in VersionLifecycle::iter() {
        for strategy_kind in options(AuthStrategyType::iter()) {
            for credential_ttl_days in [None, Some(10), Some(11)] {
                for kind in CredentialKind::iter() {
                    for expires_at in [None, Some(NOW), Some(at(100 * DAY + 1))] {
                        for revoked_at in [None, Some(at(99 * DAY))] {
                            for app in AppStatus::iter() {
                                for developer in DeveloperStatus::iter() {
                                    for request in options(AccessRequestStatus::iter()) {
                                        let facts = Facts {
                                            lifecycle,
                                            strategy: strategy_kind.map(|kind| StrategyFacts {
                                                kind,
                                                credential_ttl_days,
                                            }),
                                            credential: CredentialFacts {
                                                kind,
                                                // Ten days old: a TTL of ten days is over, of eleven not.
                                                created_at: at(90 * DAY),
                                                expires_at,
                                                revoked_at,
                                            },
                                            app,
                                            developer,
                                            request,
                                        };
                                        let conditions = [
                                            matches!(
                                                lifecycle,
                                                VersionLifecycle::Active | VersionLifecycle::Deprecated
                                            ),
                                            strategy_kind.is_some_and(|strategy| strategy.credential_kind() == kind),
                                            credential_ttl_days != Some(10),
                                            expires_at != Some(NOW),
                                            revoked_at.is_none(),
                                            app == AppStatus::Active,
                                            developer == DeveloperStatus::Approved,
                                            request == Some(AccessRequestStatus::Approved),
                                        ];
                                        let expected = conditions.iter().all(|&holds| holds);
                                        assert_eq!(decide(&facts, NOW).is_ok(), expected, "{facts:?}");
                                        passed += u32::from(expected);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    // 2 live lifecycles, 2 kinds that fit, 2 TTLs, 2 expiries.
    assert_eq!(passed, 16);
}

#[test]
fn each_single_obstacle_has_its_own_denial() {
    let passing = Facts {
        lifecycle: VersionLifecycle::Active,
        strategy: Some(StrategyFacts {
            kind: AuthStrategyType::KeyAuth,
            credential_ttl_days: None,
        }),
        credential: CredentialFacts {
            kind: CredentialKind::ApiKey,
            created_at: at(0),
            expires_at: None,
            revoked_at: None,
        },
        app: AppStatus::Active,
        developer: DeveloperStatus::Approved,
        request: Some(AccessRequestStatus::Approved),
    };
    assert_eq!(decide(&passing, NOW), Ok(()));
    let strategy = |kind, credential_ttl_days| {
        Some(StrategyFacts {
            kind,
            credential_ttl_days,
        })
    };
    let expires = |credential: CredentialFacts| CredentialFacts {
        expires_at: Some(NOW),
        ..credential
    };
    let revoked = |credential: CredentialFacts| CredentialFacts {
        revoked_at: Some(NOW),
        ..credential
    };
    let table = [
        (
            Facts {
                lifecycle: VersionLifecycle::Draft,
                ..passing
            },
            Denial::VersionDraft,
            404,
        ),
        (
            Facts {
                lifecycle: VersionLifecycle::Retired,
                ..passing
            },
            Denial::VersionRetired,
            410,
        ),
        (
            Facts {
                strategy: None,
                ..passing
            },
            Denial::NoStrategy,
            401,
        ),
        (
            Facts {
                strategy: strategy(AuthStrategyType::OpenidConnect, None),
                ..passing
            },
            Denial::StrategyMismatch,
            401,
        ),
        (
            Facts {
                credential: revoked(passing.credential),
                ..passing
            },
            Denial::CredentialRevoked,
            401,
        ),
        (
            Facts {
                credential: expires(passing.credential),
                ..passing
            },
            Denial::CredentialExpired,
            401,
        ),
        (
            Facts {
                strategy: strategy(AuthStrategyType::KeyAuth, Some(100)),
                ..passing
            },
            Denial::CredentialTooOld,
            401,
        ),
        (
            Facts {
                developer: DeveloperStatus::Pending,
                ..passing
            },
            Denial::DeveloperPending,
            403,
        ),
        (
            Facts {
                developer: DeveloperStatus::Rejected,
                ..passing
            },
            Denial::DeveloperRejected,
            403,
        ),
        (
            Facts {
                developer: DeveloperStatus::Revoked,
                ..passing
            },
            Denial::DeveloperRevoked,
            403,
        ),
        (
            Facts {
                app: AppStatus::Suspended,
                ..passing
            },
            Denial::AppSuspended,
            403,
        ),
        (
            Facts {
                request: None,
                ..passing
            },
            Denial::NotRequested,
            403,
        ),
        (
            Facts {
                request: Some(AccessRequestStatus::Pending),
                ..passing
            },
            Denial::RequestPending,
            403,
        ),
        (
            Facts {
                request: Some(AccessRequestStatus::Rejected),
                ..passing
            },
            Denial::RequestRejected,
            403,
        ),
        (
            Facts {
                request: Some(AccessRequestStatus::Revoked),
                ..passing
            },
            Denial::RequestRevoked,
            403,
        ),
        (
            Facts {
                request: Some(AccessRequestStatus::Cancelled),
                ..passing
            },
            Denial::RequestCancelled,
            403,
        ),
    ];
    for (facts, expected, http_status) in table {
        assert_eq!(decide(&facts, NOW), Err(expected));
        assert_eq!(expected.http_status(), http_status, "{expected}");
    }
    assert!(Denial::iter().all(|denial| table.iter().any(|row| row.1 == denial)));
}

proptest! {
    #[test]
    fn a_call_stops_at_the_millisecond_that_ends_at_names(
        created in 0_i64..10_000_000,
        life in proptest::option::of(1_i64..20 * DAY),
        ttl in proptest::option::of(1_u32..20),
    ) {
        let credential = CredentialFacts {
            kind: CredentialKind::ApiKey,
            created_at: at(created),
            expires_at: life.map(|life| at(created + life)),
            revoked_at: None,
        };
        let strategy = StrategyFacts { kind: AuthStrategyType::KeyAuth, credential_ttl_days: ttl };
        let facts = Facts {
            lifecycle: VersionLifecycle::Active,
            strategy: Some(strategy),
            credential,
            app: AppStatus::Active,
            developer: DeveloperStatus::Approved,
            request: Some(AccessRequestStatus::Approved),
        };
        match ends_at(&credential, &strategy) {
            Some(end) => {
                prop_assert!(decide(&facts, at(end.as_millis() - 1)).is_ok());
                prop_assert!(decide(&facts, end).is_err());
            }
            None => {
                prop_assert!(life.is_none() && ttl.is_none());
                prop_assert!(decide(&facts, at(i64::MAX)).is_ok());
            }
        }
    }
}
