//! Arguments that no rule ever sees: ids of another kind, cursors, pages and scalars.

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

#[tokio::test]
async fn pages_have_bounds_and_cursors_belong_to_their_list() {
    let world = World::new().await;
    let list = |list: &str, arguments: &str| {
        format!("{{ {list}({arguments}) {{ nodes {{ id }} pageInfo {{ endCursor }} }} }}")
    };
    for name in LISTS {
        for arguments in [
            "first: 0",
            "first: -1",
            "first: 101",
            "last: 0",
            "last: 101",
            "first: 1, last: 1",
            "after: \"\"",
            "after: \"nonsense\"",
            "before: \"eyJ4IjoxfQ\"",
        ] {
            let answer = world.admin.post(&list(name, arguments), json!({})).await;
            assert_eq!(code(&answer), Some("BAD_USER_INPUT"), "{name}({arguments}): {answer}");
        }
        for arguments in [
            "first: 1",
            "last: 100",
            "first: null, last: 1",
            "first: 100, after: null",
        ] {
            let answer = world.admin.post(&list(name, arguments), json!({})).await;
            assert_eq!(answer.get("errors"), None, "{name}({arguments}): {answer}");
        }
    }
    // A cursor of one order is none of another.
    let by_name = "orderBy: { field: NAME, direction: ASC }";
    let first = world.admin.post(&list("products", by_name), json!({})).await;
    let cursor = first["data"]["products"]["pageInfo"]["endCursor"].as_str().unwrap();
    let elsewhere = list("products", &format!("after: \"{cursor}\""));
    assert_eq!(
        code(&world.admin.post(&elsewhere, json!({})).await),
        Some("BAD_USER_INPUT")
    );
    let same = list("products", &format!("after: \"{cursor}\", {by_name}"));
    assert_eq!(world.admin.post(&same, json!({})).await.get("errors"), None);
    world.server.stop().await;
}

/// A search is folded before it is looked for: what anybody may send is bounded before that.
#[tokio::test]
async fn searches_are_as_long_as_names_and_states_count_once() {
    let world = World::new().await;
    let anonymous = Caller::anonymous(&world.server);
    let document =
        |list: &str| format!("query($search: String) {{ {list}(filter: {{ search: $search }}) {{ totalCount }} }}");
    for (caller, list) in [
        (&anonymous, "products"),
        (&world.developer, "products"),
        (&world.developer, "apps"),
        (&world.admin, "developers"),
        (&world.admin, "apps"),
    ] {
        let longest = json!({ "search": "\u{fdfa}".repeat(255) });
        let answer = caller.post(&document(list), longest).await;
        assert_eq!(answer["data"][list]["totalCount"], 0, "{list}: {answer}");
        let longer = json!({ "search": "\u{fdfa}".repeat(256) });
        let answer = caller.post(&document(list), longer).await;
        assert_eq!(code(&answer), Some("BAD_USER_INPUT"), "{list}: {answer}");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("filter.search has 256 characters"), "{message}");
    }
    // Each state becomes a parameter of the statement, and no database takes any number of those.
    for (list, kind, filter, state) in [
        ("apps", "AppStatus", "status", "ACTIVE"),
        ("developers", "DeveloperStatus", "status", "APPROVED"),
        ("accessRequests", "AccessRequestStatus", "status", "APPROVED"),
        ("products { nodes { versions", "VersionLifecycle", "lifecycle", "ACTIVE"),
    ] {
        let end = "}".repeat(list.matches('{').count());
        let document =
            format!("query($in: [{kind}!]) {{ {list}(filter: {{ {filter}: $in }}) {{ totalCount }} {end} }}");
        let states = json!({ "in": vec![state; 9_000] });
        let answer = world.admin.post(&document, states).await;
        assert_eq!(answer.get("errors"), None, "{list}: {answer}");
    }
    world.server.stop().await;
}

/// A variable that may be null may be left out, in every list and in the lists of what is listed.
#[tokio::test]
async fn page_arguments_may_be_left_out_of_the_variables() {
    let world = World::new().await;
    let parameters = "($first: Int, $after: String, $last: Int, $before: String)";
    let arguments = "(first: $first, after: $after, last: $last, before: $before)";
    let nested = [
        format!(
            "products {{ nodes {{ versions{arguments} {{ totalCount nodes {{
            accessRequests{arguments} {{ totalCount }} eligibleApps{arguments} {{ totalCount }} }} }} }} }}"
        ),
        format!(
            "apps {{ nodes {{ accessRequests{arguments} {{ totalCount }} credentials{arguments} {{ totalCount }} }} }}"
        ),
        format!("developers {{ nodes {{ apps{arguments} {{ totalCount }} }} }}"),
        format!("authStrategies {{ nodes {{ versions{arguments} {{ totalCount }} }} }}"),
    ];
    fixture::app(&world.owner, "first").await;
    for selection in LISTS
        .iter()
        .map(|list| format!("{list}{arguments} {{ totalCount }}"))
        .chain(nested)
    {
        let answer = world
            .admin
            .post(&format!("query{parameters} {{ {selection} }}"), json!({}))
            .await;
        assert_eq!(answer.get("errors"), None, "{selection}: {answer}");
    }
    world.server.stop().await;
}

/// Lists that are asked for together are read together; one that is asked for wrongly fails alone.
#[tokio::test]
async fn a_bad_cursor_fails_its_own_list_and_no_other() {
    let world = World::new().await;
    let app = fixture::app(&world.owner, "first").await;
    fixture::request(&world.owner, &app, &world.published.version).await;
    fixture::key(&world.owner, &app).await;
    let strategies = world.admin.post("{ authStrategies { nodes { id } } }", json!({})).await;
    let strategy = strategies["data"]["authStrategies"]["nodes"][0]["id"].as_str().unwrap();
    for (kind, id, list) in [
        ("Developer", world.owner.id.to_string(), "apps"),
        ("App", app.id.to_string(), "credentials"),
        ("App", app.id.to_string(), "accessRequests"),
        (
            "ProductVersion",
            world.published.version.id.to_string(),
            "accessRequests",
        ),
        ("Product", world.published.product.id.to_string(), "versions"),
        ("KeyAuthStrategy", strategy.to_owned(), "versions"),
    ] {
        let document = format!(
            "query($id: ID!) {{ before: node(id: $id) {{ ...lists }} bad: node(id: $id) {{ ... on {kind} {{
                {list}(after: \"nowhere\") {{ nodes {{ id }} }} }} }} after: node(id: $id) {{ ...lists }} }}
            fragment lists on {kind} {{ {list} {{ nodes {{ id }} totalCount }} first: {list}(first: 1) {{ nodes {{ id }} }} }}"
        );
        let answer = world.admin.post(&document, json!({ "id": id })).await;
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{kind}.{list}: {answer}");
        assert_eq!(errors[0]["path"], json!(["bad", list]), "{answer}");
        assert_eq!(errors[0]["extensions"]["code"], "BAD_USER_INPUT");
        for sibling in ["before", "after"] {
            let node = &answer["data"][sibling];
            assert_eq!(node[list]["totalCount"], 1, "{kind}.{list}: {answer}");
            assert_eq!(node[list]["nodes"], node["first"]["nodes"], "{kind}.{list}: {answer}");
            assert_eq!(node[list]["nodes"].as_array().unwrap().len(), 1);
        }
    }
    world.server.stop().await;
}

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
