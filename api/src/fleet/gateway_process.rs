//! A gateway of its own, from start to an orderly end.

use std::{fs, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, response::IntoResponse as _, routing::get};
use gateway::{
    BindError, Gateway, GatewayConfig, Observer, Protocol, Usage,
    control_plane::{Link, LinkConfig, LinkError, LinkStatus, TokenError, TokenSource},
};
use http::{StatusCode, header};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::node_id;
use crate::{
    config::{GatewayListen, GatewayOptions},
    data_directory::{DataDirectory, DataDirectoryError, write_addresses},
    http::listener::{self, ListenerSettings},
    metrics::{self, LinkCollector, MetricsListenError, MetricsListener},
    proxy_listeners::{ProxyListenError, ProxyListeners},
};

/// The copy of the snapshot in the data directory.
const COPY: &str = "snapshot.copy";

/// Why the gateway does not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum GatewayStartError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDirectory(#[from] DataDirectoryError),
    /// A file of the data directory cannot be read or written.
    #[error("cannot use the data directory {path}: {source}; choose another with --data-dir", path = path.display())]
    DataFile {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No token was given.
    #[error("a gateway needs a token: set PORTICO_GATEWAY_TOKEN or --token-file to one that createGatewayToken made")]
    NoToken,
    /// The token's file has none.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A configured file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An address is not to be had.
    #[error("cannot listen on {address}: {source}; choose another address with {flag}")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// The flag to choose another with.
        flag: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The gateway's address is not to be had, or TLS to upstreams cannot be set up.
    #[error("{0}; choose another address with --listen (PORTICO_GATEWAY_LISTEN)")]
    Bind(#[from] BindError),
    /// Proxies cannot ask.
    #[error(transparent)]
    ProxyListen(#[from] ProxyListenError),
    /// Metrics cannot be scraped.
    #[error(transparent)]
    MetricsListen(#[from] MetricsListenError),
    /// TLS to the control plane cannot be set up.
    #[error("{0}; check --control-plane-ca")]
    Link(#[from] LinkError),
}

/// A gateway that runs until it is stopped.
pub struct GatewayProcess {
    listen: SocketAddr,
    health_listen: Option<SocketAddr>,
    link: Link,
    stopping: CancellationToken,
    gateway: TaskTracker,
    health_stop: CancellationToken,
    health: TaskTracker,
    _data_directory: DataDirectory,
}

impl GatewayProcess {
    /// Starts it. Returns when it serves: from the control plane's state, or from the copy on disk when the control
    /// plane is away; without either it answers 503 until the control plane is there.
    ///
    /// # Errors
    /// [`GatewayStartError`].
    pub async fn start(options: &GatewayOptions) -> Result<Self, GatewayStartError> {
        Self::start_observed(options, None).await
    }

    /// As [`GatewayProcess::start`], with somebody who is told of each call that is answered.
    ///
    /// # Errors
    /// [`GatewayStartError`].
    pub async fn start_observed(options: &GatewayOptions, observer: Observer) -> Result<Self, GatewayStartError> {
        let directory = DataDirectory::lock(&options.data_dir)?;
        let path = directory.path().to_owned();
        let data_file = |source| GatewayStartError::DataFile {
            path: path.clone(),
            source,
        };
        let token = match (&options.token, &options.token_file) {
            (_, Some(file)) => TokenSource::File(file.clone()),
            (Some(token), None) => TokenSource::Given(token.clone()),
            (None, None) => return Err(GatewayStartError::NoToken),
        };
        token.read()?;
        let authorities = options.control_plane_ca.as_ref().map(|path| {
            fs::read(path).map_err(|source| GatewayStartError::Unreadable {
                path: path.clone(),
                source,
            })
        });
        let health = match options.health_listen {
            GatewayListen::Off => None,
            GatewayListen::On(address) => Some(bound(address).await?),
        };
        let health_listen = health.as_ref().map(|(_, address)| *address);
        let (writer, reader) = gateway::snapshot::channel();
        let usage = Arc::new(Usage::new());
        let metrics_listener = MetricsListener::bind(options.metrics).await?;
        let gateway_metrics = gateway::Metrics::new();
        let (trusted, grace) = (&options.trusted_proxies, options.shutdown_grace());
        let proxies = ProxyListeners::bind(options.proxies, trusted, grace, &reader, &usage, &gateway_metrics).await?;
        let mut config = GatewayConfig::new(options.listen);
        config.trusted_proxies.clone_from(&options.trusted_proxies);
        config.forbidden_upstreams.extend(health_listen);
        config.forbidden_upstreams.extend(proxies.addresses());
        let metrics_listen = metrics_listener.as_ref().map(MetricsListener::local_addr);
        config.forbidden_upstreams.extend(metrics_listen);
        config.metrics = gateway_metrics.clone();
        config.observer = observer;
        config.timeouts.shutdown_grace = options.shutdown_grace();
        if let Some(workers) = options.gateway_workers {
            config.workers = workers;
        }
        let gateway = Gateway::bind(config, reader.clone(), Arc::clone(&usage)).await?;
        let addresses = json!({
            "gateway_listen": gateway.local_addr().to_string(),
            "health_listen": health_listen.map(|address| address.to_string()),
            "forward_auth_listen": proxies.address(Protocol::ForwardAuth).map(|address| address.to_string()),
            "ext_authz_listen": proxies.address(Protocol::ExtAuthz).map(|address| address.to_string()),
            "metrics_listen": metrics_listen.map(|address| address.to_string()),
        });
        let listen = gateway.local_addr();
        let link = LinkConfig {
            url: options.control_plane.clone(),
            token,
            authorities: authorities.transpose()?,
            node: node_id::load_or_create(directory.path()).map_err(data_file)?,
            name: options.name.clone().unwrap_or_else(host_name),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            max_staleness: options.max_staleness(),
            copy: Some(directory.path().join(COPY)),
        };
        // Until it returns, calls wait in the listen queue.
        let link = Link::start(link, writer, usage).await?;
        let process = Self {
            listen,
            health_listen,
            link,
            stopping: CancellationToken::new(),
            gateway: TaskTracker::new(),
            health_stop: CancellationToken::new(),
            health: TaskTracker::new(),
            _data_directory: directory,
        };
        process
            .gateway
            .spawn(gateway.serve(process.stopping.clone().cancelled_owned()));
        proxies.serve(&process.gateway, &process.stopping);
        if let Some(listener) = metrics_listener {
            let mut registry = metrics::registry();
            gateway_metrics.register(&mut registry, reader);
            registry.register_collector(Box::new(LinkCollector(process.link.status().clone())));
            listener.serve(registry, &process.health, &process.health_stop);
        }
        if let Some((listener, _)) = health {
            let health = Health {
                link: process.link.status().clone(),
                stopping: process.stopping.clone(),
            };
            let settings = ListenerSettings {
                shutdown_grace: Duration::ZERO,
                connections: 64,
                ..ListenerSettings::default()
            };
            let stop = process.health_stop.clone().cancelled_owned();
            process
                .health
                .spawn(listener::serve(listener, routes(health), settings, stop));
        }
        write_addresses(&path, &addresses).map_err(data_file)?;
        Ok(process)
    }

    /// Where it serves.
    #[must_use]
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Where it tells how it is, if it does.
    #[must_use]
    pub const fn health_listen(&self) -> Option<SocketAddr> {
        self.health_listen
    }

    /// How its link to the control plane is.
    #[must_use]
    pub const fn link(&self) -> &LinkStatus {
        self.link.status()
    }

    /// Stops taking calls, finishes those under way within the grace period, writes the copy, tells the control plane,
    /// and ends. Until the last call is answered, revocations still arrive, and `/readyz` says 503.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.gateway.close();
        self.gateway.wait().await;
        self.link.stop().await;
        self.health_stop.cancel();
        self.health.close();
        self.health.wait().await;
    }
}

async fn bound(address: SocketAddr) -> Result<(TcpListener, SocketAddr), GatewayStartError> {
    let failed = |source| GatewayStartError::Listen {
        address,
        flag: "--health-listen (PORTICO_HEALTH_LISTEN)",
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

/// The name of this machine.
#[must_use]
pub fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

#[derive(Clone)]
struct Health {
    link: LinkStatus,
    stopping: CancellationToken,
}

/// `/healthz`: the process serves. `/readyz`: it has a state to enforce, and is not about to stop. Being cut off from the
/// control plane, and a copy that cannot be written, are told there, and take nothing from it.
fn routes(health: Health) -> Router {
    Router::new()
        .route(
            "/healthz",
            get(|| async {
                (
                    [(header::CACHE_CONTROL, "no-store")],
                    Json(json!({ "status": "alive" })),
                )
            }),
        )
        .route("/readyz", get(ready))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> axum::response::Response {
    let (code, status) = if health.stopping.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else if health.link.is_enforcing() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no snapshot")
    };
    let body = json!({
        "status": status,
        "controlPlane": if health.link.is_connected() { "connected" } else { "away" },
        "snapshotAgeSeconds": health.link.age().map(|age| age.as_secs()),
        "copyFailure": health.link.copy_failure(),
    });
    (code, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
