use std::sync::Arc;

use domain::{Timestamp, id::CredentialId};
use entity::{change, credential};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use tokio_util::sync::CancellationToken;

use super::usage;
use crate::{auth_strategy::store as strategies, test_fixture::Fixture};

const MINUTE: i64 = 60_000;

async fn with_credentials(count: usize) -> (Fixture, Vec<CredentialId>) {
    let fixture = Fixture::new().await;
    let strategy = strategies::built_in(fixture.plane.database.read()).await.unwrap().id;
    let ada = fixture.developer("ada@example.com").await;
    let app = fixture.app(ada, "adas").await;
    let mut credentials = Vec::new();
    for _ in 0..count {
        credentials.push(fixture.credential(app, strategy).await);
    }
    (fixture, credentials)
}

async fn last_used(fixture: &Fixture, id: CredentialId) -> Option<i64> {
    let row = credential::Entity::find_by_id(id.uuid())
        .one(fixture.plane.database.read())
        .await;
    row.unwrap().unwrap().last_used_at
}

#[tokio::test]
async fn uses_are_written_to_the_minute_outside_the_change_log() {
    let (fixture, credentials) = with_credentials(3).await;
    let [one, other, unused] = credentials.try_into().unwrap();
    let usage = &fixture.plane.usage;
    let changes = || change::Entity::find().count(fixture.plane.database.read());
    let before = changes().await.unwrap();
    usage.record(one, Timestamp::from_millis(100 * MINUTE + 59_999));
    usage.record(other, Timestamp::from_millis(101 * MINUTE));
    usage.record(CredentialId::new(), Timestamp::from_millis(MINUTE));
    usage::write(&fixture.plane).await.unwrap();
    assert_eq!(last_used(&fixture, one).await, Some(100 * MINUTE));
    assert_eq!(last_used(&fixture, other).await, Some(101 * MINUTE));
    assert_eq!(last_used(&fixture, unused).await, None);
    assert_eq!(changes().await.unwrap(), before);
    assert!(usage.drain().is_empty());

    // Another server's later note stays.
    usage.record(one, Timestamp::from_millis(102 * MINUTE));
    usage.record(other, Timestamp::from_millis(99 * MINUTE));
    usage::write(&fixture.plane).await.unwrap();
    assert_eq!(last_used(&fixture, one).await, Some(102 * MINUTE));
    assert_eq!(last_used(&fixture, other).await, Some(101 * MINUTE));
}

#[tokio::test]
async fn what_could_not_be_written_is_kept_for_the_next_time() {
    let (fixture, credentials) = with_credentials(1).await;
    let at = Timestamp::from_millis(100 * MINUTE + 1);
    fixture.plane.usage.record(credentials[0], at);
    fixture.plane.database.clone().close().await.unwrap();
    assert!(usage::write(&fixture.plane).await.is_err());
    assert_eq!(fixture.plane.usage.drain(), [(credentials[0], at)]);
}

#[tokio::test]
async fn the_last_uses_are_written_at_shutdown() {
    let (fixture, credentials) = with_credentials(1).await;
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    fixture
        .plane
        .usage
        .record(credentials[0], Timestamp::from_millis(100 * MINUTE));
    usage::run(Arc::clone(&fixture.plane), shutdown).await;
    assert_eq!(last_used(&fixture, credentials[0]).await, Some(100 * MINUTE));
}
