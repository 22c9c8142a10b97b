//! What is enforced, and until when.

use domain::{
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    id::{AppId, AuthStrategyId},
};

use super::*;
use crate::{
    record::{AppRecord, AuthStrategyRecord, Unreadable},
    snapshot,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn enforced() -> Enforced {
    Enforced::new(snapshot::channel().0, MaxStaleness::default())
}

fn header(taken_at: Timestamp) -> CopyHeader {
    CopyHeader {
        position: "7".to_owned(),
        taken_at,
    }
}

fn app() -> Update {
    AppRecord {
        id: AppId::new(),
        developer_id: domain::id::DeveloperId::new(),
        status: AppStatus::Active,
        name: "App".to_owned(),
        reference_id: "app".to_owned(),
    }
    .into()
}

#[test]
fn a_copy_is_enforced_unless_it_is_too_old() {
    let now = Timestamp::now();
    let young = enforced();
    assert!(young.restore(
        &header(now.saturating_sub(DAY - Duration::from_secs(60))),
        Snapshot::default()
    ));
    assert_eq!(young.position().as_deref(), Some("7"));
    assert!(young.age() > Some(DAY - Duration::from_secs(61)));
    young.withdraw_if_stale();
    assert!(young.reader.load().is_some());

    let old = enforced();
    assert!(!old.restore(
        &header(now.saturating_sub(DAY + Duration::from_secs(1))),
        Snapshot::default()
    ));
    assert!(old.position().is_none() && old.reader.load().is_none());

    let unlimited = Enforced::new(snapshot::channel().0, MaxStaleness::new(Duration::ZERO));
    assert!(unlimited.restore(&header(Timestamp::from_millis(0)), Snapshot::default()));
}

#[test]
fn a_copy_never_replaces_what_the_control_plane_said() {
    let enforced = enforced();
    enforced.replace(Snapshot::default(), "8".to_owned(), Timestamp::now());
    assert!(!enforced.restore(&header(Timestamp::now()), Snapshot::default()));
    assert_eq!(enforced.position().as_deref(), Some("8"));
}

#[test]
fn what_became_too_old_comes_back_by_a_full_snapshot_alone() {
    let enforced = enforced();
    enforced.replace(Snapshot::default(), "8".to_owned(), Timestamp::now());
    // As after a day of silence.
    let long_ago = Timestamp::now().saturating_sub(DAY * 2);
    enforced
        .clock
        .note(Contact::of_copy(long_ago, enforced.clock.reading()));
    enforced.withdraw_if_stale();
    assert!(enforced.reader.load().is_none() && enforced.position().is_none());
    assert!(enforced.hear("9".to_owned(), Timestamp::now()).is_err());
    assert!(enforced.apply(vec![app()], "9".to_owned(), Timestamp::now()).is_err());
    assert!(enforced.copyable().is_none());
    enforced.replace(Snapshot::default(), "10".to_owned(), Timestamp::now());
    enforced.withdraw_if_stale();
    assert!(enforced.reader.load().is_some());
}

#[test]
fn expiry_goes_by_the_later_of_both_clocks() {
    let enforced = enforced();
    let ahead = Timestamp::now().saturating_add(DAY);
    enforced.replace(Snapshot::default(), "8".to_owned(), ahead);
    assert!(enforced.reader.now() >= ahead);
    let behind = Timestamp::now().saturating_sub(DAY);
    enforced.hear("9".to_owned(), behind).unwrap();
    let own = Timestamp::now();
    assert!(enforced.reader.now() >= own && enforced.reader.now() < ahead);
}

#[test]
fn a_copy_names_the_state_that_it_holds() {
    let enforced = enforced();
    let at = Timestamp::now();
    enforced.replace(Snapshot::default(), "8".to_owned(), at);
    enforced
        .apply(vec![app()], "9".to_owned(), at.saturating_add(DAY))
        .unwrap();
    let (header, snapshot) = enforced.copyable().unwrap();
    assert_eq!(header.position, "9");
    assert_eq!(header.taken_at, at.saturating_add(DAY));
    assert_eq!(snapshot.updates().count(), 1);
}

#[test]
fn key_headers_outlast_a_full_snapshot_and_a_time_without_any() {
    let enforced = enforced();
    assert!(!enforced.has_begun());
    let id = AuthStrategyId::new();
    let strategy = |name: &str| {
        Update::from(AuthStrategyRecord {
            id,
            kind: AuthStrategyType::KeyAuth,
            key_names: vec![name.to_owned()],
            credential_ttl_days: None,
        })
    };
    let replace = |updates: &[Update]| {
        let snapshot = Snapshot::of(updates.iter().cloned());
        enforced.replace(snapshot, "8".to_owned(), Timestamp::now());
    };
    let knows = |name: &str| enforced.reader.load().unwrap().is_key_header(name);
    let unreadable = [Update::Unreadable(Unreadable::AuthStrategy {
        id,
        key_names: Vec::new(),
    })];
    replace(&[strategy("x-first")]);
    assert!(enforced.has_begun());
    replace(&unreadable);
    assert!(knows("x-first"));
    enforced.withdraw();
    replace(&unreadable);
    assert!(knows("x-first") && enforced.has_begun());
    let change = vec![strategy("x-second")];
    enforced.apply(change, "9".to_owned(), Timestamp::now()).unwrap();
    enforced.withdraw();
    replace(&unreadable);
    assert!(knows("x-second") && !knows("x-first"));
    // A full snapshot without it says that it is gone.
    replace(&[]);
    replace(&unreadable);
    assert!(!knows("x-second"));
}
