//! Fields that are for some callers, of objects that more of them see.

use serde_json::{Value, json};

use super::world::World;

const VERSION: &str = "query($id: ID!) { node(id: $id) { ... on ProductVersion {
    gatewayService { upstreamUrl routes { paths } }
    viewerCanRegister viewerCannotRegisterReasons
    eligibleApps { totalCount }
    accessRequests { totalCount nodes { decision { automatic by { email } } } }
    registration { authStrategy { versions { nodes { name } } } }
    product { versions { nodes { name } totalCount } }
} } }";

#[tokio::test]
async fn fields_of_a_version_that_are_for_some() {
    let world = World::new().await;
    let draft = json!({ "productId": world.product, "name": "draft", "lifecycle": "DRAFT" });
    let draft = world.admin.done("createVersion", "version { id }", draft).await["version"]["id"].clone();
    let enable = json!({ "versionId": draft });
    world.admin.done("enableRegistration", "", enable).await;
    let spare_app = world.app().await;
    let waiting = world.admin.post("{ accessRequests { nodes { id } } }", json!({})).await;
    for request in waiting["data"]["accessRequests"]["nodes"].as_array().unwrap() {
        world.admin.done("approveAccessRequest", "", request.clone()).await;
    }
    let id = json!({ "id": world.version.id.to_string() });
    let ask = async |caller: usize| world.callers[caller].post(VERSION, id.clone()).await["data"]["node"].take();

    let hidden_from_developers = json!({ "upstreamUrl": null, "routes": [{ "paths": ["/mock"] }] });
    let own_request = json!({ "totalCount": 1, "nodes": [{ "decision": { "automatic": false, "by": null } }] });
    for (caller, eligible) in [(2, 1), (3, 0)] {
        let version = ask(caller).await;
        assert_eq!(version["gatewayService"], hidden_from_developers);
        assert_eq!(version["viewerCanRegister"], true);
        assert_eq!(version["viewerCannotRegisterReasons"], json!([]));
        assert_eq!(version["eligibleApps"]["totalCount"], eligible, "{spare_app:?}");
        assert_eq!(version["accessRequests"], own_request);
        let of_strategy = &version["registration"]["authStrategy"]["versions"]["nodes"];
        assert_eq!(*of_strategy, json!([{ "name": "v1" }]));
        assert_eq!(
            version["product"]["versions"],
            json!({ "nodes": [{ "name": "v1" }], "totalCount": 1 })
        );
    }
    let version = ask(4).await;
    assert_eq!(version["gatewayService"]["upstreamUrl"], world.upstream.url());
    assert_eq!(version["viewerCanRegister"], false);
    assert_eq!(version["eligibleApps"], Value::Null);
    assert_eq!(version["accessRequests"]["totalCount"], 2);
    assert_eq!(
        version["accessRequests"]["nodes"][0]["decision"],
        json!({ "automatic": false, "by": { "email": "admin@example.com" } })
    );
    assert_eq!(version["product"]["versions"]["totalCount"], 2);
    for caller in [0, 1] {
        assert_eq!(ask(caller).await, Value::Null);
    }

    // On a public portal everyone reads the catalog, and nobody more than that.
    world.admin.done("updatePortal", "", json!({ "isPublic": true })).await;
    for caller in [0, 1] {
        let version = ask(caller).await;
        assert_eq!(version["gatewayService"], hidden_from_developers);
        assert_eq!(
            version["viewerCannotRegisterReasons"],
            json!(["PORTAL_IS_PUBLIC", "DEVELOPER_NOT_APPROVED"])
        );
        assert_eq!(version["product"]["versions"]["totalCount"], 1);
        let requests = &version["accessRequests"];
        assert!(
            requests.is_null() || *requests == json!({ "totalCount": 0, "nodes": [] }),
            "{requests}"
        );
    }
    world.server.stop().await;
}

#[tokio::test]
async fn who_decided_is_for_admins() {
    let world = World::new().await;
    let app = world.app().await;
    let suspend = json!({ "id": app.id.to_string(), "reason": "misuse" });
    world.admin.done("suspendApp", "", suspend).await;
    let document = "query($id: ID!) { node(id: $id) { ... on App {
        suspension { reason automatic by { email } }
        developer { apps { totalCount } allowedActions decision { automatic by { email } } } } } }";
    let id = json!({ "id": app.id.to_string() });
    let by = json!({ "email": "admin@example.com" });
    for (caller, by, actions) in [(2, Value::Null, json!([])), (4, by, json!(["REVOKE", "DELETE"]))] {
        let answer = world.callers[caller].post(document, id.clone()).await;
        let expected = json!({
            "suspension": { "reason": "misuse", "automatic": false, "by": by },
            "developer": {
                "apps": { "totalCount": 2 },
                "allowedActions": actions,
                "decision": { "automatic": false, "by": by },
            },
        });
        assert_eq!(answer["data"]["node"], expected, "{answer}");
    }
    world.server.stop().await;
}
