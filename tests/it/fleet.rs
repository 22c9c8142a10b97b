//! Gateways of their own: they do what the control plane says, and go on without it.

mod alone;
mod confirmation;
mod newer_control_plane;
mod nodes;
mod process;
mod token;

use std::{fmt::Debug, net::SocketAddr};

use domain::gateway_token::GatewayToken;
use portico_sdk::{App, Credential, GatewayConfirmation, GatewayTokenId, Portico};
use portico_tests::{
    caller::Caller,
    fixture::{self, Published},
    gateway::{self, TestGateway, wait_for_node},
    relay::Relay,
    server::{TestDeveloper, TestServer},
    upstream::Upstream,
};
use serde_json::{Value, json};

/// A control plane whose app `banking` may call `/mock`, and a token for gateways.
struct Scene {
    server: TestServer,
    upstream: Upstream,
    client: Portico,
    admin: Caller,
    dana: TestDeveloper,
    app: App,
    published: Published,
    credential: Credential,
    key: String,
    token_id: GatewayTokenId,
    token: GatewayToken,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let upstream = Upstream::start().await;
        let client = server.admin().await;
        let published = fixture::publish(&client, &upstream, "mock", true).await;
        let dana = server.developer(&client, "dana").await;
        let app = fixture::app(&dana, "banking").await;
        fixture::request(&dana, &app, &published.version).await;
        let (credential, key) = fixture::key(&dana, &app).await;
        let (token_id, token) = gateway::token(&client, "edge").await;
        Self {
            admin: Caller::of(&server, "admin", &client),
            server,
            upstream,
            client,
            dana,
            app,
            published,
            credential,
            key,
            token_id,
            token,
        }
    }

    fn address(&self) -> SocketAddr {
        self.server.server().listen()
    }

    async fn gateway(&self, name: &str) -> TestGateway {
        TestGateway::start_with(&format!("http://{}", self.address()), &self.token, |options| {
            options.name = Some(name.to_owned());
        })
        .await
    }

    /// A gateway with a network between.
    async fn gateway_behind_relay(&self, name: &str) -> (TestGateway, Relay) {
        let relay = Relay::to(self.address()).await;
        let gateway = TestGateway::start_with(&relay.url(), &self.token, |options| {
            options.name = Some(name.to_owned());
        })
        .await;
        (gateway, relay)
    }

    async fn app_suspended(&self) -> GatewayConfirmation<App> {
        let apps = self.client.apps();
        apps.suspend_and_wait(&self.app.id, "misuse").await.unwrap()
    }
}

/// The step is taken, and every gateway enforces it.
fn assert_confirmed<T: Debug>(done: &GatewayConfirmation<T>) {
    assert!(done.object.is_ok(), "{done:?}");
    assert!(done.gateways_confirmed, "{done:?}");
    assert!(done.unconfirmed_gateways.is_empty(), "{done:?}");
}

#[tokio::test]
async fn a_gateway_of_its_own_does_what_the_control_plane_says() {
    let scene = Scene::new().await;
    let gateway = scene.gateway("edge-1").await;
    let answer = gateway.call("/mock/accounts", &scene.key).await;
    assert_eq!(answer.status(), 200);
    let seen: Value = answer.json().await.unwrap();
    assert_eq!(seen["headers"]["x-consumer-custom-id"], "banking");
    assert_eq!(seen["headers"].get("apikey"), None);
    assert_eq!(gateway.status("/mock", "ptk_wrong").await, 401);
    assert_eq!(gateway.status("/nowhere", &scene.key).await, 404);

    // What changes arrives without a restart, in both directions.
    let other = fixture::publish(&scene.client, &scene.upstream, "other", true).await;
    gateway.wait_for_status("/other", &scene.key, 403).await;
    fixture::request(&scene.dana, &scene.app, &other.version).await;
    gateway.wait_for_status("/other", &scene.key, 200).await;
    scene.client.apps().suspend(&scene.app.id, "checking").await.unwrap();
    gateway.wait_for_status("/mock", &scene.key, 403).await;
    scene.client.apps().resume(&scene.app.id).await.unwrap();
    gateway.wait_for_status("/mock", &scene.key, 200).await;

    let node = wait_for_node(&scene.client, "edge-1", |node| node.is_confirmed).await;
    assert_eq!(node.lag_milliseconds, Some(0));
    assert_eq!(node.max_staleness_seconds, 86_400);
    assert_eq!(node.token.map(|token| token.id), Some(scene.token_id.clone()));
    assert!(node.position.is_some() && node.copy_failure.is_none() && node.stopped_at.is_none());
    let (status, ready) = gateway.readyz().await;
    assert_eq!(
        (status, &ready["status"], &ready["controlPlane"]),
        (200, &json!("ready"), &json!("connected"))
    );

    // The last report tells of the uses, and that it stops.
    gateway.stop().await;
    wait_for_node(&scene.client, "edge-1", |node| node.stopped_at.is_some()).await;
    portico::credential::usage::write(scene.server.server().plane())
        .await
        .unwrap();
    let used = scene
        .client
        .credentials()
        .get(&scene.credential.id)
        .await
        .unwrap()
        .unwrap();
    assert!(used.last_used_at.is_some());
    scene.server.stop().await;
}

#[tokio::test]
async fn the_gateway_of_serve_is_one_of_the_fleet() {
    let scene = Scene::new().await;
    let waiting = async {
        loop {
            let nodes = scene.client.gateway_nodes().list().page().await.unwrap().nodes;
            if let [own] = nodes.as_slice() {
                return own.clone();
            }
        }
    };
    let own = waiting.await;
    assert!(
        own.is_confirmed && own.token.is_none() && own.lag_milliseconds == Some(0),
        "{own:?}"
    );
    let suspended = scene.app_suspended().await;
    assert_confirmed(&suspended);
    scene.server.stop().await;
}
