//! What calls make of whole answers.

use portico_sdk::{
    Account, AppId, AppStatus, AuthStrategy, Error, List, ProductId, RequestAccessInput, UserErrorCode, VersionId,
};
use serde_json::{Value, json};
use wiremock::MockServer;

use crate::server::{admin, answering_graphql, client};

fn developer() -> Value {
    json!({"id": "dev_1", "email": "dev@example.com", "fullName": "Dev"})
}

fn app() -> Value {
    json!({
        "id": "app_1",
        "name": "Banking",
        "referenceId": "banking",
        "description": null,
        "status": "FROZEN",
        "suspension": {"by": admin(), "automatic": false, "at": "2026-01-31T09:30:00Z", "reason": "abuse"},
        "createdAt": "2026-01-31T09:30:00.000Z",
        "updatedAt": "2026-01-31T09:30:00.000Z",
        "developer": developer(),
        "allowedActions": ["UPDATE", "TELEPORT"],
        "fieldOfANewerServer": {"any": "thing"},
    })
}

fn version() -> Value {
    json!({
        "id": "ver_1",
        "name": "v1",
        "product": {"id": "prod_1", "slug": "mock", "name": "Mock"},
        "lifecycle": "ACTIVE",
        "createdAt": "2026-01-31T09:30:00.000Z",
        "updatedAt": "2026-01-31T09:30:00.000Z",
        "gatewayService": {
            "id": "svc_1",
            "upstreamUrl": "http://127.0.0.1:9000",
            "routes": [{"hosts": [], "paths": ["/mock"], "methods": ["GET"], "stripPath": true}],
        },
        "registration": {
            "id": "reg_1",
            "enabled": true,
            "autoApprove": false,
            "authStrategy": {"__typename": "KeyAuthStrategy", "id": "strat_1", "name": "key-auth"},
        },
        "plugins": [{"name": "key-auth", "readOnly": true, "config": {"key_names": ["apikey"]}}],
        "viewerCanRegister": false,
        "viewerCannotRegisterReasons": ["DEVELOPER_NOT_APPROVED"],
    })
}

async fn server(data: Value) -> MockServer {
    answering_graphql(json!({ "data": data })).await
}

#[tokio::test]
async fn a_newer_servers_values_and_fields_break_nothing() {
    let server = server(json!({"node": {"__typename": "App"}})).await;
    let error = client(&server).apps().get(&AppId::new("app_1")).await.unwrap_err();
    assert!(
        matches!(error, Error::Decode(_)),
        "an app without its fields is no app: {error:?}"
    );

    let mut node = app();
    node["__typename"] = json!("App");
    let server = self::server(json!({ "node": node })).await;
    let app = client(&server).apps().get(&AppId::new("app_1")).await.unwrap().unwrap();
    assert_eq!(app.status, AppStatus::Unknown("FROZEN".to_owned()));
    assert_eq!(app.allowed_actions[1].as_str(), "TELEPORT");
    let suspension = app.suspension.unwrap();
    assert_eq!(
        (suspension.reason.as_deref(), suspension.by.unwrap().email.as_str()),
        (Some("abuse"), "admin@example.com")
    );
    assert_eq!(suspension.at.to_string(), "2026-01-31T09:30:00.000Z");
}

#[tokio::test]
async fn a_node_of_another_kind_or_none_is_none() {
    for node in [json!(null), json!({"__typename": "Product"})] {
        let server = server(json!({ "node": node })).await;
        assert_eq!(client(&server).apps().get(&AppId::new("prod_1")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_version_tells_how_it_is_served_and_registered() {
    let server = server(json!({"product": {"version": version()}})).await;
    let found = client(&server)
        .versions()
        .get_by_name(&ProductId::new("prod_1"), "v1")
        .await
        .unwrap()
        .unwrap();
    let service = found.gateway_service.unwrap();
    assert_eq!(service.upstream_url.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!(service.routes[0].paths, ["/mock"]);
    assert_eq!(found.registration.auth_strategy.unwrap().type_name, "KeyAuthStrategy");
    assert_eq!(found.plugins[0].config["key_names"][0], "apikey");
    assert_eq!(
        found.viewer_cannot_register_reasons,
        [UserErrorCode::DeveloperNotApproved]
    );
}

#[tokio::test]
async fn what_a_list_is_of_may_not_exist() {
    let server = server(json!({ "node": null })).await;
    let portico = client(&server);
    let error = portico
        .credentials()
        .list(&AppId::new("app_1"))
        .page()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound { what: "App", .. }), "{error:?}");
    let error = portico
        .versions()
        .specification(&VersionId::new("ver_1"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotFound {
                what: "ProductVersion",
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_page_has_nodes_cursors_and_the_total() {
    let server = server(json!({"apps": {
        "nodes": [app()],
        "pageInfo": {"hasNextPage": true, "hasPreviousPage": false, "startCursor": "a", "endCursor": "b"},
        "totalCount": 41,
    }}))
    .await;
    let portico = client(&server);
    let list: List<'_, _> = portico.apps().list();
    let page = list.first(1).page().await.unwrap();
    assert_eq!((page.nodes.len(), page.total_count), (1, 41));
    assert_eq!(
        (page.page_info.has_next_page, page.page_info.end_cursor.as_deref()),
        (true, Some("b"))
    );
}

#[tokio::test]
async fn accounts_and_strategies_of_unknown_kinds_keep_what_all_have() {
    let mut robot = admin();
    robot["__typename"] = json!("Robot");
    let server = server(json!({ "viewer": robot })).await;
    let account = client(&server).viewer().await.unwrap().unwrap();
    assert!(matches!(&account, Account::Other(other) if other.id.as_str() == "adm_1"));
    assert_eq!((account.email(), account.full_name()), ("admin@example.com", "Ada"));
    assert!(account.as_admin().is_none() && account.as_developer().is_none());

    let strategy = json!({"__typename": "MutualTlsStrategy", "id": "strat_9", "name": "mtls", "inUse": false});
    let page_info = json!({"hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null});
    let connection = json!({"nodes": [strategy], "pageInfo": page_info, "totalCount": 1});
    let server = self::server(json!({ "authStrategies": connection })).await;
    let page = client(&server).auth_strategies().list().page().await.unwrap();
    assert!(matches!(&page.nodes[0], AuthStrategy::Other(other) if other.name == "mtls"));
}

#[tokio::test]
async fn a_replay_is_told() {
    let server = server(
        json!({"requestAccess": {"replayed": true, "userErrors": [], "accessRequest": {
            "id": "req_1",
            "app": {"id": "app_1", "name": "Banking", "referenceId": "banking", "developer": developer()},
            "version": {"id": "ver_1", "name": "v1", "product": {"id": "prod_1", "slug": "mock", "name": "Mock"}},
            "status": "APPROVED",
            "justification": null,
            "decision": {"by": null, "automatic": true, "at": "2026-01-31T09:30:00.000Z", "reason": null},
            "createdAt": "2026-01-31T09:30:00.000Z",
            "updatedAt": "2026-01-31T09:30:00.000Z",
            "allowedActions": ["CANCEL"],
        }}}),
    )
    .await;
    let input = RequestAccessInput::new(AppId::new("app_1"), VersionId::new("ver_1")).idempotency_key("once");
    let request = client(&server).access_requests().request(input).await.unwrap();
    assert!(request.replayed);
    assert!(request.decision.as_ref().unwrap().automatic);
    assert_eq!(request.into_inner().version.product.slug, "mock");
}
