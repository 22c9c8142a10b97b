//! What others depend on is deleted only by force; and then nothing of it is left.

use portico_tests::{caller::Caller, fixture, server::TestServer, upstream::Upstream};
use serde_json::{Value, json};

#[tokio::test]
async fn what_carries_traffic_is_deleted_only_by_force() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let client = server.admin().await;
    let admin = Caller::of(&server, "admin", &client);
    for mutation in [
        "deleteDeveloper",
        "deleteVersion",
        "deleteProduct",
        "deleteAuthStrategy",
    ] {
        let name = mutation.to_ascii_lowercase();
        let product = fixture::publish(&client, &upstream, &name, true).await;
        let version = product.version.id.to_string();
        let strategy = json!({ "name": name, "keyNames": ["apikey"] });
        let strategy = admin
            .done("createKeyAuthStrategy", "authStrategy { id }", strategy)
            .await["authStrategy"]["id"]
            .clone();
        let enable = json!({ "versionId": version, "authStrategyId": strategy });
        admin.done("enableRegistration", "", enable).await;
        let owner = server.developer(&client, &name).await;
        let app = fixture::app(&owner, &name).await;
        let request = fixture::request(&owner, &app, &product.version).await.id.to_string();
        let (credential, key) = fixture::key(&owner, &app).await;
        let path = format!("/{name}");
        assert_eq!(server.verdict(&path, Some(&key)).await.0, 200);

        let id = match mutation {
            "deleteDeveloper" => json!(owner.id.to_string()),
            "deleteVersion" => json!(version),
            "deleteProduct" => json!(product.product.id.to_string()),
            _ => strategy.clone(),
        };
        for input in [json!({ "id": id }), json!({ "id": id, "force": false })] {
            assert_eq!(admin.refused(mutation, input).await, ["IN_USE id"], "{mutation}");
        }
        assert_eq!(server.verdict(&path, Some(&key)).await.0, 200, "{mutation} was refused");

        let deleted = admin
            .done(mutation, "deletedId", json!({ "id": id, "force": true }))
            .await;
        assert_eq!(deleted["deletedId"], id);
        let status = server.verdict(&path, Some(&key)).await.0;
        let expected = match mutation {
            "deleteVersion" | "deleteProduct" => 404,
            _ => 401,
        };
        assert_eq!(status, expected, "{mutation}");
        let document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        let ids = [id.as_str().unwrap(), &request, credential.id.as_ref()];
        let left = admin.post(document, json!({ "ids": ids })).await["data"]["nodes"].take();
        let kept = |id: &str| json!({ "id": id });
        let expected = match mutation {
            "deleteDeveloper" => json!([null, null, null]),
            "deleteVersion" | "deleteProduct" => json!([null, null, kept(ids[2])]),
            _ => json!([null, kept(ids[1]), null]),
        };
        assert_eq!(left, expected, "{mutation}");
        assert_eq!(
            admin.refused(mutation, json!({ "id": id, "force": true })).await,
            ["NOT_FOUND id"]
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_strategy_under_open_requests_is_not_exchanged_and_the_built_in_one_stays() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let client = server.admin().await;
    let admin = Caller::of(&server, "admin", &client);
    let published = fixture::publish(&client, &upstream, "mock", false).await;
    let owner = server.developer(&client, "olga").await;
    let app = fixture::app(&owner, "first").await;
    fixture::request(&owner, &app, &published.version).await;
    let strategy = admin
        .done(
            "createKeyAuthStrategy",
            "authStrategy { id }",
            json!({ "name": "Another" }),
        )
        .await;
    let another =
        json!({ "versionId": published.version.id.to_string(), "authStrategyId": strategy["authStrategy"]["id"] });
    assert_eq!(
        admin.refused("enableRegistration", another.clone()).await,
        ["IN_USE authStrategyId"]
    );
    // All versions or none: the one without requests stays as it was.
    let second = json!({ "productId": published.product.id.to_string(), "name": "v2" });
    let second = admin.done("createVersion", "version { id }", second).await["version"]["id"].clone();
    let all =
        json!({ "versionId": second, "authStrategyId": strategy["authStrategy"]["id"], "applyToAllVersions": true });
    assert_eq!(
        admin.refused("enableRegistration", all).await,
        ["IN_USE authStrategyId"]
    );
    let document =
        "query($id: ID!) { node(id: $id) { ... on ProductVersion { registration { enabled authStrategy { id } } } } }";
    let left = admin.post(document, json!({ "id": second })).await;
    assert_eq!(
        left["data"]["node"]["registration"],
        json!({ "enabled": false, "authStrategy": null })
    );
    let document =
        "query($id: ID!) { node(id: $id) { ... on ProductVersion { registration { authStrategy { id } } } } }";
    let id = json!({ "id": published.version.id.to_string() });
    let built_in: Value = admin.post(document, id).await["data"]["node"]["registration"]["authStrategy"]["id"].take();
    for force in [false, true] {
        let delete = json!({ "id": built_in, "force": force });
        assert_eq!(admin.refused("deleteAuthStrategy", delete).await, ["CONFLICT id"]);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_by_its_reason() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let client = server.admin().await;
    let admin = Caller::of(&server, "admin", &client);
    let published = fixture::publish(&client, &upstream, "mock", true).await;
    let owner = server.developer(&client, "olga").await;
    let developer = Caller::of(&server, "developer", &owner.client);
    let app = fixture::app(&owner, "first").await.id.to_string();
    let (version, product) = (published.version.id.to_string(), published.product.id.to_string());
    let ask = json!({ "appId": app, "versionId": version });
    let refused = async || developer.refused("requestAccess", ask.clone()).await;

    admin
        .done("disableRegistration", "", json!({ "versionId": version }))
        .await;
    assert_eq!(refused().await, ["REGISTRATION_DISABLED versionId"]);
    admin
        .done("enableRegistration", "", json!({ "versionId": version }))
        .await;
    admin
        .done(
            "setVersionLifecycle",
            "",
            json!({ "id": version, "lifecycle": "DEPRECATED" }),
        )
        .await;
    assert_eq!(refused().await, ["VERSION_NOT_AVAILABLE versionId"]);
    admin
        .done(
            "setVersionLifecycle",
            "",
            json!({ "id": version, "lifecycle": "ACTIVE" }),
        )
        .await;
    admin
        .done("suspendApp", "", json!({ "id": app, "reason": "misuse" }))
        .await;
    assert_eq!(refused().await, ["APP_SUSPENDED appId"]);
    let generate = json!({ "appId": app });
    assert_eq!(
        developer.refused("generateCredential", generate).await,
        ["APP_SUSPENDED appId"]
    );
    admin.done("resumeApp", "", json!({ "id": app })).await;
    admin.done("updatePortal", "", json!({ "isPublic": true })).await;
    assert_eq!(refused().await, ["PORTAL_IS_PUBLIC"]);
    let sign_up = json!({ "email": "late@example.com", "password": "a long password of theirs", "fullName": "Late" });
    assert_eq!(
        Caller::anonymous(&server).refused("signUp", sign_up).await,
        ["PORTAL_IS_PUBLIC"]
    );
    admin.done("updatePortal", "", json!({ "isPublic": false })).await;
    admin.done("unpublishProduct", "", json!({ "id": product })).await;
    assert_eq!(refused().await, ["NOT_FOUND versionId"]);
    admin.done("publishProduct", "", json!({ "id": product })).await;

    developer.done("requestAccess", "", ask.clone()).await;
    assert_eq!(refused().await, ["ALREADY_REQUESTED versionId"]);
    // Seen through one's own request, it is still not available.
    let second = fixture::app(&owner, "second").await.id.to_string();
    admin.done("unpublishProduct", "", json!({ "id": product })).await;
    let again = json!({ "appId": second, "versionId": version });
    assert_eq!(
        developer.refused("requestAccess", again).await,
        ["VERSION_NOT_AVAILABLE versionId"]
    );
    server.stop().await;
}
