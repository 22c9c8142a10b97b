//! What a gateway token opens, and what it does not.

use futures_util::StreamExt as _;
use portico_sdk::Timestamp;
use portico_tests::server::PATIENCE;
use secrecy::ExposeSecret as _;

use super::*;

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_token_reads_the_snapshot_and_reports_and_nothing_else() {
    let scene = Scene::new().await;
    let http = reqwest::Client::new();
    let report = json!({
        "node": domain::id::GatewayNodeId::new().to_string(), "name": "n", "version": "v", "position": null,
        "max_staleness_seconds": 60, "stopping": false, "copy_failure": null, "used": [],
    });
    let stream = || http.get(scene.server.api("/gateway/v1/stream"));
    let reporting = || http.post(scene.server.api("/gateway/v1/report")).json(&report);
    let token = scene.token.expose();
    assert_eq!(status(stream().bearer_auth(token)).await, 200);
    assert_eq!(status(reporting().bearer_auth(token)).await, 204);

    // Nobody else opens these.
    let admins = scene.client.tokens().unwrap().access_token.expose_secret().to_owned();
    let mut damaged = token.to_owned();
    damaged.replace_range(10..11, if &token[10..11] == "0" { "1" } else { "0" });
    for other in [admins.as_str(), &scene.key, &damaged, "pgt_", ""] {
        assert_eq!(status(stream().bearer_auth(other)).await, 401, "{other}");
        assert_eq!(status(reporting().bearer_auth(other)).await, 401, "{other}");
    }
    assert_eq!(status(stream()).await, 401);
    assert_eq!(status(reporting()).await, 401);

    // And it opens nothing else.
    let gateway_token = Caller::with_token(&scene.server, "gateway token", Some(token.to_owned()));
    for document in [
        "{ apps { totalCount } }",
        "{ portal { name } }",
        "{ gatewayTokens { totalCount } }",
    ] {
        let answer = gateway_token.post(document, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer}");
    }
    assert_eq!(scene.server.verdict("/mock", Some(token)).await.0, 401);
    let malformed = http
        .post(scene.server.api("/gateway/v1/report"))
        .body("{}")
        .bearer_auth(token);
    assert_eq!(status(malformed).await, 400);
    scene.server.stop().await;
}

#[tokio::test]
async fn a_revoked_tokens_stream_ends_at_once() {
    let scene = Scene::new().await;
    let (_, kept) = gateway::token(&scene.client, "another").await;
    let open = async |token: &GatewayToken| {
        let request = reqwest::Client::new()
            .get(scene.server.api("/gateway/v1/stream"))
            .bearer_auth(token.expose());
        request.send().await.unwrap()
    };
    let mut revoked = open(&scene.token).await;
    let mut other = open(&kept).await;
    assert!(revoked.chunk().await.unwrap().is_some());
    let token = scene.client.gateway_tokens().revoke(&scene.token_id).await.unwrap();
    assert!(token.revoked_at > Some("2020-01-01T00:00:00Z".parse::<Timestamp>().unwrap()));
    let ending = async { while revoked.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(PATIENCE, ending)
        .await
        .expect("the stream must end");
    assert_eq!(open(&scene.token).await.status(), 401);
    // The other one goes on: three heartbeats come.
    for _ in 0..3 {
        assert!(other.chunk().await.unwrap().is_some());
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn the_snapshot_holds_hashes_and_no_secret() {
    let scene = Scene::new().await;
    let request = reqwest::Client::new().get(scene.server.api("/gateway/v1/stream"));
    let answer = request.bearer_auth(scene.token.expose()).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    let mut stream = Box::pin(futures_util::stream::unfold(answer, async |mut answer| {
        let piece = answer.chunk().await.unwrap()?;
        Some((piece, answer))
    }));
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains("\"heartbeat\"") {
        bytes.extend_from_slice(&stream.next().await.unwrap());
    }
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\"key_hash\":\"") && text.contains("banking"), "{text}");
    let session = scene.client.tokens().unwrap();
    for secret in [
        &scene.key[4..scene.key.len() - 4],
        &scene.token.expose()[4..],
        session.refresh_token.expose_secret(),
        portico_tests::server::DEVELOPER_PASSWORD,
        "argon2",
        "dana@example.com",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
    drop(stream);
    scene.server.stop().await;
}

#[tokio::test]
async fn a_token_is_shown_once_and_revoked_once() {
    let scene = Scene::new().await;
    let input = json!({ "name": "  Edge, Zürich ", "idempotencyKey": "one" });
    let selection = "gatewayToken { id name hint revokedAt createdBy { email } } secret replayed";
    let made = scene.admin.done("createGatewayToken", selection, input.clone()).await;
    let secret = made["secret"].as_str().unwrap();
    assert!(GatewayToken::parse(secret.as_bytes()).is_ok());
    assert_eq!(made["gatewayToken"]["name"], "Edge, Zürich");
    assert_eq!(made["gatewayToken"]["createdBy"]["email"], "admin@example.com");
    assert!(
        secret.ends_with(
            made["gatewayToken"]["hint"]
                .as_str()
                .unwrap()
                .trim_start_matches("pgt_…")
        )
    );
    let replayed = scene.admin.done("createGatewayToken", selection, input).await;
    assert_eq!(replayed["secret"], Value::Null);
    assert_eq!(replayed["replayed"], true);
    assert_eq!(replayed["gatewayToken"], made["gatewayToken"]);
    let listed = scene
        .admin
        .post("{ gatewayTokens { totalCount nodes { id } } }", json!({}))
        .await;
    assert_eq!(listed["data"]["gatewayTokens"]["totalCount"], 2);
    assert_eq!(
        listed["data"]["gatewayTokens"]["nodes"][0]["id"],
        made["gatewayToken"]["id"]
    );
    let id = json!({ "id": made["gatewayToken"]["id"] });
    scene.admin.done("revokeGatewayToken", "", id.clone()).await;
    assert_eq!(
        scene.admin.refused("revokeGatewayToken", id).await,
        ["INVALID_TRANSITION id"]
    );
    for (input, refused) in [
        (json!({ "name": " " }), "REQUIRED name"),
        (json!({ "name": "x".repeat(256) }), "TOO_LONG name"),
    ] {
        assert_eq!(scene.admin.refused("createGatewayToken", input).await, [refused]);
    }
    let events = scene
        .admin
        .post("{ auditEvents(first: 2) { nodes { action subjectId } } }", json!({}))
        .await;
    let events = &events["data"]["auditEvents"]["nodes"];
    assert_eq!(events[0]["action"], "gateway_token.revoke");
    assert_eq!(events[1]["action"], "gateway_token.create");
    scene.server.stop().await;
}
