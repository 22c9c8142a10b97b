//! What is enforced, and until when.

use domain::{app::AppStatus, id::AppId};

use super::*;
use crate::{record::AppRecord, snapshot};

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
