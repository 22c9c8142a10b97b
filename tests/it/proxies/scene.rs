//! Portico with its own gateway and the listeners where proxies ask, and keys of every kind.

use std::net::SocketAddr;

use portico::config::GatewayListen;
use portico_sdk::{
    AccessRequest, CreateKeyAuthStrategyInput, CredentialId, EnableRegistrationInput, Portico,
    RevokeAccessRequestInput, VersionLifecycle,
};
use portico_tests::{
    fixture,
    server::{TestDeveloper, TestServer},
    upstream::Upstream,
};

use super::client::{self, Answer, Api};

/// The objects that the tests call with.
pub(super) struct Scene {
    pub(super) server: TestServer,
    /// Behind the proxy.
    pub(super) api: Api,
    /// Opens `/mock`. `/pending` waits for a decision, `/retired` is retired.
    pub(super) key: String,
    pub(super) credential: CredentialId,
    admin: Portico,
    dana: TestDeveloper,
    app: portico_sdk::App,
    approved: AccessRequest,
    /// Behind Portico's own gateway.
    upstream: Upstream,
}

impl Scene {
    pub(super) async fn start() -> Self {
        let any = GatewayListen::On("127.0.0.1:0".parse().unwrap());
        let server = TestServer::start_with(|options| {
            options.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
            options.proxies.forward_auth_listen = any;
            options.proxies.ext_authz_listen = any;
        })
        .await;
        let upstream = Upstream::start().await;
        let admin = server.admin().await;
        let dana = server.developer(&admin, "dana").await;
        let app = fixture::app(&dana, "banking").await;
        let mock = fixture::publish(&admin, &upstream, "mock", true).await;
        let pending = fixture::publish(&admin, &upstream, "pending", false).await;
        let retired = fixture::publish(&admin, &upstream, "retired", true).await;
        let approved = fixture::request(&dana, &app, &mock.version).await;
        for version in [&pending.version, &retired.version] {
            fixture::request(&dana, &app, version).await;
        }
        for lifecycle in [VersionLifecycle::Deprecated, VersionLifecycle::Retired] {
            admin
                .versions()
                .set_lifecycle(&retired.version.id, lifecycle)
                .await
                .unwrap();
        }
        let (credential, key) = fixture::key(&dana, &app).await;
        Self {
            server,
            api: Api::start().await,
            key,
            credential: credential.id,
            admin,
            dana,
            app,
            approved,
            upstream,
        }
    }

    pub(super) fn gateway(&self) -> SocketAddr {
        self.server.server().gateway_listen().unwrap()
    }

    pub(super) fn forward_auth(&self) -> SocketAddr {
        self.server.server().forward_auth_listen().unwrap()
    }

    pub(super) fn ext_authz(&self) -> SocketAddr {
        self.server.server().ext_authz_listen().unwrap()
    }

    /// A GET of Portico's own gateway.
    pub(super) async fn gateway_get(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        client::send(self.gateway(), "GET", target, headers, "").await
    }

    /// Lets the key open `/partner` as well, in the header `x-partner-key`.
    pub(super) async fn open_partner(&self) {
        let strategy = self
            .admin
            .auth_strategies()
            .create_key_auth(CreateKeyAuthStrategyInput::new("partner keys").key_names(["x-partner-key"]))
            .await
            .unwrap()
            .into_inner();
        let partner = fixture::publish(&self.admin, &self.upstream, "partner", true).await;
        let enable = EnableRegistrationInput::new(&partner.version.id).auth_strategy_id(&strategy.id);
        self.admin.registrations().enable(enable).await.unwrap();
        fixture::request(&self.dana, &self.app, &partner.version).await;
    }

    /// Revokes the approval for `/mock`.
    pub(super) async fn revoke(&self) {
        let revoke = RevokeAccessRequestInput::new(&self.approved.id, "misuse");
        self.admin.access_requests().revoke(revoke).await.unwrap();
    }
}
