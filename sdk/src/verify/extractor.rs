//! For axum: who calls, as a handler's argument, and refusals as responses.

use axum_core::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use super::{Caller, Denied};

/// A handler asks who calls, and no [`VerifyLayer`](super::VerifyLayer) stands before it: answered 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no VerifyLayer has looked at the request")]
#[non_exhaustive]
pub struct NotVerified;

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = NotVerified;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotVerified> {
        parts.extensions.get::<Self>().cloned().ok_or(NotVerified)
    }
}

impl IntoResponse for NotVerified {
    fn into_response(self) -> Response {
        // What is wrong is the operator's business.
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        self.response::<Body>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_the_layer_no_handler_runs() {
        let (mut parts, ()) = http::Request::get("/").body(()).unwrap().into_parts();
        let rejection = Caller::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!(rejection.into_response().status(), 500);
    }
}
