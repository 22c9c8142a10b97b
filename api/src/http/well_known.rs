//! The public keys of the two realms, so that others can check access tokens (RFC 7517, RFC 8615).

use axum::{Router, response::IntoResponse as _, routing::get};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use serde_json::Value;

use crate::session::jwks;

/// How long a set may be kept. A key that is to sign is to be in the set that long before.
const CACHE_CONTROL: &str = "public, max-age=300";

/// The routes: `/.well-known/portal/jwks.json` and `/.well-known/admin/jwks.json`, one set per realm, so that a token
/// of one realm finds no key in the other's. `/.well-known/jwks.json`, the usual place, is the portal's.
pub fn router(portal: &Value, admin: &Value) -> Router {
    Router::new()
        .route("/.well-known/jwks.json", key_set(portal))
        .route("/.well-known/portal/jwks.json", key_set(portal))
        .route("/.well-known/admin/jwks.json", key_set(admin))
}

fn key_set(keys: &Value) -> axum::routing::MethodRouter {
    let body = Bytes::from(keys.to_string());
    get(move || {
        let headers: [(HeaderName, HeaderValue); 3] = [
            (header::CONTENT_TYPE, HeaderValue::from_static(jwks::MEDIA_TYPE)),
            (header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL)),
            // The keys are public; pages of any origin may check tokens.
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        ];
        let body = body.clone();
        async move { (headers, body).into_response() }
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn each_realm_has_its_own_set() {
        let (portal, admin) = (json!({ "keys": [{ "kid": "p" }] }), json!({ "keys": [{ "kid": "a" }] }));
        let router = super::router(&portal, &admin);
        for (path, expected) in [
            ("/.well-known/jwks.json", &portal),
            ("/.well-known/portal/jwks.json", &portal),
            ("/.well-known/admin/jwks.json", &admin),
        ] {
            let response = router
                .clone()
                .oneshot(Request::get(path).body(Body::empty()).unwrap())
                .await
                .unwrap();
            assert_eq!(response.headers()["content-type"], "application/jwk-set+json");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), *expected, "{path}");
        }
    }
}
