//! The flow that everything serves: from an empty database to a call that goes through the gateway.

use portico_sdk::{AccessRequestStatus, DeveloperStatus, RevokeAccessRequestInput};
use portico_tests::{fixture, server::TestServer, upstream::Upstream};

#[tokio::test]
async fn a_registered_app_calls_the_api_until_its_access_is_revoked() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let plugins: Vec<_> = published
        .version
        .plugins
        .iter()
        .map(|plugin| (plugin.name.as_str(), plugin.read_only))
        .collect();
    assert_eq!(plugins, [("acl", true), ("key-auth", true)]);

    let pending = server.pending_developer("dana").await;
    assert!(
        server
            .anonymous()
            .products()
            .list()
            .page()
            .await
            .unwrap()
            .nodes
            .is_empty()
    );
    assert!(pending.client.products().list().page().await.unwrap().nodes.is_empty());
    let approved = admin.developers().approve(&pending.id, Some("welcome")).await.unwrap();
    assert_eq!(approved.status, DeveloperStatus::Approved);
    let catalog = pending.client.products().list().page().await.unwrap().nodes;
    assert_eq!(
        catalog.iter().map(|product| product.slug.as_str()).collect::<Vec<_>>(),
        ["mock"]
    );

    let app = fixture::app(&pending, "banking").await;
    let request = fixture::request(&pending, &app, &published.version).await;
    assert_eq!(request.status, AccessRequestStatus::Approved);
    let (credential, key) = fixture::key(&pending, &app).await;

    let answer = server.call("/mock/a?b=c", Some(&key)).await;
    assert_eq!(answer.status(), 200);
    let seen: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(seen["path"], "/a?b=c");
    assert_eq!(seen["headers"]["x-consumer-id"], app.id.to_string());
    assert_eq!(seen["headers"]["x-consumer-custom-id"], "banking");
    assert_eq!(seen["headers"]["x-credential-identifier"], credential.id.to_string());
    assert_eq!(seen["headers"].get("apikey"), None);

    assert_eq!(server.verdict("/mock", None).await, (401, None));
    let last = if key.ends_with('x') { 'y' } else { 'x' };
    let unknown = format!("{}{last}", &key[..key.len() - 1]);
    assert_eq!(server.verdict("/mock", Some(&unknown)).await, (401, None));

    admin
        .access_requests()
        .revoke(RevokeAccessRequestInput::new(&request.id, "misuse"))
        .await
        .unwrap();
    assert_eq!(
        server.verdict("/mock", Some(&key)).await,
        (403, Some("REQUEST_REVOKED".to_owned()))
    );
    admin.access_requests().approve(&request.id, None).await.unwrap();
    assert_eq!(server.verdict("/mock", Some(&key)).await.0, 200);
    server.stop().await;
}
