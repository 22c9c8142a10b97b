//! What the callers are tried on.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use portico_sdk::{Portico, ProductVersion};
use portico_tests::{
    caller::Caller,
    fixture,
    server::{DEVELOPER_PASSWORD, TestDeveloper, TestServer},
    upstream::Upstream,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// A portal with two developers who have an app and a request each, one who waits, one whom an admin turned down, and
/// one whom an admin revoked after they had signed in.
pub(super) struct World {
    pub(super) server: TestServer,
    pub(super) upstream: Upstream,
    pub(super) client: Portico,
    pub(super) admin: Caller,
    pub(super) owner: TestDeveloper,
    pub(super) other: TestDeveloper,
    pub(super) callers: [Caller; 7],
    pub(super) product: String,
    /// Registration is enabled, and requests wait for an admin.
    pub(super) version: ProductVersion,
    count: Cell<usize>,
    /// Developers whom a mutation is about: made once for each, because only its last caller changes them.
    subjects: RefCell<BTreeMap<String, String>>,
    pub(super) refresh_token: RefCell<Option<String>>,
    spare: TestDeveloper,
}

impl World {
    pub(super) async fn new() -> Self {
        let server = TestServer::start().await;
        let upstream = Upstream::start().await;
        let client = server.admin().await;
        let published = fixture::publish(&client, &upstream, "mock", false).await;
        let owner = server.developer(&client, "olga").await;
        let other = server.developer(&client, "otto").await;
        let pending = server.pending_developer("pia").await;
        let rejected = server.pending_developer("rita").await;
        client.developers().reject(&rejected.id, "not known").await.unwrap();
        let revoked = server.developer(&client, "rhea").await;
        let revoked_caller = Caller::of(&server, "revoked developer", &revoked.client);
        client.developers().revoke(&revoked.id, "left").await.unwrap();
        let spare = server.developer(&client, "sam").await;
        let callers = [
            Caller::anonymous(&server),
            Caller::of(&server, "pending developer", &pending.client),
            Caller::of(&server, "owner", &owner.client),
            Caller::of(&server, "other developer", &other.client),
            Caller::of(&server, "admin", &client),
            Caller::of(&server, "rejected developer", &rejected.client),
            revoked_caller,
        ];
        for developer in [&owner, &other] {
            let app = fixture::app(developer, &developer.email.replace('@', "-")).await;
            fixture::request(developer, &app, &published.version).await;
        }
        Self {
            admin: Caller::of(&server, "admin", &client),
            product: published.product.id.to_string(),
            version: published.version,
            server,
            upstream,
            client,
            owner,
            other,
            callers,
            count: Cell::new(0),
            subjects: RefCell::default(),
            refresh_token: RefCell::default(),
            spare,
        }
    }

    fn fresh(&self, what: &str) -> String {
        self.count.set(self.count.get() + 1);
        format!("{what}-{}", self.count.get())
    }

    pub(super) async fn app(&self) -> portico_sdk::App {
        fixture::app(&self.owner, &self.fresh("app")).await
    }

    async fn access_request(&self) -> String {
        let app = self.app().await;
        fixture::request(&self.owner, &app, &self.version).await.id.to_string()
    }

    async fn credential(&self) -> String {
        let app = self.app().await;
        fixture::key(&self.owner, &app).await.0.id.to_string()
    }

    pub(super) async fn fresh_product(&self) -> Value {
        let input = json!({ "name": self.fresh("Product") });
        self.admin.done("createProduct", "product { id }", input).await["product"]["id"].clone()
    }

    pub(super) async fn fresh_version(&self) -> Value {
        let input = json!({ "productId": self.product, "name": self.fresh("v") });
        self.admin.done("createVersion", "version { id }", input).await["version"]["id"].clone()
    }

    pub(super) async fn fresh_strategy(&self) -> Value {
        let input = json!({ "name": self.fresh("Strategy") });
        let made = self
            .admin
            .done("createKeyAuthStrategy", "authStrategy { id }", input)
            .await;
        made["authStrategy"]["id"].clone()
    }

    pub(super) async fn gateway_token(&self) -> Value {
        let input = json!({ "name": self.fresh("Gateway") });
        let made = self
            .admin
            .done("createGatewayToken", "gatewayToken { id }", input)
            .await;
        made["gatewayToken"]["id"].clone()
    }

    /// The gateway of the server itself, once it is written down.
    pub(super) async fn gateway_node(&self) -> String {
        loop {
            let nodes = self.client.gateway_nodes().list().page().await.unwrap().nodes;
            if let Some(node) = nodes.first() {
                return node.id.to_string();
            }
        }
    }

    /// The developer whom `mutation` is about.
    async fn subject(&self, mutation: &str) -> String {
        let known = self.subjects.borrow().get(mutation).cloned();
        if let Some(id) = known {
            return id;
        }
        let name = self.fresh("subject");
        let id = self.sign_up(&name).await;
        if mutation == "revokeDeveloper" {
            self.admin.done("approveDeveloper", "", json!({ "id": id })).await;
        }
        self.subjects.borrow_mut().insert(mutation.to_owned(), id.clone());
        id
    }

    async fn sign_up(&self, name: &str) -> String {
        let input = sign_up_input(name);
        let made = self.callers[0].done("signUp", "developer { id }", input).await;
        made["developer"]["id"].as_str().unwrap().to_owned()
    }

    /// What a caller sends, with fresh objects of the owner's where the call changes them.
    pub(super) async fn input(&self, mutation: &str) -> Value {
        match mutation {
            "signUp" => sign_up_input(&self.fresh("new")),
            "signIn" => json!({ "email": self.spare.email, "password": DEVELOPER_PASSWORD }),
            "refreshSession" | "signOut" => {
                let known = self.refresh_token.borrow().clone();
                let token = known.unwrap_or_else(|| {
                    let tokens = self.spare.client.tokens().unwrap();
                    tokens.refresh_token.expose_secret().to_owned()
                });
                json!({ "refreshToken": token })
            }
            "resetPassword" => {
                let input = json!({ "developerId": self.subject(mutation).await });
                let issued = self.admin.done("issuePasswordReset", "resetToken", input).await;
                json!({ "resetToken": issued["resetToken"], "newPassword": "a password after the reset" })
            }
            "createApp" => json!({ "name": "App", "referenceId": self.fresh("created") }),
            "updateApp" => json!({ "id": self.app().await.id.to_string(), "name": "Renamed" }),
            "deleteApp" | "resumeApp" | "suspendApp" => {
                let id = self.app().await.id.to_string();
                match mutation {
                    "deleteApp" => json!({ "id": id }),
                    "suspendApp" => json!({ "id": id, "reason": "misuse" }),
                    _ => {
                        let suspend = json!({ "id": id, "reason": "misuse" });
                        self.admin.done("suspendApp", "", suspend).await;
                        json!({ "id": id })
                    }
                }
            }
            "requestAccess" => {
                json!({ "appId": self.app().await.id.to_string(), "versionId": self.version.id.to_string() })
            }
            "generateCredential" => json!({ "appId": self.app().await.id.to_string() }),
            "rotateCredential" | "revokeCredential" => json!({ "id": self.credential().await }),
            "cancelAccessRequest" | "approveAccessRequest" => json!({ "id": self.access_request().await }),
            "rejectAccessRequest" => json!({ "id": self.access_request().await, "reason": "no" }),
            "revokeAccessRequest" => {
                let id = self.access_request().await;
                self.admin.done("approveAccessRequest", "", json!({ "id": id })).await;
                json!({ "id": id, "reason": "misuse" })
            }
            "updatePortal" => json!({ "name": "Renamed" }),
            "createProduct" => json!({ "name": self.fresh("Created") }),
            "updateProduct" => json!({ "id": self.fresh_product().await, "name": "Renamed" }),
            "publishProduct" | "unpublishProduct" | "deleteProduct" => json!({ "id": self.fresh_product().await }),
            "createVersion" => json!({ "productId": self.product, "name": self.fresh("created") }),
            "updateVersion" => json!({ "id": self.fresh_version().await, "name": self.fresh("renamed") }),
            "setVersionLifecycle" => json!({ "id": self.fresh_version().await, "lifecycle": "DEPRECATED" }),
            "deleteVersion" => json!({ "id": self.fresh_version().await }),
            "setGatewayService" => self.gateway_service().await,
            "removeGatewayService" => {
                let input = self.gateway_service().await;
                self.admin.done("setGatewayService", "", input.clone()).await;
                json!({ "versionId": input["versionId"] })
            }
            "enableRegistration" | "disableRegistration" => json!({ "versionId": self.fresh_version().await }),
            "createKeyAuthStrategy" => json!({ "name": self.fresh("Created") }),
            "updateKeyAuthStrategy" => json!({ "id": self.fresh_strategy().await, "credentialTtlDays": 90 }),
            "deleteAuthStrategy" => json!({ "id": self.fresh_strategy().await }),
            "approveDeveloper" | "deleteDeveloper" => json!({ "id": self.subject(mutation).await }),
            "rejectDeveloper" | "revokeDeveloper" => json!({ "id": self.subject(mutation).await, "reason": "no" }),
            "createGatewayToken" => json!({ "name": self.fresh("Gateway") }),
            "revokeGatewayToken" => json!({ "id": self.gateway_token().await }),
            "issuePasswordReset" => json!({ "developerId": self.owner.id.to_string() }),
            other => panic!("no input for {other}"),
        }
    }

    async fn gateway_service(&self) -> Value {
        let path = self.fresh("/service");
        json!({
            "versionId": self.fresh_version().await,
            "upstreamUrl": self.upstream.url(),
            "routes": [{ "paths": [path] }],
        })
    }
}

fn sign_up_input(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "password": DEVELOPER_PASSWORD, "fullName": name })
}
