//! What operators see at `/metrics`, in the format that Prometheus scrapes (OpenMetrics 1.0).
//!
//! Each server has a registry of its own: a process under test runs several. No label holds anything that a caller
//! chooses, and none names an app, a key, an account or a path.

mod graphql;
mod link;
mod live;
mod plane;

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, extract::State, response::IntoResponse as _, routing::get};
use clap::Args;
use http::{HeaderValue, StatusCode, header};
pub use prometheus_client::registry::Registry;
use prometheus_client::{encoding::text, metrics::info::Info};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use graphql::{GraphqlMetrics, Outcome};
pub(crate) use link::LinkCollector;
pub use live::{LiveMetrics, Transport};
pub(crate) use plane::PlaneCollector;

use crate::{
    config::GatewayListen,
    http::listener::{self, ListenerSettings},
};

/// Where metrics are scraped.
#[derive(Clone, Copy, Debug, Args)]
pub struct MetricsOptions {
    /// Address of /metrics, for Prometheus; `off` for none. It asks nobody who they are, so keep it from the public.
    #[arg(long, env = "PORTICO_METRICS_LISTEN", default_value = "off", value_name = "ADDRESS")]
    pub metrics_listen: GatewayListen,
}

impl MetricsOptions {
    /// Nobody scrapes.
    pub const OFF: Self = Self {
        metrics_listen: GatewayListen::Off,
    };
}

/// The address of the metrics is not to be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}; choose another address with --metrics-listen, or `off`")]
pub struct MetricsListenError {
    /// Which one.
    address: SocketAddr,
    /// What the system said.
    source: std::io::Error,
}

/// A listener for scrapes, bound.
#[derive(Debug)]
pub struct MetricsListener {
    listener: TcpListener,
    local: SocketAddr,
}

impl MetricsListener {
    /// Binds it, unless it is off.
    ///
    /// # Errors
    /// [`MetricsListenError`].
    pub async fn bind(options: MetricsOptions) -> Result<Option<Self>, MetricsListenError> {
        let GatewayListen::On(address) = options.metrics_listen else {
            return Ok(None);
        };
        let failed = |source| MetricsListenError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        Ok(Some(Self { listener, local }))
    }

    /// The address that was taken.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves in a task of its own until `shutdown`.
    pub fn serve(self, registry: Registry, tasks: &TaskTracker, shutdown: &CancellationToken) {
        let settings = ListenerSettings {
            connections: 32,
            ..ListenerSettings::default()
        };
        let shutdown = shutdown.clone().cancelled_owned();
        tasks.spawn(listener::serve(self.listener, router(registry), settings, shutdown));
    }
}

/// A registry with what every process says of itself.
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("portico_build", "The version that runs", build);
    registry
}

fn router(registry: Registry) -> Router {
    Router::new()
        .route("/metrics", get(scrape))
        .with_state(Arc::new(registry))
}

async fn scrape(State(registry): State<Arc<Registry>>) -> axum::response::Response {
    let mut body = String::new();
    if let Err(error) = text::encode(&mut body, &registry) {
        tracing::error!(%error, "the metrics could not be written");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let format = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    let cache = HeaderValue::from_static("no-store");
    ([(header::CONTENT_TYPE, format), (header::CACHE_CONTROL, cache)], body).into_response()
}
