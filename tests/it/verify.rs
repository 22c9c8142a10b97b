//! Services that verify keys themselves, by the SDK's feature `verify`: they answer as the gateway does.

use std::{net::SocketAddr, time::Duration};

use axum::{Json, Router, http::HeaderMap, routing::get};
use portico_sdk::{
    CredentialId, GatewayTokenId, Portico, RevokeAccessRequestInput, SecretString, VersionLifecycle,
    verify::{Caller, ConnectError, Verifier, VerifierBuilder, VerifyLayer},
};
use portico_tests::{
    fixture::{self, Published},
    gateway::{self, wait_for_node},
    relay::Relay,
    server::{PATIENCE, TestDeveloper, TestServer},
    upstream::Upstream,
};
use serde_json::{Value, json};

#[path = "../../sdk/examples/protect_axum_service.rs"]
#[allow(dead_code)]
mod protect_axum_service;

/// A portal with a version below `/mock` that admins decide on, and an app with a key that has not asked yet.
struct Scene {
    server: TestServer,
    _upstream: Upstream,
    admin: Portico,
    published: Published,
    dana: TestDeveloper,
    app: portico_sdk::App,
    credential: CredentialId,
    key: String,
    token_id: GatewayTokenId,
    token: SecretString,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let upstream = Upstream::start().await;
        let admin = server.admin().await;
        let published = fixture::publish(&admin, &upstream, "mock", false).await;
        let dana = server.developer(&admin, "dana").await;
        let app = fixture::app(&dana, "banking").await;
        let (credential, key) = fixture::key(&dana, &app).await;
        let (token_id, token) = gateway::token(&admin, "services").await;
        Self {
            server,
            _upstream: upstream,
            admin,
            published,
            dana,
            app,
            credential: credential.id,
            key,
            token_id,
            token: SecretString::from(token.expose()),
        }
    }

    /// The app asks, and is let in.
    async fn approve(&self) -> portico_sdk::AccessRequest {
        let request = fixture::request(&self.dana, &self.app, &self.published.version).await;
        self.admin.access_requests().approve(&request.id, None).await.unwrap()
    }

    fn address(&self) -> SocketAddr {
        self.server.server().listen()
    }

    fn verifier(&self) -> VerifierBuilder {
        self.verifier_at(&format!("http://{}", self.address()))
    }

    fn verifier_at(&self, url: &str) -> VerifierBuilder {
        Verifier::builder(url).token(self.token.clone()).name("accounts")
    }
}

/// A service of axum's on a free port.
struct Service {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Service {
    async fn start(router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { address, task }
    }

    async fn example(verifier: &Verifier, scene: &Scene) -> Self {
        Self::start(protect_axum_service::service(verifier, &scene.published.version.id).unwrap()).await
    }

    async fn call(&self, path: &str, key: Option<&str>) -> reqwest::Response {
        let mut request = reqwest::Client::new().get(format!("http://{}{path}", self.address));
        if let Some(key) = key {
            request = request.header("apikey", key);
        }
        request.send().await.unwrap()
    }

    async fn status(&self, path: &str, key: &str) -> u16 {
        self.call(path, Some(key)).await.status().as_u16()
    }

    async fn wait_for_status(&self, path: &str, key: &str, status: u16) {
        let waiting = async { while self.status(path, key).await != status {} };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{path} must come to answer {status}"));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What makes up a refusal.
async fn refusal(answer: reqwest::Response) -> (u16, Vec<Option<String>>, String) {
    let headers = [
        "x-portico-denial",
        "www-authenticate",
        "content-type",
        "cache-control",
        "allow",
    ];
    let headers = headers.map(|name| {
        let value = answer.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    });
    let status = answer.status().as_u16();
    (status, headers.to_vec(), answer.text().await.unwrap())
}

/// Waits until the service refuses with this reason, and compares the whole answer with the gateway's.
async fn assert_refused_alike(scene: &Scene, service: &Service, key: Option<&str>, status: u16, reason: Option<&str>) {
    let expected = async {
        loop {
            let answer = refusal(scene.server.call("/mock/accounts", key).await).await;
            if answer.0 == status && answer.1[0].as_deref() == reason {
                return answer;
            }
        }
    };
    let expected = tokio::time::timeout(PATIENCE, expected).await.unwrap();
    let waiting = async { while refusal(service.call("/accounts", key).await).await != expected {} };
    if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
        let answer = refusal(service.call("/accounts", key).await).await;
        assert_eq!(answer, expected, "{reason:?}");
    }
}

#[tokio::test]
async fn the_example_answers_as_the_gateway_does() {
    let scene = Scene::new().await;
    let verifier = scene.verifier().connect().await.unwrap();
    assert!(verifier.is_ready());
    let service = Service::example(&verifier, &scene).await;
    let key = Some(scene.key.as_str());
    assert_refused_alike(&scene, &service, None, 401, None).await;
    assert_refused_alike(&scene, &service, Some("ptk_wrong"), 401, None).await;
    assert_refused_alike(&scene, &service, key, 403, Some("NOT_REQUESTED")).await;
    let request = fixture::request(&scene.dana, &scene.app, &scene.published.version).await;
    assert_refused_alike(&scene, &service, key, 403, Some("REQUEST_PENDING")).await;

    // What an admin does arrives while the service runs, in both directions.
    scene.admin.access_requests().approve(&request.id, None).await.unwrap();
    service.wait_for_status("/accounts", &scene.key, 200).await;
    let answer = service.call("/accounts", key).await;
    assert_eq!(answer.text().await.unwrap(), "The accounts of banking\n");
    // It is one of the fleet: whoever waits for all gateways has waited for it.
    wait_for_node(&scene.admin, "accounts", |node| node.is_confirmed).await;
    let suspended = scene
        .admin
        .apps()
        .suspend_and_wait(&scene.app.id, "checking")
        .await
        .unwrap();
    assert!(suspended.gateways_confirmed, "{suspended:?}");
    assert_eq!(service.status("/accounts", &scene.key).await, 403);
    assert_refused_alike(&scene, &service, key, 403, Some("APP_SUSPENDED")).await;
    scene.admin.apps().resume(&scene.app.id).await.unwrap();
    service.wait_for_status("/accounts", &scene.key, 200).await;
    let revoke = RevokeAccessRequestInput::new(&request.id, "misuse");
    scene.admin.access_requests().revoke(revoke).await.unwrap();
    assert_refused_alike(&scene, &service, key, 403, Some("REQUEST_REVOKED")).await;
    scene.dana.client.credentials().revoke(&scene.credential).await.unwrap();
    assert_refused_alike(&scene, &service, key, 401, Some("CREDENTIAL_REVOKED")).await;
    assert_eq!(service.call("/readyz", None).await.status(), 200);

    // The last report tells of the uses, and that it stops.
    verifier.stop().await;
    assert_eq!(service.status("/accounts", &scene.key).await, 503);
    assert_eq!(service.call("/readyz", None).await.status(), 503);
    let node = wait_for_node(&scene.admin, "accounts", |node| node.stopped_at.is_some()).await;
    assert_eq!(node.token.map(|token| token.id), Some(scene.token_id.clone()));
    portico::credential::usage::write(scene.server.server().plane())
        .await
        .unwrap();
    let used = scene.admin.credentials().get(&scene.credential).await.unwrap().unwrap();
    assert!(used.last_used_at.is_some());
    scene.server.stop().await;
}

/// A handler that tells what it sees.
async fn seen(caller: Caller, headers: HeaderMap) -> Json<Value> {
    let names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
    Json(json!({
        "app": caller.app_id.as_str(),
        "name": caller.app_name,
        "reference": caller.reference_id,
        "credential": caller.credential_id.as_str(),
        "version": caller.version_id.as_str(),
        "headers": names,
    }))
}

#[tokio::test]
async fn routes_tell_which_version_is_called() {
    let scene = Scene::new().await;
    let verifier = scene.verifier().connect().await.unwrap();
    let everything = Router::new()
        .fallback(get(seen))
        .layer(VerifyLayer::new(verifier.clone()));
    let service = Service::start(everything).await;
    scene.approve().await;
    service.wait_for_status("/mock/accounts", &scene.key, 200).await;
    let request = reqwest::Client::new()
        .get(format!("http://{}/mock/accounts?a=b", service.address))
        .header("apikey", &scene.key)
        .header("x-consumer-id", "forged")
        .header("x_credential_identifier", "forged")
        .header("x-own", "kept");
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let headers = answer["headers"].as_array().unwrap();
    for (name, is_there) in [
        ("apikey", false),
        ("x-consumer-id", false),
        ("x_credential_identifier", false),
        ("x-own", true),
        ("host", true),
    ] {
        assert_eq!(headers.contains(&json!(name)), is_there, "{name}: {answer}");
    }
    assert_eq!(answer["app"], scene.app.id.as_str());
    assert_eq!(
        (&answer["name"], &answer["reference"]),
        (&json!("banking"), &json!("banking"))
    );
    assert_eq!(answer["credential"], scene.credential.as_str());
    assert_eq!(answer["version"], scene.published.version.id.as_str());

    // A path that axum would read as it stands, and a gateway would mend.
    for (path, status) in [("/nowhere", 404), ("//mock", 400), ("/m%6fck/accounts", 400)] {
        assert_eq!(service.status(path, &scene.key).await, status, "{path}");
    }
    scene
        .admin
        .versions()
        .set_lifecycle(&scene.published.version.id, VersionLifecycle::Retired)
        .await
        .unwrap();
    service.wait_for_status("/mock", &scene.key, 410).await;
    let retired = service.call("/mock", Some(&scene.key)).await;
    assert_eq!(retired.headers()["x-portico-denial"], "VERSION_RETIRED");
    scene.server.stop().await;
}

#[tokio::test]
async fn it_goes_on_alone_until_that_is_too_long() {
    let scene = Scene::new().await;
    scene.approve().await;
    let relay = Relay::to(scene.address()).await;
    let patient = scene.verifier_at(&relay.url()).connect().await.unwrap();
    let impatient = || {
        scene
            .verifier_at(&relay.url())
            .max_staleness(Duration::from_secs(3))
            .connect()
    };
    let verifier = impatient().await.unwrap();
    let going_on = Service::example(&patient, &scene).await;
    let closing = Service::example(&verifier, &scene).await;
    for service in [&going_on, &closing] {
        service.wait_for_status("/accounts", &scene.key, 200).await;
    }
    relay.cut();
    closing.wait_for_status("/accounts", &scene.key, 503).await;
    assert!(!verifier.is_ready() && !patient.is_connected());
    assert_eq!(going_on.status("/accounts", &scene.key).await, 200);
    assert_eq!(going_on.status("/accounts", "ptk_wrong").await, 401);

    // One that never knew anything is closed, and says so.
    let newcomer = impatient().await.unwrap();
    assert!(!newcomer.is_ready());
    let closed = Service::example(&newcomer, &scene).await;
    for key in [None, Some(scene.key.as_str())] {
        let answer = closed.call("/accounts", key).await;
        assert_eq!(answer.status(), 503);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["message"], "The gateway has no configuration yet");
    }
    // All come to themselves when the control plane does.
    relay.mend(scene.address());
    for service in [&closing, &closed] {
        service.wait_for_status("/accounts", &scene.key, 200).await;
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn a_state_directory_outlives_the_process_and_is_one_services() {
    let scene = Scene::new().await;
    scene.approve().await;
    let relay = Relay::to(scene.address()).await;
    let directory = tempfile::tempdir().unwrap();
    let connect = || {
        scene
            .verifier_at(&relay.url())
            .state_directory(directory.path().join("state"))
            .connect()
    };
    let verifier = connect().await.unwrap();
    let first = wait_for_node(&scene.admin, "accounts", |node| node.is_confirmed).await;
    assert!(matches!(connect().await, Err(ConnectError::StateDirectoryInUse(_))));
    // Stopping writes the copy.
    verifier.stop().await;
    drop(verifier);
    relay.cut();
    let verifier = connect().await.unwrap();
    assert!(verifier.is_ready() && !verifier.is_connected());
    let service = Service::example(&verifier, &scene).await;
    assert_eq!(service.status("/accounts", &scene.key).await, 200);
    assert_eq!(service.status("/accounts", "ptk_wrong").await, 401);
    relay.mend(scene.address());
    let second = wait_for_node(&scene.admin, "accounts", |node| {
        node.stopped_at.is_none() && node.is_confirmed
    })
    .await;
    assert_eq!(second.id, first.id);
    let nodes = scene.admin.gateway_nodes().list().page().await.unwrap().nodes;
    let own = nodes.iter().filter(|node| node.name == "accounts").count();
    assert_eq!(own, 1, "{nodes:?}");
    scene.server.stop().await;
}
