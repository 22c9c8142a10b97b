//! The id by which one request is found again: in its answer, in its errors, in the logs and in audit events.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::client_address::TrustedProxies;

/// The header that carries the id, both ways.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over, in bytes.
const LONGEST: usize = 128;

/// A request's id: 1 to 128 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new id. Ids sort by the time they were made.
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string().into())
    }

    /// The id that a proxy in front chose, when it is one that cannot garble a log.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(REQUEST_ID_HEADER).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let id = value.to_str().ok()?;
        let usable = (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        usable.then(|| Self(id.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Middleware that gives every request a [`RequestId`] as an extension, and its answer the header. A client's own id
/// counts for nothing unless a trusted proxy passes it on: audit events are found by it, and nobody may choose the one
/// of somebody else's request.
pub async fn assign(State(proxies): State<TrustedProxies>, mut request: Request, next: Next) -> Response {
    let is_trusted = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .is_some_and(|ConnectInfo(peer)| proxies.contains(peer.ip()));
    let given = is_trusted.then(|| RequestId::from_headers(request.headers())).flatten();
    let id = given.unwrap_or_else(RequestId::generate);
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{REQUEST_ID_HEADER, RequestId, TrustedProxies, assign};
    use axum::{Extension, Router, body::Body, extract::ConnectInfo, middleware, routing::get};
    use http::{HeaderMap, HeaderValue, Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    fn taken_over(values: &[&[u8]]) -> Option<RequestId> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(REQUEST_ID_HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        RequestId::from_headers(&headers)
    }

    #[test]
    fn takes_over_only_what_is_safe_to_log() {
        assert_eq!(taken_over(&[b"abc-123/~"]).unwrap().as_str(), "abc-123/~");
        assert!(taken_over(&[&[b'a'; 128]]).is_some());
        for refused in [
            &b""[..],
            &[b'a'; 129],
            b"with space",
            b"tab\tbed",
            "na\u{ef}ve".as_bytes(),
            b"\xff",
        ] {
            assert!(taken_over(&[refused]).is_none(), "{refused:?}");
        }
        assert!(taken_over(&[]).is_none());
        assert!(taken_over(&[b"one", b"two"]).is_none());
    }

    #[test]
    fn generates_ids_that_it_would_take_over() {
        let id = RequestId::generate();
        assert_eq!(taken_over(&[id.as_str().as_bytes()]), Some(id.clone()));
        assert_ne!(RequestId::generate(), id);
    }

    #[tokio::test]
    async fn answers_with_the_id_that_the_handler_saw() {
        let show = |Extension(id): Extension<RequestId>| async move { id.as_str().to_owned() };
        let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]);
        let router = Router::new()
            .route("/", get(show))
            .layer(middleware::from_fn_with_state(proxies, assign));
        for (sent, peer, kept) in [
            ("mine", Some("10.0.0.1:4711"), true),
            ("mine", Some("[::ffff:10.0.0.1]:4711"), true),
            ("not mine", Some("10.0.0.1:4711"), false),
            ("mine", Some("192.0.2.1:4711"), false),
            ("mine", None, false),
        ] {
            let mut request = Request::get("/")
                .header("x-request-id", sent)
                .body(Body::empty())
                .unwrap();
            if let Some(peer) = peer {
                let peer: std::net::SocketAddr = peer.parse().unwrap();
                request.extensions_mut().insert(ConnectInfo(peer));
            }
            let response = router.clone().oneshot(request).await.unwrap();
            let header = response.headers()["x-request-id"].to_str().unwrap().to_owned();
            let seen = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(header.as_bytes(), seen);
            assert_eq!(header == sent, kept, "{sent} from {peer:?}");
        }
    }
}
