//! Asking for access: every combination of facts against the rules as DESIGN.md words them.

use domain::{
    RefusalCode, Timestamp,
    access_request::{AccessRequestStatus, History, Outcome, Submission, submit, viewer_cannot_register_reasons},
    app::{AppStatus, BoundKinds},
    auth_strategy::AuthStrategyType,
    credential::{CredentialKind, StrategyChoice},
    developer::DeveloperStatus,
    id::{AdminId, AuthStrategyId, DeveloperId},
    portal::PortalSettings,
    registration::Registration,
    version::VersionLifecycle,
    viewer::Viewer,
};
use strum::IntoEnumIterator as _;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const BOOLS: [bool; 2] = [false, true];

fn strategy(kind: AuthStrategyType) -> StrategyChoice {
    StrategyChoice {
        id: AuthStrategyId::from_uuid(uuid::Uuid::nil()),
        kind,
    }
}

/// A submission that is approved at once.
fn granted() -> Submission {
    Submission {
        portal: PortalSettings::default(),
        developer: DeveloperStatus::Approved,
        app: AppStatus::Active,
        app_bound_to: BoundKinds::default(),
        has_open_request: false,
        product_published: true,
        lifecycle: VersionLifecycle::Active,
        registration: Registration {
            enabled: true,
            auto_approve: true,
            auth_strategy: Some(strategy(AuthStrategyType::KeyAuth)),
        },
        history: History::default(),
    }
}

fn codes(submission: &Submission) -> Vec<RefusalCode> {
    submit(submission, NOW).map_or_else(
        |refusals| refusals.into_iter().map(|refusal| refusal.code).collect(),
        |_| Vec::new(),
    )
}

#[test]
fn an_automatic_approval_says_so() {
    let Outcome { status, decision } = submit(&granted(), NOW).unwrap();
    let decision = decision.unwrap();
    assert_eq!(status, AccessRequestStatus::Approved);
    assert!(decision.automatic);
    assert_eq!((decision.by, decision.at, decision.reason), (None, NOW, None));
}

#[test]
fn a_waiting_request_has_no_decision() {
    let mut submission = granted();
    submission.registration.auto_approve = false;
    let outcome = submit(&submission, NOW).unwrap();
    assert_eq!(
        outcome,
        Outcome {
            status: AccessRequestStatus::Pending,
            decision: None
        }
    );
}

#[test]
fn auto_approve_of_portal_or_version_approves_unless_history_says_no() {
    for portal in BOOLS {
        for version in BOOLS {
            for held in BOOLS {
                for suspended_app_with_request in BOOLS {
                    let mut submission = granted();
                    submission.portal.auto_approve_access_requests = portal;
                    submission.registration.auto_approve = version;
                    submission.history = History {
                        held,
                        suspended_app_with_request,
                    };
                    let expected = match (portal || version, held || suspended_app_with_request) {
                        (true, false) => AccessRequestStatus::Approved,
                        (true, true) | (false, _) => AccessRequestStatus::Pending,
                    };
                    assert_eq!(submit(&submission, NOW).unwrap().status, expected, "{submission:?}");
                }
            }
        }
    }
}

#[test]
fn every_combination_of_obstacles_is_refused_with_each_of_them() {
    for is_public in BOOLS {
        for developer in DeveloperStatus::iter() {
            for app in AppStatus::iter() {
                for product_published in BOOLS {
                    for lifecycle in VersionLifecycle::iter() {
                        for enabled in BOOLS {
                            for has_open_request in BOOLS {
                                for bound in [None, Some(CredentialKind::ApiKey), Some(CredentialKind::OauthClient)] {
                                    let mut submission = granted();
                                    submission.portal.is_public = is_public;
                                    submission.developer = developer;
                                    submission.app = app;
                                    submission.product_published = product_published;
                                    submission.lifecycle = lifecycle;
                                    submission.registration.enabled = enabled;
                                    submission.has_open_request = has_open_request;
                                    submission.app_bound_to = BoundKinds::new(bound, []);
                                    let expected: Vec<RefusalCode> = [
                                        (is_public, RefusalCode::PortalIsPublic),
                                        (
                                            developer != DeveloperStatus::Approved,
                                            RefusalCode::DeveloperNotApproved,
                                        ),
                                        (app == AppStatus::Suspended, RefusalCode::AppSuspended),
                                        (
                                            !product_published || lifecycle != VersionLifecycle::Active,
                                            RefusalCode::VersionNotAvailable,
                                        ),
                                        (!enabled, RefusalCode::RegistrationDisabled),
                                        (has_open_request, RefusalCode::AlreadyRequested),
                                        (
                                            bound == Some(CredentialKind::OauthClient),
                                            RefusalCode::StrategyMismatch,
                                        ),
                                    ]
                                    .into_iter()
                                    .filter_map(|(stands, code)| stands.then_some(code))
                                    .collect();
                                    assert_eq!(codes(&submission), expected, "{submission:?}");
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn enabled_without_a_strategy_takes_no_requests() {
    let mut submission = granted();
    submission.registration.auth_strategy = None;
    assert_eq!(codes(&submission), [RefusalCode::RegistrationDisabled]);
}

#[test]
fn the_kind_of_an_app_is_fixed_by_credentials_and_by_requests() {
    for version_kind in AuthStrategyType::iter() {
        for credential in [None, Some(CredentialKind::ApiKey), Some(CredentialKind::OauthClient)] {
            for request in [
                None,
                Some(AuthStrategyType::KeyAuth),
                Some(AuthStrategyType::OpenidConnect),
            ] {
                let mut submission = granted();
                submission.registration.auth_strategy = Some(strategy(version_kind));
                submission.app_bound_to = BoundKinds::new(credential, request);
                let fits = credential.is_none_or(|kind| kind.strategy_type() == version_kind)
                    && request.is_none_or(|kind| kind == version_kind);
                let expected: &[RefusalCode] = if fits { &[] } else { &[RefusalCode::StrategyMismatch] };
                assert_eq!(
                    codes(&submission),
                    expected,
                    "{version_kind} {credential:?} {request:?}"
                );
            }
        }
    }
}

#[test]
fn the_register_button_shows_exactly_when_a_fresh_app_would_be_taken() {
    let developer = |status| Viewer::Developer {
        id: DeveloperId::new(),
        status,
    };
    let viewers = [Viewer::Anonymous, Viewer::Admin { id: AdminId::new() }]
        .into_iter()
        .chain(DeveloperStatus::iter().map(developer));
    for viewer in viewers {
        for is_public in BOOLS {
            for product_published in BOOLS {
                for lifecycle in VersionLifecycle::iter() {
                    for enabled in BOOLS {
                        let mut submission = granted();
                        submission.portal.is_public = is_public;
                        submission.product_published = product_published;
                        submission.lifecycle = lifecycle;
                        submission.registration.enabled = enabled;
                        submission.developer = match viewer {
                            Viewer::Developer { status, .. } => status,
                            // Whoever is no developer is no approved one.
                            Viewer::Anonymous | Viewer::Admin { .. } => DeveloperStatus::Pending,
                        };
                        let reasons = viewer_cannot_register_reasons(
                            &viewer,
                            &submission.portal,
                            product_published,
                            lifecycle,
                            &submission.registration,
                        );
                        assert_eq!(reasons, codes(&submission), "{viewer:?} {submission:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn refusals_name_their_fields() {
    let mut submission = granted();
    submission.app = AppStatus::Suspended;
    submission.product_published = false;
    submission.registration.enabled = false;
    submission.has_open_request = true;
    submission.app_bound_to = BoundKinds::new([CredentialKind::OauthClient], []);
    let fields: Vec<_> = submit(&submission, NOW)
        .unwrap_err()
        .into_iter()
        .map(|refusal| refusal.field.join("."))
        .collect();
    assert_eq!(fields, ["appId", "versionId", "versionId", "versionId", "appId"]);
}
