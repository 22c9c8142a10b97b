//! What Prometheus gets when it scrapes a server that has been used.

use std::collections::BTreeMap;

use portico::config::GatewayListen;
use portico_sdk::{CreateAppInput, Realm, SecretString};
use portico_tests::{fixture, scrape, server::TestServer, upstream::Upstream};

/// The samples of a server's scrape.
async fn scrape(server: &TestServer) -> BTreeMap<String, f64> {
    scrape::scrape(&server.server().metrics_listen().unwrap().to_string()).await
}

async fn with_metrics() -> TestServer {
    TestServer::start_with(|options| {
        options.metrics.metrics_listen = GatewayListen::On("127.0.0.1:0".parse().unwrap());
    })
    .await
}

#[tokio::test]
async fn both_planes_are_counted() {
    let server = with_metrics().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    fixture::publish(&admin, &upstream, "other", false).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    fixture::request(&dana, &app, &published.version).await;
    let (_, key) = fixture::key(&dana, &app).await;
    let before = scrape(&server).await;

    for _ in 0..3 {
        assert_eq!(server.call("/mock", Some(&key)).await.status(), 200);
    }
    assert_eq!(server.call("/mock", None).await.status(), 401);
    assert_eq!(server.call("/other", Some(&key)).await.status(), 403);
    dana.client.apps().list().page().await.unwrap();
    let taken = dana.client.apps().create(CreateAppInput::new("again", "banking")).await;
    assert!(taken.is_err());
    fixture::app(&dana, "another").await;
    let broken = portico_tests::graphql::post(&server.endpoint(), None, "{ nothing }", serde_json::json!({})).await;
    assert!(broken["errors"].is_array());
    let after = scrape(&server).await;
    let gained = |name: &str| after.get(name).copied().unwrap_or(0.0) - before.get(name).copied().unwrap_or(0.0);
    for (name, count) in [
        (r#"portico_gateway_requests_total{status="200"}"#, 3.0),
        (r#"portico_gateway_requests_total{status="401"}"#, 1.0),
        (r#"portico_gateway_requests_total{status="403"}"#, 1.0),
        (r#"portico_gateway_denials_total{reason="NOT_REQUESTED"}"#, 1.0),
        ("portico_gateway_request_duration_seconds_count", 5.0),
        (r#"portico_graphql_operations_total{type="query",outcome="ok"}"#, 1.0),
        (r#"portico_graphql_operations_total{type="mutation",outcome="ok"}"#, 1.0),
        (
            r#"portico_graphql_operations_total{type="mutation",outcome="user_error"}"#,
            1.0,
        ),
        (r#"portico_graphql_operations_total{type="query",outcome="error"}"#, 1.0),
        (
            r#"portico_graphql_operation_duration_seconds_count{type="mutation"}"#,
            2.0,
        ),
        ("portico_change_rows_total", 1.0),
    ] {
        assert_eq!(gained(name), count, "{name}: {after:#?}");
    }
    assert_eq!(after["portico_gateway_snapshot_loaded"], 1.0);
    assert!(after["portico_change_position_age_seconds"] < 60.0);
    assert!(after["portico_change_full_loads_total"] >= 1.0);

    // Nothing in it is anybody's: no key, no id, no name, no address.
    let id = app.id.to_string();
    let names = after.keys().cloned().collect::<String>();
    let own = [
        key.as_str(),
        "ptk_",
        id.as_str(),
        "banking",
        "dana",
        "/mock",
        "mock",
        "127.0.0.1",
        "app_",
    ];
    for secret in own {
        assert!(!names.contains(secret), "{secret} is in {names}");
    }
    server.stop().await;
}

#[tokio::test]
async fn throttled_sign_ins_are_counted() {
    let server = with_metrics().await;
    let client = server.anonymous();
    let mut refused = 0.0;
    // Ten at once may try the account; see docs/operating.md.
    for _ in 0..12 {
        let wrong = client.sign_in(
            Realm::Portal,
            "nobody@example.com",
            SecretString::from("a wrong password"),
        );
        let error = wrong.await.unwrap_err();
        refused += f64::from(u8::from(error.code() == Some("RATE_LIMITED")));
    }
    assert!(refused >= 1.0, "none was refused for coming too fast");
    assert_eq!(scrape(&server).await["portico_sign_ins_throttled_total"], refused);
    server.stop().await;
}

#[tokio::test]
async fn metrics_are_off_unless_asked_for_and_never_on_the_other_ports() {
    let server = TestServer::start().await;
    assert_eq!(server.server().metrics_listen(), None);
    server.stop().await;
    let server = with_metrics().await;
    let api = reqwest::get(server.api("/metrics")).await.unwrap();
    assert_eq!(api.status(), 404);
    assert_eq!(server.call("/metrics", None).await.status(), 404);
    server.stop().await;
}
