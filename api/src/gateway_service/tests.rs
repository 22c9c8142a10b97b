use domain::{developer::DeveloperStatus, id::VersionId, version::VersionLifecycle, viewer::Viewer};
use entity::{route, route_path};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};

use crate::test_fixture::Fixture;

const SET: &str = "mutation ($input: SetGatewayServiceInput!) { setGatewayService(input: $input) {
    version { id gatewayService { id upstreamUrl routes { hosts paths methods stripPath } } }
    userErrors { field message code } } }";
const REMOVE: &str = "mutation ($input: RemoveGatewayServiceInput!) { removeGatewayService(input: $input) {
    version { id gatewayService { id } } userErrors { field code } } }";
const SET_LIFECYCLE: &str = "mutation ($input: SetVersionLifecycleInput!) { setVersionLifecycle(input: $input) {
    version { lifecycle } userErrors { field message code } } }";

fn at(version: VersionId, path: &str) -> Value {
    json!({
        "versionId": version.to_string(),
        "upstreamUrl": "http://localhost:9000",
        "routes": [{ "paths": [path] }],
    })
}

#[track_caller]
fn assert_done(payload: &Value) {
    assert_eq!(payload["userErrors"], json!([]));
}

#[tokio::test]
async fn the_url_is_kept_as_written_and_routes_in_canonical_form() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    let version = fixture.version(product, "v1", VersionLifecycle::Active).await;
    let input = json!({
        "versionId": version.to_string(),
        "upstreamUrl": "HTTP://Upstream.Example:80",
        "routes": [
            { "hosts": ["B.Example", "a.example."], "paths": ["/mock/", "/%61"], "methods": ["post", "GET"] },
            { "paths": ["/mock"], "stripPath": false },
        ],
    });
    let payload = fixture.mutate(SET, input).await;
    assert_done(&payload);
    let service = &payload["version"]["gatewayService"];
    assert!(service["id"].as_str().unwrap().starts_with("svc_"));
    assert_eq!(service["upstreamUrl"], json!("HTTP://Upstream.Example:80"));
    assert_eq!(
        service["routes"],
        json!([
            { "hosts": ["a.example", "b.example"], "paths": ["/a", "/mock"], "methods": ["GET", "POST"], "stripPath": true },
            { "hosts": [], "paths": ["/mock"], "methods": [], "stripPath": false },
        ])
    );
    let connection = fixture.plane.database.read();
    assert_eq!(route_path::Entity::find().count(connection).await.unwrap(), 2);

    // Set anew, it replaces what was there, and does not stand in its own way.
    assert_done(&fixture.mutate(SET, at(version, "/mock")).await);
    assert_eq!(route::Entity::find().count(connection).await.unwrap(), 1);
    assert_eq!(route_path::Entity::find().count(connection).await.unwrap(), 1);
    assert_eq!(fixture.audited().await["gateway_service.set"], 2);
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    let version = fixture
        .version(product, "v1", VersionLifecycle::Active)
        .await
        .to_string();
    let wrong = json!({
        "versionId": version,
        "upstreamUrl": "http://169.254.169.254/latest",
        "routes": [{ "paths": ["/ok"] }, { "hosts": ["*"], "paths": ["mock"], "methods": ["CONNECT"] }],
    });
    let payload = fixture.mutate(SET, wrong).await;
    assert_eq!(payload["version"], Value::Null);
    let errors = payload["userErrors"].as_array().unwrap().iter();
    let fields: Vec<String> = errors
        .map(|error| {
            assert_eq!(error["code"], json!("INVALID"));
            let path = error["field"]
                .as_array()
                .unwrap()
                .iter()
                .map(|part| part.as_str().unwrap());
            path.collect::<Vec<_>>().join(".")
        })
        .collect();
    assert_eq!(
        fields,
        ["upstreamUrl", "routes.1.hosts", "routes.1.paths", "routes.1.methods"]
    );

    for (input, field, code) in [
        (
            json!({ "versionId": version, "upstreamUrl": "http://h", "routes": [] }),
            "routes",
            "REQUIRED",
        ),
        // The fixture's gateway is http://localhost:8000.
        (
            json!({ "versionId": version, "upstreamUrl": "http://127.0.0.1:8000/x", "routes": [{ "paths": ["/x"] }] }),
            "upstreamUrl",
            "INVALID",
        ),
        (at(VersionId::new(), "/x"), "versionId", "NOT_FOUND"),
    ] {
        let payload = fixture.mutate(SET, input).await;
        let error = &payload["userErrors"][0];
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!([field]), &json!(code)),
            "{payload}"
        );
    }
    assert_eq!(fixture.audited().await.get("gateway_service.set"), None);
}

#[tokio::test]
async fn live_versions_do_not_share_a_route() {
    let fixture = Fixture::new().await;
    let product = fixture.product("Payments").await;
    let holder = fixture.version(product, "v1", VersionLifecycle::Deprecated).await;
    let other = fixture.version(product, "v2", VersionLifecycle::Active).await;
    assert_done(&fixture.mutate(SET, at(holder, "/mock")).await);

    let mut input = at(other, "/free");
    input["routes"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "paths": ["/mock/"], "methods": ["GET"] }));
    let refused = fixture.mutate(SET, input).await;
    let error = &refused["userErrors"][0];
    assert_eq!(error["field"], json!(["routes", "1", "paths"]));
    assert_eq!(error["code"], json!("ROUTE_CONFLICT"));
    let message = error["message"].as_str().unwrap();
    let start = format!("Version v1 of Payments ({holder}) is live and already serves GET /mock on any host.");
    assert!(message.starts_with(&start), "{message}");
    assert_eq!(
        fixture.version_row(other).await.upstream_url,
        None,
        "nothing was written"
    );

    // Another host, path or method is another place.
    let elsewhere = json!([{ "paths": ["/mock"], "hosts": ["a.example"] }, { "paths": ["/mock/x"] }]);
    let mut input = at(other, "/");
    input["routes"] = elsewhere;
    assert_done(&fixture.mutate(SET, input).await);
}

#[tokio::test]
async fn becoming_live_meets_the_routes_that_are_live() {
    let fixture = Fixture::new().await;
    let product = fixture.product("Payments").await;
    let holder = fixture.version(product, "v1", VersionLifecycle::Active).await;
    let draft = fixture.version(product, "v2", VersionLifecycle::Draft).await;
    for version in [holder, draft] {
        assert_done(&fixture.mutate(SET, at(version, "/mock")).await);
    }
    let become_active = |version: VersionId| json!({ "id": version.to_string(), "lifecycle": "ACTIVE" });
    let refused = fixture.mutate(SET_LIFECYCLE, become_active(draft)).await;
    let error = &refused["userErrors"][0];
    assert_eq!(
        (&error["field"], &error["code"]),
        (&json!(["lifecycle"]), &json!("ROUTE_CONFLICT"))
    );
    assert!(error["message"].as_str().unwrap().contains("v1 of Payments"), "{error}");

    let retire = json!({ "id": holder.to_string(), "lifecycle": "RETIRED" });
    assert_done(&fixture.mutate(SET_LIFECYCLE, retire).await);
    assert_done(&fixture.mutate(SET_LIFECYCLE, become_active(draft)).await);
    let refused = fixture.mutate(SET_LIFECYCLE, become_active(holder)).await;
    assert_eq!(refused["userErrors"][0]["code"], json!("ROUTE_CONFLICT"));
}

#[tokio::test]
async fn of_those_who_race_for_a_route_one_wins() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    for round in 0..5 {
        let mut versions = Vec::new();
        for racer in ["a", "b", "c"] {
            let name = format!("{racer}{round}");
            versions.push(fixture.version(product, &name, VersionLifecycle::Active).await);
        }
        // One of them is there already, and becomes live.
        let draft = fixture
            .version(product, &format!("d{round}"), VersionLifecycle::Draft)
            .await;
        let path = format!("/race-{round}");
        assert_done(&fixture.mutate(SET, at(draft, &path)).await);
        let activation = json!({ "id": draft.to_string(), "lifecycle": "ACTIVE" });
        let sets = versions.iter().map(|version| fixture.mutate(SET, at(*version, &path)));
        let (sets, activated) = futures_util::future::join(
            futures_util::future::join_all(sets),
            fixture.mutate(SET_LIFECYCLE, activation),
        )
        .await;
        let outcomes = sets
            .iter()
            .chain([&activated])
            .map(|payload| payload["userErrors"].as_array().unwrap());
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.partition(|errors| errors.is_empty());
        assert_eq!((won.len(), lost.len()), (1, 3));
        assert!(
            lost.iter().all(|errors| errors[0]["code"] == "ROUTE_CONFLICT"),
            "{lost:?}"
        );
    }
}

#[tokio::test]
async fn a_removed_service_frees_its_routes() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    let version = fixture.version(product, "v1", VersionLifecycle::Active).await;
    let other = fixture.version(product, "v2", VersionLifecycle::Active).await;
    assert_done(&fixture.mutate(SET, at(version, "/mock")).await);
    let input = json!({ "versionId": version.to_string() });
    let removed = fixture.mutate(REMOVE, input.clone()).await;
    assert_done(&removed);
    assert_eq!(removed["version"]["gatewayService"], Value::Null);
    let again = fixture.mutate(REMOVE, input).await;
    assert_eq!(
        again["userErrors"],
        json!([{ "field": ["versionId"], "code": "NOT_FOUND" }])
    );
    assert_done(&fixture.mutate(SET, at(other, "/mock")).await);
    assert_eq!(fixture.audited().await["gateway_service.remove"], 1);
}

#[tokio::test]
async fn only_admins_change_services_and_see_where_calls_go() {
    let fixture = Fixture::new().await;
    let product = fixture.product("payments").await;
    let version = fixture.version(product, "v1", VersionLifecycle::Active).await;
    assert_done(&fixture.mutate(SET, at(version, "/mock")).await);
    let developer = Viewer::Developer {
        id: fixture.developer("dev@example.com").await,
        status: DeveloperStatus::Approved,
    };
    let document = "query ($id: ID!) { node(id: $id) { ... on ProductVersion {
        gatewayService { upstreamUrl routes { paths } } } } }";
    let seen = fixture
        .execute(developer, document, json!({ "id": version.to_string() }))
        .await;
    let expected = json!({ "upstreamUrl": null, "routes": [{ "paths": ["/mock"] }] });
    assert_eq!(seen, json!({ "data": { "node": { "gatewayService": expected } } }));
    for (viewer, code) in [(developer, "FORBIDDEN"), (Viewer::Anonymous, "UNAUTHENTICATED")] {
        for (document, input) in [
            (SET, at(version, "/x")),
            (REMOVE, json!({ "versionId": version.to_string() })),
        ] {
            let answer = fixture.execute(viewer, document, json!({ "input": input })).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], json!(code));
        }
    }
}
