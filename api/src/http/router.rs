//! All routes of the API's port, and what every request passes through.

use std::sync::Arc;

use axum::{Router, routing::any};

use super::{
    client_address::TrustedProxies,
    graphiql, graphql,
    health::{self, Readiness},
    layers, well_known,
};
use crate::{
    config::ServeOptions,
    control_plane::ControlPlane,
    fleet,
    live::{self, Live},
    session::{jwks, realm::Realm},
};

/// The API's routes, for [`super::listener::serve`].
pub fn router(plane: &Arc<ControlPlane>, live: &Arc<Live>, options: &ServeOptions, readiness: Readiness) -> Router {
    let keys = |realm| jwks::key_set(plane.access_tokens.keys(realm));
    let asked = Arc::clone(plane);
    let is_working = move || {
        let plane = Arc::clone(&asked);
        async move {
            plane.is_ready().await.unwrap_or_else(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
                false
            })
        }
    };
    let live_routes = Router::new()
        .route("/graphql/ws", any(live::socket::connect))
        .route("/graphql/stream", any(live::event_stream::connect))
        .with_state(Arc::clone(live));
    let routes = graphql::routes(Arc::clone(&live.endpoint))
        .merge(live_routes)
        .merge(graphiql::router())
        .merge(health::router(readiness, is_working))
        .merge(fleet::http::router(Arc::clone(plane)))
        .merge(well_known::router(&keys(Realm::Portal), &keys(Realm::Admin)));
    let proxies = TrustedProxies::new(options.trusted_proxies.iter().copied());
    layers::wrap(routes, proxies, &options.allowed_origins)
}
