//! Live updates over both transports.

mod authority;
mod event_stream;
mod nodes;
mod npm_clients;
mod protocol;
mod slow_reader;
mod updates;

use portico_sdk::{Portico, ProductVersion};
use portico_tests::{
    caller::Caller,
    fixture,
    server::{TestDeveloper, TestServer},
    upstream::Upstream,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const REQUESTS: &str = "subscription { accessRequestChanged { accessRequest { id status } deletedId } }";
const REQUEST: &str =
    "subscription($id: ID!) { accessRequestChanged(id: $id) { accessRequest { id status } deletedId } }";
const CREDENTIALS: &str =
    "subscription($app: ID) { credentialChanged(appId: $app) { credential { id status } deletedId } }";
const VIEWER: &str = "subscription { viewerChanged { __typename id ... on Developer { status } } }";

/// A server with a version whose requests wait for an admin, and two developers.
struct Scene {
    server: TestServer,
    client: Portico,
    admin: Caller,
    dana: TestDeveloper,
    other: TestDeveloper,
    version: ProductVersion,
    _upstream: Upstream,
}

fn token(client: &Portico) -> String {
    client.tokens().unwrap().access_token.expose_secret().to_owned()
}

impl Scene {
    async fn new() -> Self {
        Self::on(TestServer::start().await).await
    }

    async fn on(server: TestServer) -> Self {
        let client = server.admin().await;
        let upstream = Upstream::start().await;
        let version = fixture::publish(&client, &upstream, "mock", false).await.version;
        let dana = server.developer(&client, "dana").await;
        let other = server.developer(&client, "otto").await;
        Self {
            admin: Caller::of(&server, "admin", &client),
            client,
            dana,
            other,
            version,
            server,
            _upstream: upstream,
        }
    }

    /// A new app of the developer's, and its request.
    async fn request(&self, developer: &TestDeveloper, name: &str) -> (portico_sdk::App, String) {
        let app = fixture::app(developer, name).await;
        let request = fixture::request(developer, &app, &self.version).await;
        (app, request.id.to_string())
    }

    async fn decide(&self, step: &str, id: &str) {
        self.admin
            .done(step, "", json!({ "id": id, "reason": "because" }))
            .await;
    }

    async fn approve(&self, id: &str) {
        self.admin.done("approveAccessRequest", "", json!({ "id": id })).await;
    }
}

/// What is shown of a request that is there.
fn shown(id: &str, status: &str) -> Value {
    json!({ "accessRequestChanged": { "accessRequest": { "id": id, "status": status }, "deletedId": null } })
}

/// What is shown of a request that is gone.
fn gone(id: &str) -> Value {
    json!({ "accessRequestChanged": { "accessRequest": null, "deletedId": id } })
}
