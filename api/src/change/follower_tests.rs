use std::time::{Duration, Instant};

use domain::{Timestamp, id::DeveloperId};
use entity::change::Subject;
use gateway::record::Update;
use sea_orm::{ConnectionTrait as _, TransactionTrait as _, sea_query::Query};
use uuid::Uuid;

use crate::{change::unknown_subjects::UnknownSubjects, database::READERS, test_fixture::Fixture};

#[tokio::test]
async fn a_commit_is_applied_however_busy_the_readers_are() {
    let fixture = Fixture::new().await;
    let plane = &fixture.plane;
    let before = plane.follower.position().await;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(plane.database.read().begin().await.unwrap());
    }

    // Behind the readers, it would wait for as long as they are kept.
    let mut transaction = plane.write().await.unwrap();
    transaction.changed(Subject::Developer, Uuid::now_v7());
    transaction.commit().await.unwrap();

    assert_ne!(plane.follower.position().await, before);
    drop(readers);
}

/// A row of the log as a newer version may write it.
async fn log_unknown_subject(fixture: &Fixture) {
    let transaction = fixture.plane.write().await.unwrap();
    let (subject, id, at) = ("QUOTA", Uuid::now_v7(), Timestamp::now().as_millis());
    let mut row = Query::insert();
    row.into_table("change_log").columns(["subject", "subject_id", "at"]);
    row.values_panic([subject.into(), id.into(), at.into()]);
    transaction.execute(&row).await.unwrap();
    transaction.commit().await.unwrap();
}

fn is_held(fixture: &Fixture, developer: DeveloperId) -> bool {
    let snapshot = fixture.plane.snapshot.load().unwrap();
    let mut updates = snapshot.updates();
    updates.any(|update| matches!(update, Update::Developer(id, Some(_)) if id == developer))
}

#[tokio::test]
async fn what_the_log_names_that_is_not_known_is_read_with_everything_else() {
    let fixture = Fixture::new().await;
    let follower = &fixture.plane.follower;
    let loads = follower.progress().full_loads();
    // The fixture writes no row of the log: only who reads everything sees the account.
    let unnamed = fixture.developer("unnamed@example.com").await;
    follower.catch_up().await.unwrap();
    assert!(!is_held(&fixture, unnamed));

    log_unknown_subject(&fixture).await;
    let before = follower.position().await;
    follower.catch_up().await.unwrap();
    assert!(is_held(&fixture, unnamed));
    assert_ne!(follower.position().await, before);
    assert_eq!(follower.progress().full_loads(), loads + 1);
    // It goes on from there.
    follower.catch_up().await.unwrap();
    assert_eq!(follower.progress().full_loads(), loads + 1);
    assert!(follower.is_healthy());
}

#[tokio::test]
async fn a_stream_of_what_is_not_known_holds_up_nothing_that_is() {
    let fixture = Fixture::new().await;
    let follower = &fixture.plane.follower;
    let loads = follower.progress().full_loads();
    let just_now = Instant::now() + Duration::from_secs(3600);
    follower
        .state
        .lock()
        .await
        .unknown_subjects
        .reloaded(just_now, just_now);

    let unnamed = fixture.developer("unnamed@example.com").await;
    log_unknown_subject(&fixture).await;
    let before = follower.position().await;
    for number in 0..3 {
        let named = fixture.developer(&format!("named-{number}@example.com")).await;
        let mut transaction = fixture.plane.write().await.unwrap();
        transaction.changed(Subject::Developer, named.uuid());
        transaction.commit().await.unwrap();
        assert!(is_held(&fixture, named));
    }
    // Nobody is told that this node holds what it may not hold.
    assert!(!is_held(&fixture, unnamed));
    assert_eq!(follower.position().await, before);
    assert_eq!(follower.progress().full_loads(), loads);
    assert!(follower.is_healthy());

    follower.state.lock().await.unknown_subjects = UnknownSubjects::default();
    follower.catch_up().await.unwrap();
    assert!(is_held(&fixture, unnamed));
    assert_ne!(follower.position().await, before);
    assert_eq!(follower.progress().full_loads(), loads + 1);
}
