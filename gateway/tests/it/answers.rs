//! Which answer to which call, in the words that existing clients know.

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    developer::DeveloperStatus,
    gateway_service::GatewayService,
    id::{AppId, VersionId},
    version::VersionLifecycle,
};
use portico_gateway::record::Update;

use crate::{
    harness::{Running, Scene, new_key, route},
    upstreams,
    wire::Response,
};

async fn scene() -> Scene {
    Scene::new(&format!("http://{}", upstreams::echo().await))
}

/// Checks what all of the gateway's own answers have in common, and this one's words.
fn assert_answer(response: &Response, status: u16, message: &str, denial: Option<&str>) {
    assert_eq!(response.status, status, "{response:?}");
    assert_eq!(response.message().as_deref(), Some(message));
    assert_eq!(response.header("x-portico-denial"), denial, "{response:?}");
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(response.header("www-authenticate"), (status == 401).then_some("Key"));
    assert!(response.header("x-request-id").is_some());
}

#[tokio::test]
async fn with_an_approved_key_the_upstream_answers() {
    let scene = scene().await;
    let gateway = Running::start(&scene).await;
    let response = gateway.get(&scene).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.json()["target"], "/");
    for name in ["X-Api-Key", "APIKEY"] {
        let key = scene.key.expose();
        let request = format!("GET /mock HTTP/1.1\r\nHost: localhost\r\n{name}: {key}\r\n\r\n");
        assert_eq!(gateway.send(request).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn without_a_snapshot_nothing_is_open() {
    let scene = scene().await;
    let mut gateway = Running::unloaded(|_| {}).await;
    let closed = "The gateway has no configuration yet";
    assert_answer(&gateway.get(&scene).await, 503, closed, None);
    gateway.writer.replace(scene.updates());
    assert_eq!(gateway.get(&scene).await.status, 200);
    gateway.writer.withdraw();
    assert_answer(&gateway.get(&scene).await, 503, closed, None);
}

#[tokio::test]
async fn keys_are_asked_for_by_name_and_form() {
    let scene = scene().await;
    let gateway = Running::start(&scene).await;
    let key = scene.key.expose();
    let other = new_key();
    let other = other.expose();
    let mut tampered = key.to_owned();
    tampered.replace_range(10..11, if &key[10..11] == "a" { "b" } else { "a" });
    for (headers, message) in [
        (String::new(), "No API key found in request"),
        ("apikey:\r\n".to_owned(), "No API key found in request"),
        (format!("authorization: {key}\r\n"), "No API key found in request"),
        (format!("x_api_key: {key}\r\n"), "No API key found in request"),
        (format!("apikey: {key}\r\napikey: {key}\r\n"), "Duplicate API key found"),
        (
            format!("apikey: {key}\r\nx-api-key: {other}\r\n"),
            "Duplicate API key found",
        ),
        (format!("apikey: {other}\r\n"), "Unauthorized"),
        (format!("apikey: {tampered}\r\n"), "Unauthorized"),
        (format!("apikey: {key}, {key}\r\n"), "Unauthorized"),
        (format!("apikey: \"{key}\"\r\n"), "Unauthorized"),
        (format!("apikey: {}\r\n", key.to_uppercase()), "Unauthorized"),
        ("apikey: ' OR 1=1 --\r\n".to_owned(), "Unauthorized"),
        ("apikey: \u{1f511}\r\n".to_owned(), "Unauthorized"),
    ] {
        let request = format!("GET /mock HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        assert_answer(&gateway.send(request).await, 401, message, None);
    }
    // A key in the query string is no key.
    let request = format!("GET /mock?apikey={key} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_answer(&gateway.send(request).await, 401, "No API key found in request", None);
}

#[tokio::test]
async fn every_condition_closes_alone_and_opens_again() {
    type Change = fn(&mut Scene);
    const CANNOT: &str = "You cannot consume this service";
    let cases: [(Change, u16, &str, Option<&str>); 17] = [
        (
            |s| s.request.status = AccessRequestStatus::Pending,
            403,
            CANNOT,
            Some("REQUEST_PENDING"),
        ),
        (
            |s| s.request.status = AccessRequestStatus::Rejected,
            403,
            CANNOT,
            Some("REQUEST_REJECTED"),
        ),
        (
            |s| s.request.status = AccessRequestStatus::Revoked,
            403,
            CANNOT,
            Some("REQUEST_REVOKED"),
        ),
        (
            |s| s.request.status = AccessRequestStatus::Cancelled,
            403,
            CANNOT,
            Some("REQUEST_CANCELLED"),
        ),
        (
            |s| s.app.status = AppStatus::Suspended,
            403,
            CANNOT,
            Some("APP_SUSPENDED"),
        ),
        (
            |s| s.developer.status = DeveloperStatus::Pending,
            403,
            CANNOT,
            Some("DEVELOPER_PENDING"),
        ),
        (
            |s| s.developer.status = DeveloperStatus::Rejected,
            403,
            CANNOT,
            Some("DEVELOPER_REJECTED"),
        ),
        (
            |s| s.developer.status = DeveloperStatus::Revoked,
            403,
            CANNOT,
            Some("DEVELOPER_REVOKED"),
        ),
        (
            |s| s.credential.revoked_at = Some(Timestamp::now()),
            401,
            "Unauthorized",
            Some("CREDENTIAL_REVOKED"),
        ),
        (
            |s| s.credential.expires_at = Some(Timestamp::now()),
            401,
            "Unauthorized",
            Some("CREDENTIAL_EXPIRED"),
        ),
        (
            |s| {
                s.strategy.credential_ttl_days = Some(1);
                s.credential.created_at = Timestamp::from_millis(0);
            },
            401,
            "Unauthorized",
            Some("CREDENTIAL_TOO_OLD"),
        ),
        (|s| s.version.strategy = None, 401, "Unauthorized", None),
        (
            |s| s.strategy.key_names = vec!["other".to_owned()],
            401,
            "No API key found in request",
            None,
        ),
        (
            |s| s.version.lifecycle = VersionLifecycle::Draft,
            404,
            "no Route matched with those values",
            None,
        ),
        (
            |s| s.version.lifecycle = VersionLifecycle::Retired,
            410,
            "This version has been retired",
            Some("VERSION_RETIRED"),
        ),
        (
            |s| s.version.service = None,
            404,
            "no Route matched with those values",
            None,
        ),
        (|s| s.credential.key_hash = None, 401, "Unauthorized", None),
    ];
    let scene = scene().await;
    let mut gateway = Running::start(&scene).await;
    for (change, status, message, denial) in cases {
        let mut changed = scene.clone();
        change(&mut changed);
        gateway.publish(&changed);
        assert_answer(&gateway.get(&scene).await, status, message, denial);
        gateway.publish(&scene);
        assert_eq!(gateway.get(&scene).await.status, 200, "{denial:?}");
    }
}

#[tokio::test]
async fn a_missing_record_closes_without_a_word_more() {
    let scene = scene().await;
    let mut gateway = Running::start(&scene).await;
    let cannot = "You cannot consume this service";
    for (removal, status, message, denial) in [
        (
            Update::Version(scene.version.id, None),
            404,
            "no Route matched with those values",
            None,
        ),
        (Update::AuthStrategy(scene.strategy.id, None), 401, "Unauthorized", None),
        (Update::Developer(scene.developer.id, None), 401, "Unauthorized", None),
        (Update::App(scene.app.id, None), 401, "Unauthorized", None),
        (Update::Credential(scene.credential.id, None), 401, "Unauthorized", None),
        (
            Update::AccessRequest(scene.app.id, scene.version.id, None),
            403,
            cannot,
            Some("NOT_REQUESTED"),
        ),
    ] {
        gateway.writer.apply([removal]).unwrap();
        assert_answer(&gateway.get(&scene).await, status, message, denial);
        gateway.publish(&scene);
        assert_eq!(gateway.get(&scene).await.status, 200);
    }
    // Another app's approval, and an approval for another version, are nobody else's.
    let mut others = scene.request.clone();
    others.app_id = AppId::new();
    let mut elsewhere = scene.request.clone();
    elsewhere.version_id = VersionId::new();
    let removal = Update::AccessRequest(scene.app.id, scene.version.id, None);
    gateway
        .writer
        .apply([removal, others.into(), elsewhere.into()])
        .unwrap();
    assert_answer(&gateway.get(&scene).await, 403, cannot, Some("NOT_REQUESTED"));
}

#[tokio::test]
async fn a_retired_version_says_so_unless_a_live_one_took_its_route() {
    let upstream = format!("http://{}", upstreams::echo().await);
    let mut retired = Scene::new(&upstream);
    retired.version.lifecycle = VersionLifecycle::Retired;
    let mut gateway = Running::start(&retired).await;
    let words = "This version has been retired";
    let without_key = "GET /mock HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_answer(&gateway.send(without_key).await, 410, words, None);
    let stranger = Scene::new(&upstream);
    assert_answer(&gateway.get(&stranger).await, 410, words, None);
    assert_answer(&gateway.get(&retired).await, 410, words, Some("VERSION_RETIRED"));

    gateway.publish(&stranger);
    assert_eq!(gateway.get(&stranger).await.status, 200);
    // The retired version's key exists, but its app never asked for the live one.
    let cannot = "You cannot consume this service";
    assert_answer(&gateway.get(&retired).await, 403, cannot, Some("NOT_REQUESTED"));
}

#[tokio::test]
async fn a_credential_opens_other_versions_of_its_kind_but_only_where_approved() {
    let upstream = format!("http://{}", upstreams::echo().await);
    let scene = Scene::new(&upstream);
    let mut other = Scene::new(&upstream).with_routes(&[route(&["/other"])]);
    other.strategy.key_names = vec!["x-other".to_owned()];
    let mut gateway = Running::start(&scene).await;
    gateway.publish(&other);
    let mut approval = scene.request.clone();
    approval.version_id = other.version.id;
    gateway.writer.apply([approval.into()]).unwrap();
    let key = scene.key.expose();
    // Bound to the kind and the header name, not to one strategy's id.
    let request = format!("GET /other HTTP/1.1\r\nHost: localhost\r\nx-other: {key}\r\n\r\n");
    assert_eq!(gateway.send(request).await.status, 200);
    let request = format!("GET /other HTTP/1.1\r\nHost: localhost\r\napikey: {key}\r\n\r\n");
    assert_answer(&gateway.send(request).await, 401, "No API key found in request", None);

    other.strategy.kind = AuthStrategyType::OpenidConnect;
    gateway.publish(&other);
    let request = format!("GET /other HTTP/1.1\r\nHost: localhost\r\nx-other: {key}\r\n\r\n");
    let response = gateway.send(request).await;
    assert_eq!(
        (response.status, response.header("www-authenticate")),
        (401, Some("Bearer"))
    );
}

#[tokio::test]
async fn the_longest_prefix_and_the_method_decide() {
    let upstream = format!("http://{}", upstreams::echo().await);
    let scene = Scene::new(&upstream);
    let mut deep = Scene::new(&upstream);
    let mut get_only = route(&["/mock/deep"]);
    get_only.methods = vec!["GET".to_owned()];
    deep.version.service = Some(GatewayService::validate(&upstream, &[get_only]).unwrap());
    let mut gateway = Running::start(&scene).await;
    gateway.publish(&deep);
    for (scene, line, status) in [
        (&scene, "GET /mock/x", 200),
        (&scene, "GET /mockery", 404),
        (&scene, "GET /", 404),
        (&scene, "GET /mock/deep", 403),
        (&deep, "GET /mock/deep/er", 200),
        (&deep, "POST /mock/deep", 404),
        (&scene, "POST /mock/deep", 404),
        (&scene, "OPTIONS *", 404),
    ] {
        assert_eq!(gateway.send(scene.request(line, "")).await.status, status, "{line}");
    }
}

#[tokio::test]
async fn uses_are_noted_of_calls_that_pass_alone() {
    let scene = scene().await;
    let mut gateway = Running::start(&scene).await;
    let before = Timestamp::now();
    gateway.get(&scene).await;
    let noted = gateway.usage.drain();
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].0, scene.credential.id);
    assert!(noted[0].1 >= before && noted[0].1 <= Timestamp::now());
    let mut suspended = scene.clone();
    suspended.app.status = AppStatus::Suspended;
    gateway.publish(&suspended);
    gateway.get(&scene).await;
    assert_eq!(gateway.usage.drain(), []);
}
