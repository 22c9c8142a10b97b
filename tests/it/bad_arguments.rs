//! Arguments that no rule ever sees: ids of another kind, cursors, pages and scalars.

mod pages;

use domain::id::{AccessRequestId, AppId, AuthStrategyId, CredentialId, DeveloperId, ProductId, VersionId};
use portico_tests::{
    caller::Caller,
    fixture::{self, Published},
    graphql::code,
    server::{TestDeveloper, TestServer},
    upstream::Upstream,
};
use serde_json::{Value, json};

struct World {
    server: TestServer,
    _upstream: Upstream,
    admin: Caller,
    developer: Caller,
    owner: TestDeveloper,
    published: Published,
}

impl World {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let upstream = Upstream::start().await;
        let client = server.admin().await;
        let published = fixture::publish(&client, &upstream, "mock", true).await;
        let owner = server.developer(&client, "olga").await;
        Self {
            admin: Caller::of(&server, "admin", &client),
            developer: Caller::of(&server, "developer", &owner.client),
            server,
            _upstream: upstream,
            owner,
            published,
        }
    }
}

#[tokio::test]
async fn ids_of_another_kind_are_bad_input_and_unknown_ones_are_not_found() {
    let world = World::new().await;
    let (admin, developer) = (&world.admin, &world.developer);
    let app = fixture::app(&world.owner, "first").await.id.to_string();
    let version = world.published.version.id.to_string();
    let unknown_app = AppId::new().to_string();
    let unknown_version = VersionId::new().to_string();
    let unknown_product = ProductId::new().to_string();
    let unknown_strategy = AuthStrategyId::new().to_string();
    let unknown_developer = DeveloperId::new().to_string();
    let unknown_request = AccessRequestId::new().to_string();
    let unknown_credential = CredentialId::new().to_string();
    let service = json!({ "upstreamUrl": "http://localhost:9000", "routes": [{ "paths": ["/a"] }] });
    let rows: Vec<(&Caller, &str, Value, &str, &String)> = vec![
        (developer, "updateApp", json!({}), "id", &unknown_app),
        (developer, "deleteApp", json!({}), "id", &unknown_app),
        (
            developer,
            "requestAccess",
            json!({ "versionId": version }),
            "appId",
            &unknown_app,
        ),
        (
            developer,
            "requestAccess",
            json!({ "appId": app }),
            "versionId",
            &unknown_version,
        ),
        (developer, "cancelAccessRequest", json!({}), "id", &unknown_request),
        (developer, "generateCredential", json!({}), "appId", &unknown_app),
        (
            developer,
            "generateCredential",
            json!({ "appId": app }),
            "authStrategyId",
            &unknown_strategy,
        ),
        (developer, "rotateCredential", json!({}), "id", &unknown_credential),
        (developer, "revokeCredential", json!({}), "id", &unknown_credential),
        (admin, "updateProduct", json!({}), "id", &unknown_product),
        (admin, "publishProduct", json!({}), "id", &unknown_product),
        (admin, "unpublishProduct", json!({}), "id", &unknown_product),
        (admin, "deleteProduct", json!({}), "id", &unknown_product),
        (
            admin,
            "createVersion",
            json!({ "name": "v9" }),
            "productId",
            &unknown_product,
        ),
        (admin, "updateVersion", json!({}), "id", &unknown_version),
        (
            admin,
            "setVersionLifecycle",
            json!({ "lifecycle": "ACTIVE" }),
            "id",
            &unknown_version,
        ),
        (admin, "deleteVersion", json!({}), "id", &unknown_version),
        (admin, "setGatewayService", service, "versionId", &unknown_version),
        (admin, "removeGatewayService", json!({}), "versionId", &unknown_version),
        (admin, "enableRegistration", json!({}), "versionId", &unknown_version),
        (
            admin,
            "enableRegistration",
            json!({ "versionId": version }),
            "authStrategyId",
            &unknown_strategy,
        ),
        (admin, "disableRegistration", json!({}), "versionId", &unknown_version),
        (admin, "updateKeyAuthStrategy", json!({}), "id", &unknown_strategy),
        (admin, "deleteAuthStrategy", json!({}), "id", &unknown_strategy),
        (admin, "approveDeveloper", json!({}), "id", &unknown_developer),
        (
            admin,
            "rejectDeveloper",
            json!({ "reason": "no" }),
            "id",
            &unknown_developer,
        ),
        (
            admin,
            "revokeDeveloper",
            json!({ "reason": "no" }),
            "id",
            &unknown_developer,
        ),
        (admin, "deleteDeveloper", json!({}), "id", &unknown_developer),
        (
            admin,
            "issuePasswordReset",
            json!({}),
            "developerId",
            &unknown_developer,
        ),
        (admin, "approveAccessRequest", json!({}), "id", &unknown_request),
        (
            admin,
            "rejectAccessRequest",
            json!({ "reason": "no" }),
            "id",
            &unknown_request,
        ),
        (
            admin,
            "revokeAccessRequest",
            json!({ "reason": "no" }),
            "id",
            &unknown_request,
        ),
        (admin, "suspendApp", json!({ "reason": "no" }), "id", &unknown_app),
        (admin, "resumeApp", json!({}), "id", &unknown_app),
    ];
    // An id of the portal's kind is none that a mutation takes.
    let portal = admin.post("{ portal { id } }", json!({})).await["data"]["portal"]["id"].clone();
    for (caller, mutation, input, field, unknown) in rows {
        let mut input = input;
        input[field] = json!(unknown);
        assert_eq!(
            caller.refused(mutation, input.clone()).await,
            [format!("NOT_FOUND {field}")],
            "{mutation}"
        );
        let upper = unknown.to_ascii_uppercase();
        let cut = &unknown[..unknown.len() - 1];
        for bad in [
            portal.clone(),
            json!(""),
            json!("1"),
            json!(cut),
            json!(upper),
            json!(format!("{unknown}\r\n")),
        ] {
            input[field] = bad.clone();
            let answer = caller.mutate(mutation, "", input.clone()).await;
            assert_eq!(
                code(&answer),
                Some("BAD_USER_INPUT"),
                "{mutation} with {field} {bad}: {answer}"
            );
            let message = answer["errors"][0]["message"].as_str().unwrap();
            assert!(message.starts_with(field), "{message}");
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn queries_take_ids_of_their_kind_and_find_nothing_for_unknown_ones() {
    let world = World::new().await;
    let unknown = json!({ "id": ProductId::new().to_string() });
    let document = "query($id: ID!) { product(id: $id) { id } node(id: $id) { id } nodes(ids: [$id, $id]) { id } }";
    let answer = world.admin.post(document, unknown).await;
    assert_eq!(
        answer["data"],
        json!({ "product": null, "node": null, "nodes": [null, null] })
    );
    assert_eq!(answer.get("errors"), None);
    let foreign = AppId::new().to_string();
    let ids: Vec<String> = (0..101).map(|_| AppId::new().to_string()).collect();
    for (document, variables) in [
        ("query($id: ID!) { product(id: $id) { id } }", json!({ "id": foreign })),
        ("{ product { id } }", json!({})),
        ("{ product(id: null) { id } }", json!({})),
        (
            "query($id: ID!) { product(id: $id, slug: \"mock\") { id } }",
            json!({ "id": foreign }),
        ),
        ("query($id: ID!) { node(id: $id) { id } }", json!({ "id": "nonsense" })),
        ("query($id: ID!) { node(id: $id) { id } }", json!({ "id": "app_1" })),
        ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })),
        (
            "query($id: ID!) { accessRequests(filter: { appId: $id }) { totalCount } }",
            json!({ "id": "prod_1" }),
        ),
        (
            "query($id: ID!) { apps(filter: { developerId: $id }) { totalCount } }",
            json!({ "id": foreign }),
        ),
    ] {
        let answer = world.admin.post(document, variables).await;
        assert_eq!(code(&answer), Some("BAD_USER_INPUT"), "{document}: {answer}");
    }
    world.server.stop().await;
}

const LISTS: [&str; 6] = [
    "products",
    "apps",
    "accessRequests",
    "developers",
    "authStrategies",
    "auditEvents",
];

/// A value that its scalar refuses stops the request before any of its mutations has run.
#[tokio::test]
async fn bad_scalars_are_refused_before_anything_happens() {
    let world = World::new().await;
    let version = world.published.version.id.to_string();
    let app = fixture::app(&world.owner, "first").await.id.to_string();
    let by_admin = |value: &str| {
        format!(
            "mutation($value: URL = \"http://unused\") {{
                first: updatePortal(input: {{ name: \"Changed\" }}) {{ portal {{ name }} }}
                second: setGatewayService(input: {{ versionId: \"{version}\", upstreamUrl: {value},
                    routes: [{{ paths: [\"/b\"] }}] }}) {{ userErrors {{ code }} }} }}"
        )
    };
    for (document, variables) in [
        (by_admin("\"ftp://localhost\""), json!({})),
        (by_admin("\"\""), json!({})),
        (by_admin("3"), json!({})),
    ] {
        let answer = world.admin.post(&document, variables).await;
        let code = code(&answer);
        assert!(
            matches!(code, Some("BAD_USER_INPUT" | "GRAPHQL_VALIDATION_FAILED")),
            "{answer}"
        );
        assert!(answer["data"].is_null(), "{answer}");
    }
    let by_variables = "mutation($portal: UpdatePortalInput!, $service: SetGatewayServiceInput!) {
        first: updatePortal(input: $portal) { portal { name } }
        second: setGatewayService(input: $service) { userErrors { code } } }";
    let service = json!({ "versionId": version, "upstreamUrl": "nowhere", "routes": [{ "paths": ["/b"] }] });
    let variables = json!({ "portal": { "name": "Changed" }, "service": service });
    let answer = world.admin.post(by_variables, variables).await;
    assert_eq!(code(&answer), Some("BAD_USER_INPUT"), "{answer}");
    let portal = world.admin.post("{ portal { name } }", json!({})).await;
    assert_ne!(portal["data"]["portal"]["name"], "Changed");

    let dated = "mutation($app: CreateAppInput!, $key: GenerateCredentialInput!) {
        first: createApp(input: $app) { app { id } }
        second: generateCredential(input: $key) { userErrors { code } } }";
    for at in [
        "tomorrow",
        "2030-01-01",
        "2030-02-30T00:00:00Z",
        "2030-01-01T00:00:00",
        "",
    ] {
        let variables = json!({
            "app": { "name": "Second", "referenceId": "second" },
            "key": { "appId": app, "expiresAt": at },
        });
        let answer = world.developer.post(dated, variables).await;
        assert_eq!(code(&answer), Some("BAD_USER_INPUT"), "{at}: {answer}");
    }
    let missing = "mutation($app: CreateAppInput!, $id: ID!) {
        first: createApp(input: $app) { app { id } } second: deleteApp(input: { id: $id }) { deletedId } }";
    let variables = json!({ "app": { "name": "Second", "referenceId": "second" } });
    assert_eq!(
        code(&world.developer.post(missing, variables).await),
        Some("BAD_USER_INPUT")
    );
    let apps = world.developer.post("{ apps { totalCount } }", json!({})).await;
    assert_eq!(apps["data"]["apps"]["totalCount"], 1);
    world.server.stop().await;
}
