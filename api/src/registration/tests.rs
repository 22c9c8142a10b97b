use domain::{
    Timestamp, access_request::AccessRequestStatus, developer::DeveloperStatus, id::VersionId,
    version::VersionLifecycle, viewer::Viewer,
};
use entity::access_request;
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use crate::test_fixture::Fixture;

const ENABLE: &str = "mutation ($input: EnableRegistrationInput!) { enableRegistration(input: $input) {
    versions { id name registration { id enabled autoApprove authStrategy { id name } }
        plugins { name readOnly config } }
    userErrors { field message code } } }";
const DISABLE: &str = "mutation ($input: DisableRegistrationInput!) { disableRegistration(input: $input) {
    versions { id name registration { enabled autoApprove authStrategy { name } } plugins { name } }
    userErrors { field message code } } }";
const CREATE_STRATEGY: &str = "mutation ($input: CreateKeyAuthStrategyInput!) { createKeyAuthStrategy(input: $input) {
    authStrategy { id } } }";
const DELETE_STRATEGY: &str = "mutation ($input: DeleteAuthStrategyInput!) { deleteAuthStrategy(input: $input) {
    deletedId userErrors { code } } }";

/// Makes a strategy; its id.
async fn strategy(fixture: &Fixture, name: &str) -> Value {
    let payload = fixture.mutate(CREATE_STRATEGY, json!({ "name": name })).await;
    payload["authStrategy"]["id"].clone()
}

async fn request(fixture: &Fixture, version: VersionId, status: AccessRequestStatus) {
    let developer = fixture.developer(&format!("{version}@example.com")).await;
    let app = fixture.app(developer, &version.to_string()).await;
    fixture.access_request((developer, app), version, status).await;
}

#[track_caller]
fn assert_done(payload: &Value) {
    assert_eq!(payload["userErrors"], json!([]));
}

#[track_caller]
fn assert_in_use(payload: &Value, versions: usize) {
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), versions, "{errors:?}");
    for error in errors {
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!(["authStrategyId"]), &json!("IN_USE"))
        );
    }
    assert_eq!(payload["versions"], Value::Null);
}

#[tokio::test]
async fn a_version_is_enabled_with_the_built_in_strategy_changed_and_disabled() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    let version = fixture.version(product, "v1", VersionLifecycle::Active).await;
    let id = json!(version.to_string());

    let enabled = fixture.mutate(ENABLE, json!({ "versionId": id })).await;
    assert_done(&enabled);
    let [shown] = enabled["versions"].as_array().unwrap().as_slice() else {
        panic!("{enabled}");
    };
    let settings = &shown["registration"];
    assert!(settings["id"].as_str().unwrap().starts_with("reg_"));
    assert_eq!(
        (&settings["enabled"], &settings["autoApprove"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(settings["authStrategy"]["name"], json!("key-auth"));
    assert_eq!(
        shown["plugins"],
        json!([
            { "name": "acl", "readOnly": true, "config": { "allow": [id] } },
            {
                "name": "key-auth", "readOnly": true,
                "config": { "keyNames": ["apikey"], "credentialTtlDays": null },
            },
        ])
    );

    // What is left out stays.
    let other = strategy(&fixture, "partners").await;
    let input = json!({ "versionId": id, "authStrategyId": other, "autoApprove": true });
    assert_done(&fixture.mutate(ENABLE, input).await);
    let kept = fixture.mutate(ENABLE, json!({ "versionId": id })).await;
    let settings = &kept["versions"][0]["registration"];
    assert_eq!(
        (&settings["autoApprove"], &settings["authStrategy"]["id"]),
        (&json!(true), &other)
    );
    assert_eq!(
        fixture.audited().await["registration.enable"],
        2,
        "the third one changed nothing"
    );

    let before = fixture.version_row(version).await.updated_at;
    for _ in 0..2 {
        let disabled = fixture.mutate(DISABLE, json!({ "versionId": id })).await;
        assert_done(&disabled);
        let shown = &disabled["versions"][0];
        assert_eq!(
            shown["registration"],
            json!({ "enabled": false, "autoApprove": true, "authStrategy": { "name": "partners" } })
        );
        assert_eq!(shown["plugins"], json!([{ "name": "acl" }, { "name": "key-auth" }]));
    }
    assert!(fixture.version_row(version).await.updated_at >= before);
    assert_eq!(fixture.audited().await["registration.disable"], 1);
}

#[tokio::test]
async fn another_strategy_is_refused_under_open_requests_only() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    let other = strategy(&fixture, "partners").await;
    for (status, refused) in [
        (AccessRequestStatus::Pending, true),
        (AccessRequestStatus::Approved, true),
        (AccessRequestStatus::Revoked, true),
        (AccessRequestStatus::Rejected, false),
        (AccessRequestStatus::Cancelled, false),
    ] {
        let version = fixture
            .version(product, &status.to_string(), VersionLifecycle::Active)
            .await;
        let id = version.to_string();
        assert_done(&fixture.mutate(ENABLE, json!({ "versionId": id })).await);
        request(&fixture, version, status).await;
        let changed = fixture
            .mutate(ENABLE, json!({ "versionId": id, "authStrategyId": other }))
            .await;
        if refused {
            assert_in_use(&changed, 1);
            let same = fixture
                .mutate(ENABLE, json!({ "versionId": id, "autoApprove": true }))
                .await;
            assert_done(&same);
        } else {
            assert_eq!(changed["versions"][0]["registration"]["authStrategy"]["id"], other);
        }
    }
    let pending = access_request::Entity::find()
        .all(fixture.plane.database.read())
        .await
        .unwrap();
    let pending = pending
        .iter()
        .filter(|row| row.status == access_request::Status::Pending);
    assert_eq!(pending.count(), 1, "auto-approve leaves waiting requests alone");
}

#[tokio::test]
async fn all_versions_of_the_product_or_none() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    let first = fixture.version(product, "v1", VersionLifecycle::Active).await;
    let second = fixture.version(product, "v2", VersionLifecycle::Retired).await;
    let elsewhere = fixture.product("other").await;
    let elsewhere = fixture.version(elsewhere, "v1", VersionLifecycle::Active).await;
    let all = |mut input: Value| {
        input["versionId"] = json!(second.to_string());
        input["applyToAllVersions"] = json!(true);
        input
    };
    let names = |payload: &Value| {
        let versions = payload["versions"].as_array().unwrap().iter();
        let names = versions.map(|version| version["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let enabled = fixture.mutate(ENABLE, all(json!({}))).await;
    assert_done(&enabled);
    assert_eq!(names(&enabled), ["v1", "v2"]);
    assert!(!fixture.version_row(elsewhere).await.registration_enabled);

    request(&fixture, first, AccessRequestStatus::Approved).await;
    let other = strategy(&fixture, "partners").await;
    let input = json!({ "authStrategyId": other, "autoApprove": true });
    let refused = fixture.mutate(ENABLE, all(input)).await;
    assert_in_use(&refused, 1);
    assert!(
        refused["userErrors"][0]["message"].as_str().unwrap().contains("v1"),
        "{refused}"
    );
    assert!(!fixture.version_row(second).await.auto_approve, "none was changed");

    let disabled = fixture.mutate(DISABLE, all(json!({}))).await;
    assert_eq!(names(&disabled), ["v1", "v2"]);
    for version in [first, second] {
        assert!(!fixture.version_row(version).await.registration_enabled);
    }
}

#[tokio::test]
async fn the_strategy_decides_about_traffic_and_registration_does_not() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    let version = fixture.version(product, "v1", VersionLifecycle::Active).await;
    let developer = fixture.developer("dev@example.com").await;
    let app = fixture.app(developer, "app-1").await;
    let other = strategy(&fixture, "partners").await;
    fixture.credential(app, other.as_str().unwrap().parse().unwrap()).await;
    fixture
        .access_request((developer, app), version, AccessRequestStatus::Approved)
        .await;
    fixture.plane.follower.load().await.unwrap();
    let grants = || {
        let snapshot = fixture.plane.snapshot.load().unwrap();
        snapshot.grants(Timestamp::now()).len()
    };
    assert_eq!(grants(), 0, "nothing opens a version without a strategy");
    let id = version.to_string();
    assert_done(&fixture.mutate(ENABLE, json!({ "versionId": id })).await);
    assert_eq!(grants(), 1);
    assert_done(&fixture.mutate(DISABLE, json!({ "versionId": id })).await);
    assert_eq!(grants(), 1, "what is approved goes on");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    let version = fixture
        .version(product, "v1", VersionLifecycle::Active)
        .await
        .to_string();
    let (no_version, no_strategy) = (
        VersionId::new().to_string(),
        domain::id::AuthStrategyId::new().to_string(),
    );
    for (document, input, field) in [
        (ENABLE, json!({ "versionId": no_version }), "versionId"),
        (
            ENABLE,
            json!({ "versionId": no_version, "applyToAllVersions": true }),
            "versionId",
        ),
        (
            ENABLE,
            json!({ "versionId": version, "authStrategyId": no_strategy }),
            "authStrategyId",
        ),
        (DISABLE, json!({ "versionId": no_version }), "versionId"),
    ] {
        let payload = fixture.mutate(document, input).await;
        let error = &payload["userErrors"][0];
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!([field]), &json!("NOT_FOUND")),
            "{payload}"
        );
    }
    let developer = Viewer::Developer {
        id: fixture.developer("dev@example.com").await,
        status: DeveloperStatus::Approved,
    };
    for (viewer, code) in [(developer, "FORBIDDEN"), (Viewer::Anonymous, "UNAUTHENTICATED")] {
        for document in [ENABLE, DISABLE] {
            let answer = fixture
                .execute(viewer, document, json!({ "input": { "versionId": version } }))
                .await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], json!(code));
        }
    }
}

#[tokio::test]
async fn a_strategy_that_goes_and_a_version_that_takes_it_exclude_each_other() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    for round in 0..10 {
        let id = strategy(&fixture, &format!("s{round}")).await;
        let version = fixture
            .version(product, &format!("v{round}"), VersionLifecycle::Active)
            .await;
        let enable = json!({ "versionId": version.to_string(), "authStrategyId": id });
        // `mutate` fails on any top-level error, such as a foreign key's refusal.
        let (enabled, deleted) = futures_util::future::join(
            fixture.mutate(ENABLE, enable),
            fixture.mutate(DELETE_STRATEGY, json!({ "id": id })),
        )
        .await;
        let code = |payload: &Value| payload["userErrors"][0]["code"].as_str().map(str::to_owned);
        match (code(&enabled).as_deref(), code(&deleted).as_deref()) {
            (None, Some("IN_USE")) | (Some("NOT_FOUND"), None) => {}
            other => panic!("{other:?}"),
        }
    }
}
