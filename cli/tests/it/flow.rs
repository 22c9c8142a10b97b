//! The whole flow, from an empty portal to a call through the gateway, without a line of code.

use portico_tests::{
    server::{DEVELOPER_PASSWORD, TestServer},
    upstream::Upstream,
};

use crate::porticoctl::Porticoctl;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_registered_and_stopped_from_the_command_line() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = Porticoctl::of_admin(&server).await;
    let product = admin
        .json(&["products", "create", "--name", "Mock API", "--label", "team=payments"])
        .await;
    assert_eq!(product["slug"], "mock-api");
    assert_eq!(product["labels"][0]["value"], "payments");
    let version = admin
        .json(&["versions", "create", "--product", "mock-api", "--name", "v1"])
        .await;
    let version = version["id"].as_str().unwrap();
    let service = [
        "gateway-services",
        "set",
        version,
        "--upstream-url",
        upstream.url(),
        "--path",
        "/mock",
    ];
    admin.run(&service).await.succeeded();
    admin
        .run(&["registration", "enable", version, "--auto-approve", "false"])
        .await
        .succeeded();
    admin.run(&["products", "publish", "mock-api"]).await.succeeded();

    // Another person, with a profile of their own.
    let password = [("PORTICO_PASSWORD", DEVELOPER_PASSWORD)];
    let sign_up = [
        "sign-up",
        "--email",
        "dana@example.com",
        "--full-name",
        "Dana",
        "--output",
        "json",
    ];
    let signed_up = admin.with(&password, &sign_up).await.succeeded();
    let developer: serde_json::Value = serde_json::from_str(&signed_up.stdout).unwrap();
    assert_eq!(developer["status"], "PENDING");
    admin
        .run(&["developers", "approve", developer["id"].as_str().unwrap()])
        .await
        .succeeded();
    let dana = Porticoctl::of(&server);
    dana.with(&password, &["sign-in", "--email", "dana@example.com"])
        .await
        .succeeded();
    let whoami = dana.run(&["whoami"]).await.succeeded();
    assert!(whoami.stdout.contains("dana@example.com"), "{}", whoami.stdout);

    let app = dana
        .json(&["apps", "create", "--name", "Banking", "--reference-id", "banking"])
        .await;
    let app = app["id"].as_str().unwrap();
    let request = dana
        .json(&["requests", "create", "--app", app, "--version-id", version])
        .await;
    assert_eq!(request["status"], "PENDING");
    let request = request["id"].as_str().unwrap();
    let key = dana.json(&["credentials", "generate", "--app", app]).await;
    let key = key["secret"].as_str().unwrap();
    assert_eq!(server.call("/mock", Some(key)).await.status(), 403);

    let queue = admin
        .run(&["requests", "list", "--status", "pending"])
        .await
        .succeeded();
    let rows: Vec<&str> = queue.stdout.lines().collect();
    assert_eq!(rows.len(), 2, "a heading and one request: {rows:?}");
    assert!(
        rows[1].contains(request) && rows[1].contains("dana@example.com"),
        "{rows:?}"
    );
    admin
        .run(&["requests", "approve", request, "--reason", "welcome"])
        .await
        .succeeded();
    let decided = dana.json(&["requests", "wait", request, "--timeout", "30"]).await;
    assert_eq!(decided["decision"]["reason"], "welcome");
    assert_eq!(server.call("/mock", Some(key)).await.status(), 200);

    let revoked = admin
        .json(&[
            "requests",
            "revoke",
            request,
            "--reason",
            "abuse",
            "--wait-for-gateways",
        ])
        .await;
    assert_eq!(revoked["status"], "REVOKED");
    assert_eq!(revoked["gatewaysConfirmed"], true);
    assert_eq!(server.call("/mock", Some(key)).await.status(), 403);
    let events = admin.json(&["audit-events", "list", "--subject", request]).await;
    assert!(
        events
            .as_array()
            .unwrap()
            .iter()
            .any(|event| event["reason"] == "abuse"),
        "{events}"
    );
}
