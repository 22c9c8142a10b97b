//! All routes of the API's port, and what every request passes through.

use std::sync::Arc;

use axum::{Router, middleware};

use super::{
    client_address::{self, TrustedProxies},
    graphql::{self, GraphqlSettings},
    request_id,
};
use crate::{config::ServeOptions, control_plane::ControlPlane, graphql::Endpoint};

/// The API's routes, for [`axum::serve`] with connection information.
pub fn router(plane: &Arc<ControlPlane>, settings: GraphqlSettings, options: &ServeOptions) -> Router {
    let proxies = TrustedProxies::new(options.trusted_proxies.iter().copied());
    graphql::router(Endpoint::new(Arc::clone(plane)), settings)
        .layer(middleware::from_fn_with_state(proxies, client_address::assign))
        .layer(middleware::from_fn(request_id::assign))
}
