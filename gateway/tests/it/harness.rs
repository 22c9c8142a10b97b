//! A gateway on a free port, and the objects that let one app call one version.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::{ApiKey, ApiKeyPrefix},
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    developer::DeveloperStatus,
    gateway_service::{GatewayService, RouteInput},
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
    version::VersionLifecycle,
};
use portico_gateway::{
    Gateway, GatewayConfig, SnapshotWriter, Usage,
    record::{
        AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord, Update, VersionRecord,
    },
    snapshot,
};
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use crate::wire::{self, HANG, Response};

/// One of each object, joined so that the key opens the version. Tests change a field and publish.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) version: VersionRecord,
    pub(crate) strategy: AuthStrategyRecord,
    pub(crate) developer: DeveloperRecord,
    pub(crate) app: AppRecord,
    pub(crate) credential: CredentialRecord,
    pub(crate) request: AccessRequestRecord,
    pub(crate) key: ApiKey,
}

pub(crate) fn route(paths: &[&str]) -> RouteInput {
    RouteInput {
        hosts: Vec::new(),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        methods: Vec::new(),
        strip_path: true,
    }
}

pub(crate) fn new_key() -> ApiKey {
    ApiKey::generate(&ApiKeyPrefix::default(), &mut rand::rng())
}

impl Scene {
    /// `/mock` in front of the upstream at this URL.
    pub(crate) fn new(upstream_url: &str) -> Self {
        let (version_id, strategy_id) = (VersionId::new(), AuthStrategyId::new());
        let (developer_id, app_id) = (DeveloperId::new(), AppId::new());
        let key = new_key();
        let service = GatewayService::validate(upstream_url, &[route(&["/mock"])]).unwrap();
        Self {
            version: VersionRecord {
                id: version_id,
                lifecycle: VersionLifecycle::Active,
                strategy: Some(strategy_id),
                service: Some(service),
            },
            strategy: AuthStrategyRecord {
                id: strategy_id,
                kind: AuthStrategyType::KeyAuth,
                key_names: vec!["apikey".to_owned(), "x-api-key".to_owned()],
                credential_ttl_days: None,
            },
            developer: DeveloperRecord {
                id: developer_id,
                status: DeveloperStatus::Approved,
            },
            app: AppRecord {
                id: app_id,
                developer_id,
                status: AppStatus::Active,
                name: "Mobile banking".to_owned(),
                reference_id: "mobile-1".to_owned(),
            },
            credential: CredentialRecord {
                id: CredentialId::new(),
                app_id,
                kind: CredentialKind::ApiKey,
                key_hash: Some(key.hash()),
                created_at: Timestamp::now(),
                expires_at: None,
                revoked_at: None,
            },
            request: AccessRequestRecord {
                app_id,
                version_id,
                status: AccessRequestStatus::Approved,
            },
            key,
        }
    }

    pub(crate) fn with_routes(mut self, routes: &[RouteInput]) -> Self {
        let upstream = self.version.service.as_ref().unwrap().upstream_url.as_str().to_owned();
        self.version.service = Some(GatewayService::validate(&upstream, routes).unwrap());
        self
    }

    pub(crate) fn updates(&self) -> [Update; 6] {
        [
            self.version.clone().into(),
            self.strategy.clone().into(),
            self.developer.clone().into(),
            self.app.clone().into(),
            self.credential.clone().into(),
            self.request.clone().into(),
        ]
    }

    /// A request with the key, as text; `head` is the request line's method and target.
    pub(crate) fn request(&self, line: &str, extra: &str) -> String {
        format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\napikey: {}\r\n{extra}\r\n",
            self.key.expose()
        )
    }
}

/// A gateway that serves.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) writer: SnapshotWriter,
    pub(crate) usage: Arc<Usage>,
    shutdown: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Running {
    /// Without a snapshot.
    pub(crate) async fn unloaded(configure: impl FnOnce(&mut GatewayConfig)) -> Self {
        let mut config = GatewayConfig::new("127.0.0.1:0".parse().unwrap());
        configure(&mut config);
        let (writer, reader) = snapshot::channel();
        let usage = Arc::new(Usage::new());
        let gateway = Gateway::bind(config, reader, Arc::clone(&usage)).await.unwrap();
        let address = gateway.local_addr();
        let (shutdown, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(gateway.serve(async move {
            let _ = stopped.await;
        }));
        Self {
            address,
            writer,
            usage,
            shutdown: Some(shutdown),
            served,
        }
    }

    pub(crate) async fn with(scene: &Scene, configure: impl FnOnce(&mut GatewayConfig)) -> Self {
        let mut running = Self::unloaded(configure).await;
        running.writer.replace(scene.updates());
        running
    }

    pub(crate) async fn start(scene: &Scene) -> Self {
        Self::with(scene, |_| {}).await
    }

    pub(crate) fn publish(&mut self, scene: &Scene) {
        self.writer.apply(scene.updates()).unwrap();
    }

    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> Response {
        wire::exchange(self.address, bytes).await
    }

    /// GET /mock with the scene's key.
    pub(crate) async fn get(&self, scene: &Scene) -> Response {
        self.send(scene.request("GET /mock", "")).await
    }

    pub(crate) fn begin_shutdown(&mut self) {
        let _ = self.shutdown.take().unwrap().send(());
    }

    /// Waits until the gateway has stopped.
    pub(crate) async fn stopped(self) {
        drop(self.shutdown);
        timeout(HANG, self.served).await.expect("hang").unwrap();
    }
}

/// Short enough for a test to wait for.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// Fails the test instead of hanging.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(HANG, future).await.expect("hang")
}
