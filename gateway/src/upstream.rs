//! Calls to upstreams: pooled connections, and patience with limits.

use std::{error::Error as StdError, io, sync::Arc, time::Duration};

use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, sleep_until};

use crate::{
    answer::Refused,
    body::RequestBody,
    config::{GatewayConfig, Timeouts},
    connector::{ConnectError, Connector},
    progress::Progress,
};

/// The client that all calls share.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    client: Client<HttpsConnector<Connector>, RequestBody>,
    timeouts: Timeouts,
}

/// The TLS configuration for upstreams could not be built.
#[derive(Debug, thiserror::Error)]
#[error("the TLS configuration for upstreams cannot be built")]
pub struct TlsError(#[from] rustls::Error);

impl Upstream {
    pub(crate) fn new(config: &GatewayConfig, connector: Connector) -> Result<Self, TlsError> {
        let tls = match &config.upstream_tls {
            Some(tls) => rustls::ClientConfig::clone(tls),
            None => public_authorities()?,
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(config.timeouts.upstream_keep_alive)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .http1_max_buf_size(config.limits.head_bytes.max(8192))
            .set_host(false)
            .build(HttpsConnector::from((connector, tls)));
        Ok(Self {
            client,
            timeouts: config.timeouts,
        })
    }

    /// Sends a request and waits for the head of its response. A safe request without a body is sent once more when a
    /// kept connection turns out to have been closed (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
    pub(crate) async fn send(
        &self,
        request: Request<RequestBody>,
        progress: &Arc<Progress>,
    ) -> Result<Response<Incoming>, Refused> {
        let again = may_be_repeated(&request).then(|| {
            let mut again = Request::new(RequestBody::empty(Arc::clone(progress)));
            *again.method_mut() = request.method().clone();
            *again.uri_mut() = request.uri().clone();
            *again.headers_mut() = request.headers().clone();
            again
        });
        match self.send_once(request, progress).await {
            Err(Failure::ConnectionClosed) => match again {
                Some(again) => self.send_once(again, progress).await.map_err(Failure::refused),
                None => Err(Refused::BadUpstream),
            },
            result => result.map_err(Failure::refused),
        }
    }

    async fn send_once(
        &self,
        request: Request<RequestBody>,
        progress: &Arc<Progress>,
    ) -> Result<Response<Incoming>, Failure> {
        let upstream = request.uri().authority().cloned();
        let response = self.client.request(request);
        tokio::pin!(response);
        loop {
            let now = Instant::now();
            let deadline = progress.moved_at() + self.patience(progress);
            if deadline <= now {
                return Err(Failure::Refused(if progress.waits_for_client() {
                    Refused::RequestTimeout
                } else {
                    Refused::UpstreamTimeout
                }));
            }
            // Whom we wait for may change meanwhile, and with it the patience.
            let shorter = self.timeouts.body_idle.min(self.timeouts.response_head);
            tokio::select! {
                biased;
                result = &mut response => return result.map_err(|error| {
                    tracing::debug!(?upstream, error = %Chain(&error), "a call to an upstream failed");
                    Failure::of(&error, progress)
                }),
                () = sleep_until(deadline.min(now + shorter)) => {}
            }
        }
    }

    fn patience(&self, progress: &Progress) -> Duration {
        if progress.waits_for_client() {
            self.timeouts.body_idle
        } else {
            self.timeouts.response_head
        }
    }
}

fn public_authorities() -> Result<rustls::ClientConfig, TlsError> {
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

fn may_be_repeated(request: &Request<RequestBody>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && http_body::Body::is_end_stream(request.body())
}

/// Why there is no response.
enum Failure {
    /// The connection ended before the head of a response was whole.
    ConnectionClosed,
    Refused(Refused),
}

impl Failure {
    fn of(error: &hyper_util::client::legacy::Error, progress: &Progress) -> Self {
        if progress.client_failed() {
            return Self::Refused(Refused::BadRequest("The request body is malformed"));
        }
        let is_connect = error.is_connect();
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(ConnectError::Timeout) = error.downcast_ref::<ConnectError>() {
                return Self::Refused(Refused::UpstreamTimeout);
            }
            let is_closed = error
                .downcast_ref::<hyper::Error>()
                .is_some_and(|error| error.is_incomplete_message() || error.is_closed())
                || error.downcast_ref::<io::Error>().is_some_and(|error| {
                    matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
                    )
                });
            if is_closed && !is_connect {
                return Self::ConnectionClosed;
            }
            cause = error.source();
        }
        Self::Refused(Refused::BadUpstream)
    }

    const fn refused(self) -> Refused {
        match self {
            Self::ConnectionClosed => Refused::BadUpstream,
            Self::Refused(refused) => refused,
        }
    }
}

/// An error with its causes, for the log.
struct Chain<'a>(&'a dyn StdError);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
