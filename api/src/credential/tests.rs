use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::ApiKey,
    developer::DeveloperStatus,
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
    version::VersionLifecycle,
    viewer::Viewer,
};
use entity::{audit_event, auth_strategy, credential, idempotency_key, version};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _};
use serde_json::{Value, json};

use crate::{auth_strategy::store as strategies, test_fixture::Fixture};

const GENERATE: &str = "mutation ($input: GenerateCredentialInput!) { generateCredential(input: $input) {
    credential { id name kind status hint clientId expiresAt revokedAt replacedBy { id } lastUsedAt allowedActions
        app { id } authStrategy { id } }
    secret replayed userErrors { field code } } }";
const ROTATE: &str = "mutation ($input: RotateCredentialInput!) { rotateCredential(input: $input) {
    credential { id name status hint createdAt expiresAt authStrategy { id } } secret replayed userErrors { field code }
    } }";
const REVOKE: &str = "mutation ($input: RevokeCredentialInput!) { revokeCredential(input: $input) {
    credential { id status allowedActions } userErrors { field code } } }";
const NODE: &str = "query ($id: ID!) { node(id: $id) { ... on Credential {
    status createdAt expiresAt replacedBy { id } lastUsedAt allowedActions } } }";

/// An approved developer with an app, and a version that the app is approved for.
struct Scene {
    fixture: Fixture,
    ada: DeveloperId,
    own: Viewer,
    app: AppId,
    version: VersionId,
    built_in: AuthStrategyId,
}

impl Scene {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let built_in = strategies::built_in(fixture.plane.database.read()).await.unwrap().id;
        let ada = fixture.developer("ada@example.com").await;
        let app = fixture.app(ada, "adas").await;
        let product = fixture.product("payments").await;
        let version = fixture.version(product, "v1", VersionLifecycle::Active).await;
        let scene = Self {
            own: Viewer::Developer {
                id: ada,
                status: DeveloperStatus::Approved,
            },
            fixture,
            ada,
            app,
            version,
            built_in,
        };
        scene.put(version, built_in).await;
        scene.request(version).await;
        scene.fixture.plane.follower.load().await.unwrap();
        scene
    }

    /// Puts the version under the strategy.
    async fn put(&self, version: VersionId, strategy: AuthStrategyId) {
        let mut row: version::ActiveModel = self.fixture.version_row(version).await.into_active_model();
        row.auth_strategy_id = Set(Some(strategy.uuid()));
        row.update(self.fixture.plane.database.read()).await.unwrap();
    }

    async fn request(&self, version: VersionId) {
        let owner = (self.ada, self.app);
        self.fixture
            .access_request(owner, version, AccessRequestStatus::Approved)
            .await;
    }

    async fn strategy(&self, name: &str, kind: auth_strategy::Kind) -> AuthStrategyId {
        let id = AuthStrategyId::new();
        let row = auth_strategy::ActiveModel {
            id: Set(id.uuid()),
            kind: Set(kind),
            name: Set(name.to_owned()),
            built_in: Set(false),
            key_names: Set("[\"x-key\"]".to_owned()),
            credential_ttl_days: Set(None),
            created_at: Set(Timestamp::now().as_millis()),
        };
        row.insert(self.fixture.plane.database.read()).await.unwrap();
        id
    }

    async fn generate(&self, mut input: Value) -> Value {
        input["appId"] = json!(self.app.to_string());
        self.fixture.mutate_as(self.own, GENERATE, input).await
    }

    async fn rotate(&self, id: &str, mut input: Value) -> Value {
        input["id"] = json!(id);
        self.fixture.mutate_as(self.own, ROTATE, input).await
    }

    async fn node(&self, id: &str) -> Value {
        let response = self.fixture.execute(self.own, NODE, json!({ "id": id })).await;
        assert_eq!(response["errors"], Value::Null);
        response["data"]["node"].clone()
    }

    /// The credentials that open something at the gateway `after` so long from now.
    fn open_after(&self, after: Duration) -> BTreeSet<String> {
        let snapshot = self.fixture.plane.snapshot.load().unwrap();
        let grants = snapshot.grants(Timestamp::now().saturating_add(after));
        grants
            .into_iter()
            .map(|grant| grant.credential_id.to_string())
            .collect()
    }

    fn open_now(&self) -> BTreeSet<String> {
        self.open_after(Duration::ZERO)
    }
}

fn id_of(payload: &Value) -> String {
    payload["credential"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{payload}"))
        .to_owned()
}

fn refused(field: Value, code: &str) -> Value {
    json!([{ "field": field, "code": code }])
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

fn one(id: &str) -> BTreeSet<String> {
    BTreeSet::from([id.to_owned()])
}

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
async fn a_rotated_key_goes_on_for_its_overlap() {
    let scene = Scene::new().await;
    let old = id_of(&scene.generate(json!({ "name": "Live key" })).await);
    let rotated = scene
        .rotate(&old, json!({ "overlapSeconds": 3600, "idempotencyKey": "r1" }))
        .await;
    let new = id_of(&rotated);
    assert_eq!(rotated["credential"]["name"], "Live key");
    assert_eq!(rotated["credential"]["authStrategy"]["id"], scene.built_in.to_string());
    assert_eq!(
        rotated["credential"]["expiresAt"],
        Value::Null,
        "the old one had no end"
    );
    assert!(ApiKey::parse(rotated["secret"].as_str().unwrap().as_bytes()).is_ok());
    let shown = scene.node(&old).await;
    let made_at = instant(&rotated["credential"]["createdAt"]);
    assert_eq!(shown["status"], "ACTIVE");
    assert_eq!(shown["replacedBy"]["id"], new);
    assert_eq!(
        instant(&shown["expiresAt"]),
        made_at.saturating_add(Duration::from_secs(3600))
    );
    assert_eq!(shown["allowedActions"], json!(["REVOKE"]));
    assert_eq!(scene.open_now(), BTreeSet::from([old.clone(), new.clone()]));
    assert_eq!(scene.open_after(Duration::from_secs(3601)), one(&new));

    let again = scene
        .rotate(&old, json!({ "overlapSeconds": 3600, "idempotencyKey": "r1" }))
        .await;
    assert_eq!((&again["secret"], &again["replayed"]), (&Value::Null, &json!(true)));
    assert_eq!(id_of(&again), new);
    let replaced = scene.rotate(&old, json!({})).await;
    assert_eq!(replaced["userErrors"], refused(json!(["id"]), "INVALID_TRANSITION"));

    // Without an overlap the old one ends with the answer.
    let newest = id_of(&scene.rotate(&new, json!({})).await);
    assert_eq!(scene.node(&new).await["status"], "EXPIRED");
    assert_eq!(scene.open_after(Duration::from_secs(3601)), one(&newest));
    let expired = scene.rotate(&new, json!({})).await;
    assert_eq!(expired["userErrors"], refused(json!(["id"]), "INVALID_TRANSITION"));
    assert_eq!(scene.fixture.audited().await["credential.rotate"], 2);
}

#[tokio::test]
async fn a_rotated_key_hands_on_the_life_it_was_given() {
    let scene = Scene::new().await;
    let hour = Duration::from_secs(3600);
    let in_an_hour = Timestamp::now().saturating_add(hour).to_string();
    let old = id_of(&scene.generate(json!({ "expiresAt": in_an_hour })).await);
    let before = scene.node(&old).await;
    let life = instant(&before["expiresAt"]).saturating_duration_since(instant(&before["createdAt"]));
    // The overlap is longer than the old key's own life: it keeps its end.
    let rotated = scene.rotate(&old, json!({ "overlapSeconds": 604_800 })).await;
    assert_eq!(scene.node(&old).await["expiresAt"], before["expiresAt"]);
    let new = &rotated["credential"];
    assert_eq!(
        instant(&new["expiresAt"]),
        instant(&new["createdAt"]).saturating_add(life)
    );

    let sooner = Timestamp::now().saturating_add(hour / 2).to_string();
    let newer = scene.rotate(&id_of(&rotated), json!({ "expiresAt": sooner })).await;
    assert_eq!(newer["credential"]["expiresAt"], sooner);
    let later = Timestamp::now().saturating_add(hour * 5).to_string();
    let newest = scene.rotate(&id_of(&newer), json!({ "expiresAt": later })).await;
    assert!(
        instant(&newest["credential"]["expiresAt"]) < instant(&json!(later)),
        "no longer life than was given"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_rotations_at_once_one_wins() {
    let scene = Arc::new(Scene::new().await);
    let old = id_of(&scene.generate(json!({})).await);
    let rotations = (0..10).map(|_| {
        let (scene, old) = (Arc::clone(&scene), old.clone());
        tokio::spawn(async move { scene.rotate(&old, json!({ "overlapSeconds": 60 })).await })
    });
    let payloads = futures_util::future::join_all(rotations.collect::<Vec<_>>()).await;
    let lost = payloads
        .into_iter()
        .map(Result::unwrap)
        .filter(|payload| payload["credential"].is_null());
    let lost: Vec<Value> = lost.map(|payload| payload["userErrors"].clone()).collect();
    assert_eq!(lost, vec![refused(json!(["id"]), "INVALID_TRANSITION"); 9]);
    let rows = credential::Entity::find()
        .count(scene.fixture.plane.database.read())
        .await
        .unwrap();
    assert_eq!(rows, 2);
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
