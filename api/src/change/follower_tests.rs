use entity::change::Subject;
use sea_orm::TransactionTrait as _;
use uuid::Uuid;

use crate::{database::READERS, test_fixture::Fixture};

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
