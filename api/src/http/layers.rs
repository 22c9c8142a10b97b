//! What every request of the API's port passes through, whatever its route.

use axum::{Router, middleware, response::Redirect, routing::get};
use http::{StatusCode, header};
use tower_http::{compression::CompressionLayer, sensitive_headers::SetSensitiveRequestHeadersLayer};

use super::{
    client_address::{self, TrustedProxies},
    cors::{self, Origin},
    request_id, request_log, security_headers,
};

/// Wraps the routes: the outermost layer comes last. Adds the answer for paths that no route has.
pub fn wrap(routes: Router, proxies: TrustedProxies, origins: &[Origin]) -> Router {
    let mut router = routes
        .route("/", get(|| async { Redirect::temporary("graphiql") }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here. The API is at /graphql.") })
        .layer(CompressionLayer::new());
    if let Some(cors) = cors::layer(origins) {
        router = router.layer(cors);
    }
    router
        .layer(middleware::from_fn(security_headers::add))
        .layer(middleware::from_fn(request_log::record))
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION]))
        .layer(middleware::from_fn_with_state(proxies.clone(), client_address::assign))
        .layer(middleware::from_fn_with_state(proxies, request_id::assign))
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
