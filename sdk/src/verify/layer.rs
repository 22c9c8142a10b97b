//! The layer: requests that may pass go on, all others are answered here.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{Denied, Verifier};

/// Puts a [`Verifier`] in front of a service. Who calls is a [`Caller`](super::Caller) in the request's extensions.
///
/// Fits services whose response's body can be made of text, as axum's and `http_body_util::Full` can; for others there is
/// [`Verifier::verify`].
#[derive(Clone, Debug)]
pub struct VerifyLayer {
    verifier: Verifier,
}

impl VerifyLayer {
    /// A layer that asks this verifier, which may be of one version ([`Verifier::of_version`]).
    pub const fn new(verifier: Verifier) -> Self {
        Self { verifier }
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = Verify<S>;

    fn layer(&self, inner: S) -> Verify<S> {
        Verify {
            inner,
            verifier: self.verifier.clone(),
        }
    }
}

/// A service behind a [`VerifyLayer`].
#[derive(Clone, Debug)]
pub struct Verify<S> {
    inner: S,
    verifier: Verifier,
}

impl<S, B, R> Service<Request<B>> for Verify<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = VerifyFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let state = match self.verifier.verify(&mut parts) {
            Ok(caller) => {
                parts.extensions.insert(caller);
                State::Passed {
                    future: self.inner.call(Request::from_parts(parts, body)),
                }
            }
            Err(denied) => State::Denied { denied },
        };
        VerifyFuture { state }
    }
}

pin_project! {
    /// The response of a [`Verify`].
    pub struct VerifyFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Passed {
            #[pin]
            future: F,
        },
        Denied {
            denied: Denied,
        },
    }
}

impl<F, R, E> Future for VerifyFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: From<String>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().state.project() {
            StateProjection::Passed { future } => Poll::Ready(ready!(future.poll(context))),
            StateProjection::Denied { denied } => Poll::Ready(Ok(denied.response())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::Ready};

    use secrecy::SecretString;

    use super::*;
    use crate::VersionId;

    /// A service that no test here may reach.
    #[derive(Clone)]
    struct Closed;

    impl Service<Request<()>> for Closed {
        type Response = Response<String>;
        type Error = Infallible;
        type Future = Ready<Result<Response<String>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            panic!("a request passed without a snapshot")
        }
    }

    /// A verifier whose control plane is not there, and never was.
    async fn alone() -> Verifier {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let token = domain::gateway_token::GatewayToken::generate(&mut rand::rng());
        Verifier::builder(format!("http://{nobody}"))
            .token(SecretString::from(token.expose()))
            .connect()
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn nothing_passes_while_nothing_is_known() {
        let verifier = alone().await;
        assert!(!verifier.is_ready() && !verifier.is_connected() && verifier.age().is_none());
        let of_one = verifier.of_version(&VersionId::new(domain::id::VersionId::new().to_string()));
        for verifier in [verifier.clone(), of_one.unwrap()] {
            let mut service = VerifyLayer::new(verifier).layer(Closed);
            let request = Request::get("/mock").header("host", "a").header("apikey", "ptk_x");
            let response = service.call(request.body(()).unwrap()).await.unwrap();
            assert_eq!(response.status(), 503);
            assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
            assert_eq!(response.body(), r#"{"message":"The gateway has no configuration yet"}"#);
        }
        verifier.stop().await;
        verifier.stop().await;
    }

    #[tokio::test]
    async fn what_waiting_does_not_mend_is_told_at_once() {
        use super::super::ConnectError;

        let token = || SecretString::from("pgt_nonsense");
        let refused = |builder: super::super::VerifierBuilder| async { builder.connect().await.unwrap_err() };
        let insecure = Verifier::builder("http://portico.example.com").token(token());
        assert!(matches!(refused(insecure).await, ConnectError::Url(_)));
        let without = Verifier::builder("https://portico.example.com");
        assert!(matches!(refused(without).await, ConnectError::Token(None)));
        let malformed = Verifier::builder("https://portico.example.com").token(token());
        let error = refused(malformed).await;
        assert!(matches!(error, ConnectError::Token(Some(_))));
        assert!(!format!("{error:?} {error}").contains("nonsense"), "{error:?}");
        let no_file = Verifier::builder("https://portico.example.com").token_file("/nowhere/token");
        assert!(matches!(refused(no_file).await, ConnectError::Token(Some(_))));
        let verifier = alone().await;
        for text in ["", "app_01h455vb4pex5vsknk084sn02q", "ver_"] {
            assert!(verifier.of_version(&VersionId::new(text)).is_err(), "{text}");
        }
    }
}
