use std::sync::Arc;

use domain::{
    access_request::AccessRequestStatus,
    api_key::ApiKey,
    developer::DeveloperStatus,
    id::{AuthStrategyId, CredentialId},
    version::VersionLifecycle,
    viewer::Viewer,
};
use entity::{audit_event, auth_strategy, credential, idempotency_key};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use super::test_scene::{GENERATE, NODE, REVOKE, ROTATE, Scene, id_of, one, refused};

#[tokio::test]
async fn a_secret_is_shown_once_and_stored_nowhere() {
    let scene = Scene::new().await;
    let made = scene
        .generate(json!({ "name": " Live key ", "idempotencyKey": "k1" }))
        .await;
    let id = id_of(&made);
    let secret = made["secret"].as_str().unwrap().to_owned();
    let key = ApiKey::parse(secret.as_bytes()).unwrap();
    assert_eq!(
        made,
        json!({
            "credential": {
                "id": id, "name": "Live key", "kind": "API_KEY", "status": "ACTIVE", "hint": key.hint(),
                "clientId": null, "expiresAt": null, "revokedAt": null, "replacedBy": null, "lastUsedAt": null,
                "allowedActions": ["ROTATE", "REVOKE"], "app": { "id": scene.app.to_string() },
                "authStrategy": { "id": scene.built_in.to_string() },
            },
            "secret": secret, "replayed": false, "userErrors": [],
        })
    );
    assert_eq!(
        scene.open_now(),
        one(&id),
        "the gateway knows it when the answer is there"
    );
    let again = scene
        .generate(json!({ "name": " Live key ", "idempotencyKey": "k1" }))
        .await;
    assert_eq!(again["credential"], made["credential"]);
    assert_eq!((&again["secret"], &again["replayed"]), (&Value::Null, &json!(true)));
    let mismatch = scene.generate(json!({ "name": "Other", "idempotencyKey": "k1" })).await;
    assert_eq!(
        mismatch["userErrors"],
        refused(json!(["idempotencyKey"]), "IDEMPOTENCY_MISMATCH")
    );

    let database = scene.fixture.plane.database.read();
    let rows = credential::Entity::find().all(database).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].key_hash.as_deref(), Some(key.hash().as_bytes().as_slice()));
    let events = audit_event::Entity::find().all(database).await.unwrap();
    let keys = idempotency_key::Entity::find().all(database).await.unwrap();
    let generated = events.iter().filter(|event| event.action == "credential.generate");
    assert_eq!(generated.count(), 1);
    // The secret's own part, without the prefix that all keys share.
    let random = &secret[4..];
    assert!(!format!("{rows:?} {events:?} {keys:?}").contains(random));
    let hash: String = key.hash().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!format!("{events:?}").contains(&hash));
}

#[tokio::test]
async fn an_unnamed_strategy_is_that_of_the_open_requests() {
    let scene = Scene::new().await;
    let fixture = &scene.fixture;
    let partner = scene.strategy("partner", auth_strategy::Kind::KeyAuth).await;
    let hidden = scene.strategy("hidden", auth_strategy::Kind::KeyAuth).await;
    let oidc = scene.strategy("oidc", auth_strategy::Kind::OpenidConnect).await;
    let strategy = |payload: &Value| payload["credential"]["authStrategy"]["id"].clone();

    // None open: the built-in one.
    let other = fixture.app(scene.ada, "other").await;
    let input = json!({ "appId": other.to_string() });
    let made = fixture.mutate_as(scene.own, GENERATE, input).await;
    assert_eq!(strategy(&made), scene.built_in.to_string());
    assert_eq!(made["credential"]["name"], "API key");

    scene.put(scene.version, partner).await;
    assert_eq!(strategy(&scene.generate(json!({})).await), partner.to_string());
    // A request that has ended names nothing; one for a version without a strategy neither.
    let product = fixture.product("others").await;
    let ended = fixture.version(product, "ended", VersionLifecycle::Active).await;
    scene.put(ended, scene.built_in).await;
    fixture
        .access_request((scene.ada, scene.app), ended, AccessRequestStatus::Cancelled)
        .await;
    scene
        .request(fixture.version(product, "bare", VersionLifecycle::Active).await)
        .await;
    assert_eq!(strategy(&scene.generate(json!({})).await), partner.to_string());

    let second = fixture.version(product, "second", VersionLifecycle::Active).await;
    scene.put(second, scene.built_in).await;
    scene.request(second).await;
    let several = scene.generate(json!({})).await;
    assert_eq!(several["userErrors"], refused(json!(["authStrategyId"]), "REQUIRED"));
    let named = scene.generate(json!({ "authStrategyId": partner.to_string() })).await;
    assert_eq!(strategy(&named), partner.to_string());

    // A strategy that nothing they see points at is not there for them.
    for unknown in [hidden, oidc, AuthStrategyId::new()] {
        let payload = scene.generate(json!({ "authStrategyId": unknown.to_string() })).await;
        assert_eq!(payload["userErrors"], refused(json!(["authStrategyId"]), "NOT_FOUND"));
    }
    let through_catalog = fixture.version(product, "listed", VersionLifecycle::Deprecated).await;
    scene.put(through_catalog, oidc).await;
    let payload = scene.generate(json!({ "authStrategyId": oidc.to_string() })).await;
    assert_eq!(
        payload["userErrors"],
        refused(json!(["authStrategyId"]), "STRATEGY_MISMATCH")
    );
    // Not for want of a binding either: there is no key to such a strategy.
    let fresh = fixture.app(scene.ada, "fresh").await;
    let input = json!({ "appId": fresh.to_string(), "authStrategyId": oidc.to_string() });
    let payload = fixture.mutate_as(scene.own, GENERATE, input).await;
    assert_eq!(
        payload["userErrors"],
        refused(json!(["authStrategyId"]), "STRATEGY_MISMATCH")
    );
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let scene = Scene::new().await;
    let payload = scene
        .generate(json!({ "name": "", "expiresAt": "2020-01-01T00:00:00Z" }))
        .await;
    let expected = json!([
        { "field": ["name"], "code": "REQUIRED" },
        { "field": ["expiresAt"], "code": "INVALID" },
    ]);
    assert_eq!(payload["userErrors"], expected);
    assert_eq!(
        (&payload["credential"], &payload["secret"]),
        (&Value::Null, &Value::Null)
    );

    let suspend = "mutation ($input: SuspendAppInput!) { suspendApp(input: $input) { userErrors { code } } }";
    let id = id_of(&scene.generate(json!({})).await);
    assert_eq!(scene.open_now(), one(&id));
    let input = json!({ "id": scene.app.to_string(), "reason": "abuse" });
    scene.fixture.mutate(suspend, input).await;
    assert!(scene.open_now().is_empty(), "suspended, its credentials open nothing");
    let payload = scene.generate(json!({})).await;
    assert_eq!(payload["userErrors"], refused(json!(["appId"]), "APP_SUSPENDED"));
    let payload = scene.rotate(&id, json!({ "overlapSeconds": 604_801 })).await;
    let expected = json!([
        { "field": ["id"], "code": "APP_SUSPENDED" },
        { "field": ["overlapSeconds"], "code": "INVALID" },
    ]);
    assert_eq!(payload["userErrors"], expected);
    let resume = "mutation ($input: ResumeAppInput!) { resumeApp(input: $input) { userErrors { code } } }";
    scene
        .fixture
        .mutate(resume, json!({ "id": scene.app.to_string() }))
        .await;
    assert_eq!(scene.open_now(), one(&id), "resumed, the same key opens again");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_live_keys_than_the_limit_however_they_race() {
    let mut scene = Scene::new().await;
    Arc::get_mut(&mut scene.fixture.plane).unwrap().limits.live_keys_per_app = 3;
    let scene = Arc::new(scene);
    let generates = (0..12).map(|_| {
        let scene = Arc::clone(&scene);
        tokio::spawn(async move { scene.generate(json!({})).await })
    });
    let payloads = futures_util::future::join_all(generates.collect::<Vec<_>>()).await;
    let (made, refusals): (Vec<Value>, Vec<Value>) = payloads
        .into_iter()
        .map(Result::unwrap)
        .partition(|payload| payload["credential"].is_object());
    assert_eq!(made.len(), 3);
    let limit = refused(json!(["appId"]), "LIMIT_REACHED");
    assert!(
        refusals.iter().all(|payload| payload["userErrors"] == limit),
        "{refusals:?}"
    );

    // At the limit a key rotates, and in its overlap it does not count: revoking the new one makes room.
    let rotated = scene.rotate(&id_of(&made[0]), json!({ "overlapSeconds": 3600 })).await;
    let new = id_of(&rotated);
    assert_eq!(scene.open_now().len(), 4);
    assert_eq!(scene.generate(json!({})).await["userErrors"], limit);
    scene.fixture.mutate_as(scene.own, REVOKE, json!({ "id": new })).await;
    assert!(scene.generate(json!({})).await["credential"].is_object());
    assert_eq!(scene.generate(json!({})).await["userErrors"], limit);
}

#[tokio::test]
async fn a_revoked_credential_opens_nothing_from_then_on() {
    let scene = Scene::new().await;
    let (by_owner, by_admin) = (
        id_of(&scene.generate(json!({})).await),
        id_of(&scene.generate(json!({})).await),
    );
    let input = json!({ "id": by_owner });
    let revoked = scene.fixture.mutate_as(scene.own, REVOKE, input.clone()).await;
    let expected = json!({ "id": by_owner, "status": "REVOKED", "allowedActions": [] });
    assert_eq!(revoked["credential"], expected);
    assert_eq!(scene.open_now(), one(&by_admin));
    scene.fixture.mutate(REVOKE, json!({ "id": by_admin })).await;
    assert!(scene.open_now().is_empty());
    let again = scene.fixture.mutate_as(scene.own, REVOKE, input).await;
    assert_eq!(again["userErrors"], refused(json!(["id"]), "INVALID_TRANSITION"));
    let rotated = scene.rotate(&by_owner, json!({})).await;
    assert_eq!(rotated["userErrors"], refused(json!(["id"]), "INVALID_TRANSITION"));
    assert_eq!(scene.fixture.audited().await["credential.revoke"], 2);
}

#[tokio::test]
async fn a_credential_exists_for_its_apps_developer_and_for_admins() {
    let scene = Scene::new().await;
    let id = id_of(&scene.generate(json!({})).await);
    let bob = Viewer::Developer {
        id: scene.fixture.developer("bob@example.com").await,
        status: DeveloperStatus::Approved,
    };
    let waiting = Viewer::Developer {
        id: scene.ada,
        status: DeveloperStatus::Rejected,
    };
    let not_found = refused(json!(["id"]), "NOT_FOUND");
    for stranger in [bob, waiting] {
        let response = scene.fixture.execute(stranger, NODE, json!({ "id": id })).await;
        assert_eq!(response["data"]["node"], Value::Null);
        for document in [ROTATE, REVOKE] {
            let payload = scene.fixture.mutate_as(stranger, document, json!({ "id": id })).await;
            assert_eq!(payload["userErrors"], not_found, "{stranger:?}");
        }
        let input = json!({ "appId": scene.app.to_string() });
        let payload = scene.fixture.mutate_as(stranger, GENERATE, input).await;
        assert_eq!(payload["userErrors"], refused(json!(["appId"]), "NOT_FOUND"));
    }
    let seen = scene.fixture.query(NODE, json!({ "id": id })).await;
    assert_eq!(seen["node"]["allowedActions"], json!(["REVOKE"]));
    for (viewer, document, input, code) in [
        (
            scene.fixture.admin,
            GENERATE,
            json!({ "appId": scene.app.to_string() }),
            "FORBIDDEN",
        ),
        (scene.fixture.admin, ROTATE, json!({ "id": id }), "FORBIDDEN"),
        (
            Viewer::Anonymous,
            GENERATE,
            json!({ "appId": scene.app.to_string() }),
            "UNAUTHENTICATED",
        ),
        (Viewer::Anonymous, REVOKE, json!({ "id": id }), "UNAUTHENTICATED"),
        (
            scene.own,
            REVOKE,
            json!({ "id": scene.app.to_string() }),
            "BAD_USER_INPUT",
        ),
    ] {
        let response = scene.fixture.execute(viewer, document, json!({ "input": input })).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], code, "{document}");
    }
}

#[tokio::test]
async fn credentials_are_listed_at_their_apps() {
    let scene = Scene::new().await;
    let other = scene.fixture.app(scene.ada, "other").await;
    let first = id_of(&scene.generate(json!({})).await);
    let second = id_of(&scene.generate(json!({})).await);
    let of_other: CredentialId = scene.fixture.credential(other, scene.built_in).await;
    let document = "{ apps { nodes { referenceId credentials(first: 1) {
        nodes { id app { referenceId } authStrategy { name } allowedActions } pageInfo { hasNextPage } totalCount } } } }";
    let response = scene.fixture.execute(scene.own, document, json!({})).await;
    let entry = |id: &str, app: &str| {
        json!({ "id": id, "app": { "referenceId": app }, "authStrategy": { "name": "key-auth" },
            "allowedActions": ["ROTATE", "REVOKE"] })
    };
    let expected = json!([
        { "referenceId": "other", "credentials": {
            "nodes": [entry(&of_other.to_string(), "other")], "pageInfo": { "hasNextPage": false }, "totalCount": 1 } },
        { "referenceId": "adas", "credentials": {
            "nodes": [entry(&second, "adas")], "pageInfo": { "hasNextPage": true }, "totalCount": 2 } },
    ]);
    assert_eq!(
        response["data"]["apps"]["nodes"], expected,
        "{first} comes on the next page"
    );
}
