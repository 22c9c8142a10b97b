use std::{collections::BTreeSet, sync::Arc};

use domain::{
    access_request::AccessRequestStatus, developer::DeveloperStatus, id::DeveloperId, version::VersionLifecycle,
    viewer::Viewer,
};
use entity::{access_request, access_request_hold, app, audit_event, credential};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};

use crate::{auth_strategy, test_fixture::Fixture};

mod visibility;

const CREATE: &str = "mutation ($input: CreateAppInput!) { createApp(input: $input) {
    app { id name referenceId description status suspension { reason } developer { id } allowedActions }
    replayed userErrors { field code } } }";
const UPDATE: &str = "mutation ($input: UpdateAppInput!) { updateApp(input: $input) {
    app { id name referenceId description } userErrors { field code } } }";
const DELETE: &str = "mutation ($input: DeleteAppInput!) { deleteApp(input: $input) {
    deletedId userErrors { field code } } }";
const SUSPEND: &str = "mutation ($input: SuspendAppInput!) { suspendApp(input: $input) {
    app { id status suspension { automatic reason } allowedActions } userErrors { field code } } }";
const RESUME: &str = "mutation ($input: ResumeAppInput!) { resumeApp(input: $input) {
    app { id status suspension { reason } allowedActions } userErrors { field code } } }";
const LIST: &str = "query ($first: Int, $after: String, $filter: AppFilter, $orderBy: AppOrder) {
    apps(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
        nodes { name referenceId } pageInfo { hasNextPage endCursor } totalCount } }";

fn as_developer(id: DeveloperId, status: DeveloperStatus) -> Viewer {
    Viewer::Developer { id, status }
}

async fn approved(fixture: &Fixture, email: &str) -> Viewer {
    as_developer(fixture.developer(email).await, DeveloperStatus::Approved)
}

async fn create(fixture: &Fixture, viewer: Viewer, reference_id: &str) -> String {
    let made = fixture
        .mutate_as(
            viewer,
            CREATE,
            json!({ "name": reference_id, "referenceId": reference_id }),
        )
        .await;
    made["app"]["id"].as_str().unwrap().to_owned()
}

fn refused(field: Value, code: &str) -> Value {
    json!([{ "field": field, "code": code }])
}

fn top_level_code(response: &Value) -> &str {
    response["errors"][0]["extensions"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn an_app_is_made_changed_suspended_resumed_and_deleted() {
    let fixture = Fixture::new().await;
    let ada = fixture.developer("ada@example.com").await;
    let viewer = as_developer(ada, DeveloperStatus::Approved);
    let input = json!({ "name": "  Mobile banking ", "referenceId": "mobile.1", "description": " " });
    let made = fixture.mutate_as(viewer, CREATE, input).await;
    let id = made["app"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        made,
        json!({
            "app": {
                "id": id, "name": "Mobile banking", "referenceId": "mobile.1", "description": null,
                "status": "ACTIVE", "suspension": null, "developer": { "id": ada.to_string() },
                "allowedActions": ["UPDATE", "DELETE", "REQUEST_ACCESS", "GENERATE_CREDENTIAL"],
            },
            "replayed": false,
            "userErrors": [],
        })
    );

    let patch = json!({ "id": id, "name": "Bank", "description": "Pays" });
    let changed = fixture.mutate_as(viewer, UPDATE, patch).await;
    let expected = json!({ "id": id, "name": "Bank", "referenceId": "mobile.1", "description": "Pays" });
    assert_eq!(changed["app"], expected);
    let patch = json!({ "id": id, "referenceId": "mobile.2", "description": null });
    let changed = fixture.mutate_as(viewer, UPDATE, patch).await;
    let expected = json!({ "id": id, "name": "Bank", "referenceId": "mobile.2", "description": null });
    assert_eq!(changed["app"], expected);

    let suspended = fixture.mutate(SUSPEND, json!({ "id": id, "reason": "abuse" })).await;
    let expected = json!({
        "id": id, "status": "SUSPENDED", "suspension": { "automatic": false, "reason": "abuse" },
        "allowedActions": ["DELETE", "RESUME"],
    });
    assert_eq!(suspended["app"], expected);
    let again = fixture.mutate(SUSPEND, json!({ "id": id, "reason": "abuse" })).await;
    assert_eq!(again["userErrors"], refused(json!(["id"]), "INVALID_TRANSITION"));
    let resumed = fixture.mutate(RESUME, json!({ "id": id })).await;
    let expected = json!({ "id": id, "status": "ACTIVE", "suspension": null, "allowedActions": ["DELETE", "SUSPEND"] });
    assert_eq!(resumed["app"], expected);
    let again = fixture.mutate(RESUME, json!({ "id": id })).await;
    assert_eq!(again["userErrors"], refused(json!(["id"]), "INVALID_TRANSITION"));

    let deleted = fixture.mutate_as(viewer, DELETE, json!({ "id": id })).await;
    assert_eq!(deleted, json!({ "deletedId": id, "userErrors": [] }));
    let again = fixture.mutate_as(viewer, DELETE, json!({ "id": id })).await;
    assert_eq!(again["userErrors"], refused(json!(["id"]), "NOT_FOUND"));

    let audited = fixture.audited().await;
    for (action, times) in [
        ("app.create", 1),
        ("app.update", 2),
        ("app.suspend", 1),
        ("app.resume", 1),
        ("app.delete", 1),
    ] {
        assert_eq!(audited.get(action), Some(&times), "{action}");
    }
    let events = audit_event::Entity::find()
        .all(fixture.plane.database.read())
        .await
        .unwrap();
    let suspension = events.iter().find(|event| event.action == "app.suspend").unwrap();
    assert_eq!(suspension.reason.as_deref(), Some("abuse"));
    assert_eq!(suspension.subject_id, id);
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let fixture = Fixture::new().await;
    let viewer = approved(&fixture, "ada@example.com").await;
    let wrong = json!({ "name": " ", "referenceId": "-x", "description": "x".repeat(10_001) });
    let payload = fixture.mutate_as(viewer, CREATE, wrong).await;
    assert_eq!(payload["app"], Value::Null);
    let expected = json!([
        { "field": ["name"], "code": "REQUIRED" },
        { "field": ["referenceId"], "code": "INVALID" },
        { "field": ["description"], "code": "TOO_LONG" },
    ]);
    assert_eq!(payload["userErrors"], expected);

    let id = create(&fixture, viewer, "one").await;
    let wrong = json!({ "id": id, "name": null, "referenceId": null });
    let payload = fixture.mutate_as(viewer, UPDATE, wrong).await;
    let expected = json!([
        { "field": ["name"], "code": "REQUIRED" },
        { "field": ["referenceId"], "code": "REQUIRED" },
    ]);
    assert_eq!(payload["userErrors"], expected);
    let payload = fixture.mutate(SUSPEND, json!({ "id": id, "reason": " " })).await;
    assert_eq!(payload["userErrors"], refused(json!(["reason"]), "REQUIRED"));
    let wrong_kind = json!({ "input": { "id": DeveloperId::new().to_string() } });
    let response = fixture.execute(viewer, DELETE, wrong_kind).await;
    assert_eq!(top_level_code(&response), "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_reference_id_is_unique_and_stays_its_developers() {
    let fixture = Fixture::new().await;
    let ada = approved(&fixture, "ada@example.com").await;
    let bob = approved(&fixture, "bob@example.com").await;
    let taken = refused(json!(["referenceId"]), "TAKEN");
    let id = create(&fixture, ada, "shared").await;
    create(&fixture, bob, "Shared").await;
    let input = json!({ "name": "Other", "referenceId": "shared" });
    for viewer in [ada, bob] {
        let payload = fixture.mutate_as(viewer, CREATE, input.clone()).await;
        assert_eq!(payload["userErrors"], taken, "{viewer:?}");
    }

    // Freed by a change, and then by deletion: Ada may use it again, Bob never.
    let renamed = fixture
        .mutate_as(ada, UPDATE, json!({ "id": id, "referenceId": "mine" }))
        .await;
    assert_eq!(renamed["app"]["referenceId"], "mine");
    let payload = fixture.mutate_as(bob, CREATE, input.clone()).await;
    assert_eq!(payload["userErrors"], taken);
    let other = create(&fixture, ada, "shared").await;
    let clash = json!({ "id": other, "referenceId": "mine" });
    assert_eq!(fixture.mutate_as(ada, UPDATE, clash).await["userErrors"], taken);
    fixture.mutate_as(ada, DELETE, json!({ "id": other })).await;
    let payload = fixture.mutate_as(bob, CREATE, input).await;
    assert_eq!(payload["userErrors"], taken);
    create(&fixture, ada, "shared").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_at_once_one_gets_the_reference_id() {
    let fixture = Fixture::new().await;
    let ada = approved(&fixture, "ada@example.com").await;
    let bob = approved(&fixture, "bob@example.com").await;
    let fixture = Arc::new(fixture);
    let creates = (0..50).map(|number| {
        let fixture = Arc::clone(&fixture);
        let viewer = if number % 2 == 0 { ada } else { bob };
        let input = json!({ "name": format!("app {number}"), "referenceId": "contested" });
        tokio::spawn(async move { fixture.mutate_as(viewer, CREATE, input).await })
    });
    let payloads = futures_util::future::join_all(creates.collect::<Vec<_>>()).await;
    let mut made = 0;
    for payload in payloads {
        let payload = payload.unwrap();
        if payload["app"].is_null() {
            assert_eq!(payload["userErrors"], refused(json!(["referenceId"]), "TAKEN"));
        } else {
            made += 1;
        }
    }
    assert_eq!(made, 1);
    assert_eq!(
        app::Entity::find().count(fixture.plane.database.read()).await.unwrap(),
        1
    );
    assert_eq!(fixture.audited().await["app.create"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_apps_than_the_limit_however_they_race() {
    let mut fixture = Fixture::new().await;
    Arc::get_mut(&mut fixture.plane).unwrap().limits.apps_per_developer = 3;
    let ada = approved(&fixture, "ada@example.com").await;
    let fixture = Arc::new(fixture);
    let creates = (0..12).map(|number| {
        let fixture = Arc::clone(&fixture);
        let input = json!({ "name": "app", "referenceId": format!("app-{number}") });
        tokio::spawn(async move { fixture.mutate_as(ada, CREATE, input).await })
    });
    let payloads = futures_util::future::join_all(creates.collect::<Vec<_>>()).await;
    let refusals = payloads
        .into_iter()
        .map(Result::unwrap)
        .filter(|payload| payload["app"].is_null());
    let refusals: Vec<Value> = refusals.map(|payload| payload["userErrors"].clone()).collect();
    assert_eq!(refusals, vec![refused(Value::Null, "LIMIT_REACHED"); 9]);
    // Another developer has a limit of their own, and a deleted app makes room.
    let bob = approved(&fixture, "bob@example.com").await;
    create(&fixture, bob, "bobs").await;
    let one = app::Entity::find()
        .one(fixture.plane.database.read())
        .await
        .unwrap()
        .unwrap();
    let one = crate::app::store::AppRecord::from(one);
    fixture.mutate(DELETE, json!({ "id": one.id.to_string() })).await;
    create(&fixture, ada, "room").await;
}

#[tokio::test]
async fn a_key_makes_one_app() {
    let fixture = Fixture::new().await;
    let ada = approved(&fixture, "ada@example.com").await;
    let bob = approved(&fixture, "bob@example.com").await;
    let input = json!({ "name": "App", "referenceId": "app", "idempotencyKey": "k1" });
    let made = fixture.mutate_as(ada, CREATE, input.clone()).await;
    let id = made["app"]["id"].clone();
    fixture
        .mutate_as(ada, UPDATE, json!({ "id": id, "name": "Renamed" }))
        .await;
    let again = fixture.mutate_as(ada, CREATE, input.clone()).await;
    assert_eq!(again["replayed"], true);
    assert_eq!(again["app"]["id"], id);
    assert_eq!(again["app"]["name"], "Renamed", "the present state");
    let mut other = input.clone();
    other["name"] = json!("Another");
    let mismatch = fixture.mutate_as(ada, CREATE, other).await;
    assert_eq!(
        mismatch["userErrors"],
        refused(json!(["idempotencyKey"]), "IDEMPOTENCY_MISMATCH")
    );
    // The key is Ada's: to Bob it means nothing.
    let of_bob = fixture.mutate_as(bob, CREATE, input.clone()).await;
    assert_eq!(of_bob["userErrors"], refused(json!(["referenceId"]), "TAKEN"));
    fixture.mutate_as(ada, DELETE, json!({ "id": id })).await;
    let gone = fixture.mutate_as(ada, CREATE, input).await;
    assert_eq!(gone["userErrors"], refused(json!(["idempotencyKey"]), "NOT_FOUND"));
}

#[tokio::test]
async fn a_deleted_app_takes_all_with_it_and_leaves_holds_when_it_was_suspended() {
    let fixture = Fixture::new().await;
    let database = fixture.plane.database.read();
    let strategy = auth_strategy::store::built_in(database).await.unwrap().id;
    let ada = fixture.developer("ada@example.com").await;
    let product = fixture.product("payments").await;
    let mut versions = Vec::new();
    for name in ["v1", "v2"] {
        versions.push(fixture.version(product, name, VersionLifecycle::Active).await);
    }
    let (kept, suspended) = (fixture.app(ada, "kept").await, fixture.app(ada, "suspended").await);
    for app in [kept, suspended] {
        fixture.credential(app, strategy).await;
    }
    for (version, status) in [
        (versions[0], AccessRequestStatus::Cancelled),
        (versions[0], AccessRequestStatus::Approved),
        (versions[1], AccessRequestStatus::Rejected),
    ] {
        fixture.access_request((ada, suspended), version, status).await;
    }
    fixture
        .access_request((ada, kept), versions[0], AccessRequestStatus::Approved)
        .await;
    let count_holds = || async { access_request_hold::Entity::find().all(database).await.unwrap() };

    fixture.mutate(DELETE, json!({ "id": kept.to_string() })).await;
    assert!(count_holds().await.is_empty(), "it was active");
    fixture
        .mutate(SUSPEND, json!({ "id": suspended.to_string(), "reason": "abuse" }))
        .await;
    fixture.mutate(DELETE, json!({ "id": suspended.to_string() })).await;
    let held: BTreeSet<_> = count_holds()
        .await
        .into_iter()
        .map(|hold| (hold.email_normalised, hold.version_id))
        .collect();
    let expected = versions.iter().map(|id| ("ada@example.com".to_owned(), id.uuid()));
    assert_eq!(held, expected.collect());
    assert_eq!(credential::Entity::find().count(database).await.unwrap(), 0);
    assert_eq!(access_request::Entity::find().count(database).await.unwrap(), 0);
    let events = audit_event::Entity::find().all(database).await.unwrap();
    let deletion = events.iter().rfind(|event| event.action == "app.delete").unwrap();
    let before: Value = serde_json::from_str(deletion.before.as_deref().unwrap()).unwrap();
    assert_eq!(before["liveCredentialIds"].as_array().unwrap().len(), 1);
    assert_eq!(before["openAccessRequestIds"].as_array().unwrap().len(), 1);
}
