use domain::{
    access_request::AccessRequestStatus, developer::DeveloperStatus, id::AuthStrategyId, version::VersionLifecycle,
    viewer::Viewer,
};
use entity::{auth_strategy, credential, version};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _};
use serde_json::{Value, json};

use crate::test_fixture::Fixture;

const CREATE: &str = "mutation ($input: CreateKeyAuthStrategyInput!) { createKeyAuthStrategy(input: $input) {
    authStrategy { id name keyNames credentialTtlDays inUse } replayed userErrors { field code } } }";
const UPDATE: &str = "mutation ($input: UpdateKeyAuthStrategyInput!) { updateKeyAuthStrategy(input: $input) {
    authStrategy { id name keyNames credentialTtlDays } userErrors { field code } } }";
const DELETE: &str = "mutation ($input: DeleteAuthStrategyInput!) { deleteAuthStrategy(input: $input) {
    deletedId userErrors { field code } } }";
const LIST: &str = "{ authStrategies { nodes { __typename id name inUse } totalCount } }";

async fn create(fixture: &Fixture, name: &str) -> AuthStrategyId {
    let payload = fixture.mutate(CREATE, json!({ "name": name })).await;
    id(&payload["authStrategy"])
}

fn id(strategy: &Value) -> AuthStrategyId {
    strategy["id"].as_str().unwrap().parse().unwrap()
}

/// Puts the version under the strategy.
async fn put(fixture: &Fixture, version: domain::id::VersionId, strategy: AuthStrategyId) {
    let mut row: version::ActiveModel = fixture.version_row(version).await.into_active_model();
    row.auth_strategy_id = Set(Some(strategy.uuid()));
    row.registration_enabled = Set(true);
    row.auto_approve = Set(true);
    row.update(fixture.plane.database.read()).await.unwrap();
}

#[tokio::test]
async fn a_strategy_is_made_changed_and_deleted() {
    let fixture = Fixture::new().await;
    let made = fixture.mutate(CREATE, json!({ "name": "  Partner keys " })).await;
    assert_eq!(
        made,
        json!({
            "authStrategy": {
                "id": made["authStrategy"]["id"], "name": "Partner keys", "keyNames": ["apikey"],
                "credentialTtlDays": null, "inUse": false,
            },
            "replayed": false,
            "userErrors": [],
        })
    );
    let id = id(&made["authStrategy"]).to_string();
    let changed = fixture
        .mutate(
            UPDATE,
            json!({ "id": id, "keyNames": ["X-Api-Key", "apikey"], "credentialTtlDays": 30 }),
        )
        .await;
    assert_eq!(
        changed["authStrategy"],
        json!({ "id": id, "name": "Partner keys", "keyNames": ["X-Api-Key", "apikey"], "credentialTtlDays": 30 })
    );
    let changed = fixture
        .mutate(UPDATE, json!({ "id": id, "credentialTtlDays": null }))
        .await;
    assert_eq!(changed["authStrategy"]["credentialTtlDays"], Value::Null);
    assert_eq!(changed["authStrategy"]["keyNames"], json!(["X-Api-Key", "apikey"]));

    let deleted = fixture.mutate(DELETE, json!({ "id": id })).await;
    assert_eq!(deleted, json!({ "deletedId": id, "userErrors": [] }));
    let again = fixture.mutate(DELETE, json!({ "id": id })).await;
    assert_eq!(again["userErrors"], json!([{ "field": ["id"], "code": "NOT_FOUND" }]));
    let audited = fixture.audited().await;
    assert_eq!(audited["auth_strategy.create"], 2, "the built-in one, and this one");
    assert_eq!(audited["auth_strategy.update"], 2);
    assert_eq!(audited["auth_strategy.delete"], 1);
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let fixture = Fixture::new().await;
    let wrong = json!({ "name": " ", "keyNames": ["Host", "a b"], "credentialTtlDays": 0 });
    let payload = fixture.mutate(CREATE, wrong).await;
    assert_eq!(payload["authStrategy"], Value::Null);
    assert_eq!(
        payload["userErrors"],
        json!([
            { "field": ["name"], "code": "REQUIRED" },
            { "field": ["keyNames", "0"], "code": "INVALID" },
            { "field": ["keyNames", "1"], "code": "INVALID" },
            { "field": ["credentialTtlDays"], "code": "INVALID" },
        ])
    );
    let taken = fixture.mutate(CREATE, json!({ "name": "key-auth" })).await;
    assert_eq!(taken["userErrors"], json!([{ "field": ["name"], "code": "TAKEN" }]));

    let id = create(&fixture, "other").await.to_string();
    let nulls = fixture
        .mutate(UPDATE, json!({ "id": id, "name": null, "keyNames": null }))
        .await;
    assert_eq!(
        nulls["userErrors"],
        json!([{ "field": ["name"], "code": "REQUIRED" }, { "field": ["keyNames"], "code": "REQUIRED" }])
    );
    let taken = fixture.mutate(UPDATE, json!({ "id": id, "name": "key-auth" })).await;
    assert_eq!(taken["userErrors"], json!([{ "field": ["name"], "code": "TAKEN" }]));
    let audited = fixture.audited().await;
    assert_eq!(
        audited.get("auth_strategy.update"),
        None,
        "what was refused left no trace"
    );
}

#[tokio::test]
async fn the_same_idempotency_key_makes_one_strategy() {
    let fixture = Fixture::new().await;
    let input = json!({ "name": "once", "idempotencyKey": "k1" });
    let first = fixture.mutate(CREATE, input.clone()).await;
    let renamed = json!({ "id": first["authStrategy"]["id"], "name": "renamed" });
    fixture.mutate(UPDATE, renamed).await;
    let second = fixture.mutate(CREATE, input).await;
    assert_eq!((&first["replayed"], &second["replayed"]), (&json!(false), &json!(true)));
    assert_eq!(first["authStrategy"]["id"], second["authStrategy"]["id"]);
    assert_eq!(second["authStrategy"]["name"], json!("renamed"), "the present state");
    let other = fixture
        .mutate(CREATE, json!({ "name": "two", "idempotencyKey": "k1" }))
        .await;
    assert_eq!(other["userErrors"][0]["code"], json!("IDEMPOTENCY_MISMATCH"));
}

#[tokio::test]
async fn a_strategy_in_use_goes_by_force_with_its_keys_and_closes_its_versions() {
    let fixture = Fixture::new().await;
    let strategy = create(&fixture, "partners").await;
    let kept = create(&fixture, "kept").await;
    let product = fixture.product("payments").await;
    let version = fixture.version(product, "v1", VersionLifecycle::Active).await;
    let other = fixture.version(product, "v2", VersionLifecycle::Active).await;
    put(&fixture, version, strategy).await;
    put(&fixture, other, kept).await;
    let developer = fixture.developer("dev@example.com").await;
    let app = fixture.app(developer, "app-1").await;
    fixture.credential(app, strategy).await;
    let kept_key = fixture.credential(app, kept).await;
    let request = (developer, app);
    fixture
        .access_request(request, version, AccessRequestStatus::Approved)
        .await;
    fixture.plane.follower.load().await.unwrap();
    let grants = || {
        let snapshot = fixture.plane.snapshot.load().unwrap();
        snapshot.grants(domain::Timestamp::now()).len()
    };
    assert_eq!(grants(), 2, "each of the app's keys opens the version");

    let refused = fixture.mutate(DELETE, json!({ "id": strategy.to_string() })).await;
    assert_eq!(refused["userErrors"], json!([{ "field": ["id"], "code": "IN_USE" }]));
    assert!(fixture.version_row(version).await.registration_enabled);

    let done = fixture
        .mutate(DELETE, json!({ "id": strategy.to_string(), "force": true }))
        .await;
    assert_eq!(done["deletedId"], json!(strategy.to_string()));
    assert_eq!(grants(), 0, "the gateway knew it before the answer came");
    let row = fixture.version_row(version).await;
    assert_eq!((row.auth_strategy_id, row.registration_enabled), (None, false));
    let untouched = fixture.version_row(other).await;
    assert_eq!(untouched.auth_strategy_id, Some(kept.uuid()));
    let keys = credential::Entity::find()
        .all(fixture.plane.database.read())
        .await
        .unwrap();
    assert_eq!(keys.iter().map(|key| key.id).collect::<Vec<_>>(), [kept_key.uuid()]);
    let audited = fixture.audited().await;
    assert_eq!((audited["registration.disable"], audited["credential.revoke"]), (1, 1));
}

#[tokio::test]
async fn keys_that_are_over_keep_no_strategy() {
    let fixture = Fixture::new().await;
    let strategy = create(&fixture, "old").await;
    let developer = fixture.developer("dev@example.com").await;
    let app = fixture.app(developer, "app-1").await;
    let key = fixture.credential(app, strategy).await;
    let connection = fixture.plane.database.read();
    let row = credential::Entity::find_by_id(key.uuid())
        .one(connection)
        .await
        .unwrap()
        .unwrap();
    let mut row = row.into_active_model();
    let listed = fixture.query(LIST, json!({})).await;
    assert_eq!(listed["authStrategies"]["nodes"][0]["inUse"], json!(true));
    row.revoked_at = Set(Some(1));
    row.update(connection).await.unwrap();
    let listed = fixture.query(LIST, json!({})).await;
    assert_eq!(listed["authStrategies"]["nodes"][0]["inUse"], json!(false));
    let done = fixture.mutate(DELETE, json!({ "id": strategy.to_string() })).await;
    assert_eq!(done["userErrors"], json!([]));
    assert_eq!(auth_strategy::Entity::find().count(connection).await.unwrap(), 1);
}

#[tokio::test]
async fn the_built_in_strategy_may_change_but_never_goes() {
    let fixture = Fixture::new().await;
    let listed = fixture.query(LIST, json!({})).await;
    let built_in = &listed["authStrategies"]["nodes"][0];
    for force in [false, true] {
        let refused = fixture
            .mutate(DELETE, json!({ "id": built_in["id"], "force": force }))
            .await;
        assert_eq!(refused["userErrors"], json!([{ "field": ["id"], "code": "CONFLICT" }]));
    }
    let changed = fixture
        .mutate(UPDATE, json!({ "id": built_in["id"], "keyNames": ["x-key"] }))
        .await;
    assert_eq!(changed["authStrategy"]["keyNames"], json!(["x-key"]));
}

#[tokio::test]
async fn only_admins_see_and_change_strategies() {
    let fixture = Fixture::new().await;
    let developer = Viewer::Developer {
        id: fixture.developer("dev@example.com").await,
        status: DeveloperStatus::Approved,
    };
    let listed = fixture.query(LIST, json!({})).await;
    let built_in = &listed["authStrategies"]["nodes"][0]["id"];
    for (viewer, code) in [(developer, "FORBIDDEN"), (Viewer::Anonymous, "UNAUTHENTICATED")] {
        let answer = fixture.execute(viewer, LIST, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!("FORBIDDEN"));
        assert_eq!(answer["data"], json!({ "authStrategies": null }));
        let node = "query ($id: ID!) { node(id: $id) { id } }";
        let answer = fixture.execute(viewer, node, json!({ "id": built_in })).await;
        assert_eq!(answer, json!({ "data": { "node": null } }));
        for (document, input) in [
            (CREATE, json!({ "name": "mine" })),
            (UPDATE, json!({ "id": built_in, "name": "mine" })),
            (DELETE, json!({ "id": built_in, "force": true })),
        ] {
            let answer = fixture.execute(viewer, document, json!({ "input": input })).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], json!(code), "{document}");
        }
    }
    let node = "query ($id: ID!) { node(id: $id) { __typename ... on AuthStrategy { name inUse } } }";
    let answer = fixture.query(node, json!({ "id": built_in })).await;
    let expected = json!({ "__typename": "KeyAuthStrategy", "name": "key-auth", "inUse": false });
    assert_eq!(answer["node"], expected);
}

#[tokio::test]
async fn the_list_is_paged_and_counted() {
    let fixture = Fixture::new().await;
    for name in ["one", "two"] {
        create(&fixture, name).await;
    }
    let document = "query ($after: String) { authStrategies(first: 2, after: $after) {
        nodes { name } totalCount pageInfo { hasNextPage endCursor } } }";
    let page = fixture.query(document, json!({})).await;
    let page = &page["authStrategies"];
    assert_eq!(
        (&page["totalCount"], &page["pageInfo"]["hasNextPage"]),
        (&json!(3), &json!(true))
    );
    let rest = fixture
        .query(document, json!({ "after": page["pageInfo"]["endCursor"] }))
        .await;
    assert_eq!(rest["authStrategies"]["pageInfo"]["hasNextPage"], json!(false));
    let names = page["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .chain(rest["authStrategies"]["nodes"].as_array().unwrap());
    let mut names: Vec<&str> = names.map(|node| node["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["key-auth", "one", "two"]);
}

#[tokio::test]
async fn a_strategy_lists_its_versions() {
    let fixture = Fixture::new().await;
    let strategy = create(&fixture, "partners").await;
    let product = fixture.product("payments").await;
    for (name, lifecycle) in [("v1", VersionLifecycle::Active), ("v2", VersionLifecycle::Draft)] {
        let version = fixture.version(product, name, lifecycle).await;
        put(&fixture, version, strategy).await;
    }
    let document = "{ authStrategies { nodes { name versions(last: 1) { nodes { name } totalCount } } } }";
    let listed = fixture.query(document, json!({})).await;
    let nodes = listed["authStrategies"]["nodes"].as_array().unwrap();
    let of = |name: &str| &nodes.iter().find(|node| node["name"] == name).unwrap()["versions"];
    assert_eq!(of("key-auth"), &json!({ "nodes": [], "totalCount": 0 }));
    assert_eq!(of("partners"), &json!({ "nodes": [{ "name": "v1" }], "totalCount": 2 }));

    // Whoever meets the strategy at a version sees those of its versions that exist for them.
    let developer = Viewer::Developer {
        id: fixture.developer("dev@example.com").await,
        status: DeveloperStatus::Approved,
    };
    let document = "{ products { nodes { versions { nodes { registration { authStrategy {
        name versions { nodes { name } totalCount } } } } } } } }";
    let seen = fixture.execute(developer, document, json!({})).await;
    let versions = seen["data"]["products"]["nodes"][0]["versions"]["nodes"]
        .as_array()
        .unwrap();
    let expected = json!({ "name": "partners", "versions": { "nodes": [{ "name": "v1" }], "totalCount": 1 } });
    assert_eq!(
        versions.as_slice(),
        [json!({ "registration": { "authStrategy": expected } })]
    );
}

#[tokio::test]
async fn others_find_the_strategies_that_what_they_see_points_at() {
    let fixture = Fixture::new().await;
    let of_version = create(&fixture, "of the catalog").await;
    let of_draft = create(&fixture, "of a draft").await;
    let of_key = create(&fixture, "of a key").await;
    let product = fixture.product("payments").await;
    for (name, lifecycle, strategy) in [
        ("v1", VersionLifecycle::Active, of_version),
        ("v2", VersionLifecycle::Draft, of_draft),
    ] {
        let version = fixture.version(product, name, lifecycle).await;
        put(&fixture, version, strategy).await;
    }
    let developer = fixture.developer("dev@example.com").await;
    let other = fixture.developer("other@example.com").await;
    let app = fixture.app(developer, "app-1").await;
    fixture.credential(app, of_key).await;
    let viewer = |id, status| Viewer::Developer { id, status };
    let ids = [of_version, of_draft, of_key].map(|id| id.to_string());
    for (viewer, found) in [
        (fixture.admin, [true, true, true]),
        (viewer(developer, DeveloperStatus::Approved), [true, false, true]),
        (viewer(other, DeveloperStatus::Approved), [true, false, false]),
        (viewer(developer, DeveloperStatus::Pending), [false; 3]),
        (Viewer::Anonymous, [false; 3]),
    ] {
        let document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        let answer = fixture.execute(viewer, document, json!({ "ids": ids })).await;
        let nodes = answer["data"]["nodes"].as_array().unwrap();
        let present: Vec<bool> = nodes.iter().map(|node| !node.is_null()).collect();
        assert_eq!(present, found, "{viewer:?}");
    }
}
