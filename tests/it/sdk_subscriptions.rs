//! The SDK's subscriptions against a real server.

use portico_sdk::{
    AccessRequest, AccessRequestFilter, AccessRequestStatus, Account, Change, CredentialStatus, DeveloperStatus, Error,
    LiveEvent, Subscription,
};
use portico_tests::{
    fixture,
    server::{PATIENCE, TestServer},
    upstream::Upstream,
};

/// What the subscription tells next.
async fn event<T: std::fmt::Debug>(subscription: &mut Subscription<T>) -> LiveEvent<T> {
    let event = tokio::time::timeout(PATIENCE, subscription.next()).await;
    event.unwrap().unwrap().unwrap()
}

async fn connected<T: std::fmt::Debug>(subscription: &mut Subscription<T>) {
    let event = event(subscription).await;
    assert!(matches!(event, LiveEvent::Connected), "{event:?}");
}

/// The next update for which `wanted` is true; one may stand for several changes, and some are told twice.
async fn update<T: std::fmt::Debug>(subscription: &mut Subscription<T>, wanted: impl Fn(&T) -> bool) -> T {
    loop {
        if let LiveEvent::Update(update) = event(subscription).await
            && wanted(&update)
        {
            return update;
        }
    }
}

fn is<Id>(change: &Change<AccessRequest, Id>, status: &AccessRequestStatus) -> bool {
    matches!(change, Change::Present(request) if request.status == *status)
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_from_the_moment_of_connecting_to_the_end_of_the_object() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", false).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    let mut all = admin.access_requests().changes(AccessRequestFilter::new());
    let mut credentials = dana.client.credentials().changes(Some(&app.id));
    connected(&mut all).await;
    connected(&mut credentials).await;

    let request = fixture::request(&dana, &app, &published.version).await;
    update(&mut all, |change| is(change, &AccessRequestStatus::Pending)).await;
    let mut one = dana.client.access_requests().changes_of(&request.id);
    connected(&mut one).await;
    // Its present state first, whoever had it last.
    update(&mut one, |change| is(change, &AccessRequestStatus::Pending)).await;
    admin.access_requests().approve(&request.id, None).await.unwrap();
    update(&mut all, |change| is(change, &AccessRequestStatus::Approved)).await;
    update(&mut one, |change| is(change, &AccessRequestStatus::Approved)).await;

    let (credential, _) = fixture::key(&dana, &app).await;
    let made = update(&mut credentials, |_| true).await;
    assert!(
        matches!(&made, Change::Present(made) if made.id == credential.id),
        "{made:?}"
    );
    admin.credentials().revoke(&credential.id).await.unwrap();
    let revoked = |change: &Change<portico_sdk::Credential, _>| matches!(change, Change::Present(credential) if credential.status == CredentialStatus::Revoked);
    update(&mut credentials, revoked).await;

    dana.client.apps().delete(&app.id).await.unwrap();
    let gone = update(&mut one, |change| matches!(change, Change::Gone(_))).await;
    assert!(matches!(gone, Change::Gone(id) if id == request.id));
    let end = tokio::time::timeout(PATIENCE, one.next()).await.unwrap();
    assert!(end.is_none(), "{end:?}");
    update(&mut credentials, |change| matches!(change, Change::Gone(_))).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_learns_that_they_were_approved_and_that_they_were_revoked() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let dana = server.pending_developer("dana").await;
    let mut viewer = dana.client.viewer_changes();
    connected(&mut viewer).await;
    admin.developers().approve(&dana.id, None).await.unwrap();
    let approved = |account: &Account| matches!(account, Account::Developer(developer) if developer.status == DeveloperStatus::Approved);
    update(&mut viewer, approved).await;
    admin.developers().revoke(&dana.id, "left").await.unwrap();
    let ended = async {
        loop {
            match viewer.next().await {
                Some(Ok(_)) => {}
                ended => return ended,
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    assert!(
        matches!(ended, Some(Err(Error::Session { ended: true, .. }))),
        "{ended:?}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_follow_is_told_why() {
    let server = TestServer::start().await;
    let mut nobody = server.anonymous().viewer_changes();
    let error = tokio::time::timeout(PATIENCE, nobody.next()).await.unwrap().unwrap();
    assert!(matches!(error, Err(Error::Closed { code: 4403, .. })), "{error:?}");
    server.stop().await;
}
