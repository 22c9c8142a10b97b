//! What developers who are not approved may see and do with a session, and who may have none (docs/adr/0007).

use portico_sdk::{Account, DeveloperStatus, Realm, SecretString};
use portico_tests::{
    caller::{Caller, outcome},
    fixture, refusal,
    server::{DEVELOPER_PASSWORD, TestServer},
    upstream::Upstream,
};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::world::World;

const EVERYTHING: &str = "{
    viewer { ... on Developer { status decision { reason } allowedActions apps { totalCount } } }
    portal { name }
    products { totalCount }
    apps { totalCount }
    accessRequests { totalCount }
}";

#[tokio::test]
async fn a_rejected_developers_session_sees_the_decision_and_the_portal() {
    let world = World::new().await;
    let rejected = &world.callers[5];
    let seen = rejected.post(EVERYTHING, json!({})).await;
    assert_eq!(seen.get("errors"), None, "{seen}");
    let none = json!({ "totalCount": 0 });
    assert_eq!(
        seen["data"]["viewer"],
        json!({
            "status": "REJECTED",
            "decision": { "reason": "not known" },
            "allowedActions": [],
            "apps": none,
        })
    );
    assert!(seen["data"]["portal"]["name"].is_string());
    for list in ["products", "apps", "accessRequests"] {
        assert_eq!(seen["data"][list], none, "{list}");
    }
    // A public portal's catalog is for everyone.
    world.admin.done("updatePortal", "", json!({ "isPublic": true })).await;
    let seen = rejected.post(EVERYTHING, json!({})).await;
    assert_eq!(seen["data"]["products"]["totalCount"], 1);
    world.server.stop().await;
}

#[tokio::test]
async fn a_revoked_developer_has_no_session_and_gets_none() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    fixture::request(&dana, &app, &published.version).await;
    let refresh = dana.client.tokens().unwrap().refresh_token.expose_secret().to_owned();
    let caller = Caller::of(&server, "dana", &dana.client);
    let anyone = Caller::anonymous(&server);
    assert_eq!(
        outcome(&caller.post("{ viewer { id } }", json!({})).await, "viewer"),
        "ok"
    );

    admin.developers().revoke(&dana.id, "left").await.unwrap();
    for (document, field) in [("{ viewer { id } }", "viewer"), ("{ portal { id } }", "portal")] {
        assert_eq!(
            outcome(&caller.post(document, json!({})).await, field),
            "!UNAUTHENTICATED"
        );
    }
    let again = anyone
        .refused("refreshSession", json!({ "refreshToken": refresh }))
        .await;
    assert_eq!(again, ["INVALID_CREDENTIALS refreshToken"]);
    let sign_in = |password: &str| {
        let (client, email, password) = (server.anonymous(), dana.email.clone(), SecretString::from(password));
        async move { client.sign_in(Realm::Portal, email, password).await }
    };
    assert_eq!(
        refusal::code(sign_in(DEVELOPER_PASSWORD).await),
        "DEVELOPER_NOT_APPROVED"
    );
    // Without the password nobody learns that there is such an account.
    assert_eq!(
        refusal::code(sign_in("some other long password").await),
        "INVALID_CREDENTIALS"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_rejected_developer_signs_in_and_learns_why() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let dana = server.pending_developer("dana").await;
    admin.developers().reject(&dana.id, "not known").await.unwrap();
    let client = server.anonymous();
    let password = SecretString::from(DEVELOPER_PASSWORD);
    let account = client.sign_in(Realm::Portal, &dana.email, password).await.unwrap();
    let Account::Developer(developer) = account else {
        panic!("{account:?}");
    };
    assert_eq!(developer.status, DeveloperStatus::Rejected);
    assert_eq!(developer.decision.unwrap().reason.as_deref(), Some("not known"));
    server.stop().await;
}
