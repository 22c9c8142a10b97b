//! `/healthz`: the process serves. `/readyz`: it can do its work, and is not about to stop.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use axum::{Router, response::IntoResponse as _, routing::get};
use http::{HeaderValue, StatusCode, header};
/// Where the server is between start and end. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicU8>);

const STARTING: u8 = 0;
const READY: u8 = 1;
const STOPPING: u8 = 2;

impl Readiness {
    /// The server has begun: from now on it is asked whether it can do its work. Has no effect once it stops.
    pub fn started(&self) {
        let _ = self
            .0
            .compare_exchange(STARTING, READY, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The server is about to stop: balancers should send requests elsewhere.
    pub fn stopping(&self) {
        self.0.store(STOPPING, Ordering::Relaxed);
    }
}

/// The routes. `is_working` tells whether the server can do its work right now; it is asked on each `/readyz`.
pub fn router<Check, Answer>(readiness: Readiness, is_working: Check) -> Router
where
    Check: Fn() -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = bool> + Send + 'static,
{
    let ready = move || {
        let (readiness, is_working) = (readiness.clone(), is_working.clone());
        async move {
            match readiness.0.load(Ordering::Relaxed) {
                STARTING => answer(StatusCode::SERVICE_UNAVAILABLE, "starting"),
                STOPPING => answer(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
                _ if is_working().await => answer(StatusCode::OK, "ready"),
                _ => answer(StatusCode::SERVICE_UNAVAILABLE, "not working"),
            }
        }
    };
    Router::new()
        .route("/healthz", get(|| async { answer(StatusCode::OK, "alive") }))
        .route("/readyz", get(ready))
}

fn answer(status: StatusCode, state: &'static str) -> axum::response::Response {
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
    ];
    (status, headers, format!("{{\"status\":\"{state}\"}}")).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use axum::{Router, body::Body};
    use http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::{Readiness, router};

    async fn get(router: &Router, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_follows_the_server() {
        let readiness = Readiness::default();
        let works = Arc::new(AtomicBool::new(true));
        let asked = works.clone();
        let router = router(readiness.clone(), move || {
            let works = asked.load(Ordering::Relaxed);
            async move { works }
        });
        let ready = |status: u16, state: &str| (status, format!("{{\"status\":\"{state}\"}}"));
        assert_eq!(get(&router, "/readyz").await, ready(503, "starting"));
        readiness.started();
        assert_eq!(get(&router, "/readyz").await, ready(200, "ready"));
        works.store(false, Ordering::Relaxed);
        assert_eq!(get(&router, "/readyz").await, ready(503, "not working"));
        works.store(true, Ordering::Relaxed);
        readiness.stopping();
        assert_eq!(get(&router, "/readyz").await, ready(503, "stopping"));
        readiness.started();
        assert_eq!(
            get(&router, "/readyz").await,
            ready(503, "stopping"),
            "there is no way back"
        );
        assert_eq!(
            get(&router, "/healthz").await,
            ready(200, "alive"),
            "alive all the while"
        );
    }
}
