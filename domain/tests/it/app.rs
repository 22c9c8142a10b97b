use domain::{
    RefusalCode,
    app::{AppAction, AppStatus, BoundKinds, allowed_actions, check_active, deletion_holds_requests, resume, suspend},
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    viewer::Actor,
};
use strum::IntoEnumIterator as _;

use AppAction::{Delete, GenerateCredential, RequestAccess, Resume, Suspend, Update};

#[test]
fn suspend_and_resume_are_as_drawn() {
    assert_eq!(suspend(AppStatus::Active), Ok(AppStatus::Suspended));
    assert_eq!(resume(AppStatus::Suspended), Ok(AppStatus::Active));
    for refusal in [
        suspend(AppStatus::Suspended).unwrap_err(),
        resume(AppStatus::Active).unwrap_err(),
    ] {
        assert_eq!(refusal.code, RefusalCode::InvalidTransition);
        assert_eq!(refusal.field, ["id"]);
    }
}

#[test]
fn every_actor_in_every_state_may_do_what_the_table_says() {
    let table: [(AppStatus, Actor, &[AppAction]); 6] = [
        (
            AppStatus::Active,
            Actor::Owner,
            &[Update, Delete, RequestAccess, GenerateCredential],
        ),
        (AppStatus::Active, Actor::Admin, &[Delete, Suspend]),
        (AppStatus::Active, Actor::Stranger, &[]),
        (AppStatus::Suspended, Actor::Owner, &[Update, Delete]),
        (AppStatus::Suspended, Actor::Admin, &[Delete, Resume]),
        (AppStatus::Suspended, Actor::Stranger, &[]),
    ];
    assert_eq!(table.len(), AppStatus::iter().count() * Actor::iter().count());
    for (status, actor, expected) in table {
        assert_eq!(allowed_actions(status, actor), expected, "{status} {actor:?}");
    }
}

#[test]
fn a_suspended_app_gets_nothing_new() {
    assert!(check_active("appId", AppStatus::Active).is_ok());
    let refusal = check_active("appId", AppStatus::Suspended).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.field),
        (RefusalCode::AppSuspended, vec!["appId".to_owned()])
    );
}

#[test]
fn deleting_holds_only_what_was_suspended_with_a_request() {
    assert!(deletion_holds_requests(AppStatus::Suspended, true));
    assert!(!deletion_holds_requests(AppStatus::Suspended, false));
    assert!(!deletion_holds_requests(AppStatus::Active, true));
    assert!(!deletion_holds_requests(AppStatus::Active, false));
}

#[test]
fn an_app_of_two_kinds_gets_nothing_of_either() {
    let bound = BoundKinds::new([CredentialKind::ApiKey], [AuthStrategyType::OpenidConnect]);
    assert!(AuthStrategyType::iter().all(|kind| !bound.admits(kind)));
    assert!(AuthStrategyType::iter().all(|kind| BoundKinds::default().admits(kind)));
}
