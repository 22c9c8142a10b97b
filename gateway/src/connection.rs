//! One client's connection: what its requests share, and how each of them is answered.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Instant};

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Level;

use crate::{
    admission::{self, Admitted},
    answer::Refused,
    body::ResponseBody,
    config::{GatewayConfig, Timeouts, is_trusted},
    headers::{Peer, REQUEST_ID},
    observer::{AnsweredCall, trace_context},
    permit::Permit,
    proxy::{self, Call},
    request_id::request_id,
    snapshot::SnapshotReader,
    supervision::{WatchGuard, Watched},
    target::RequestTarget,
    tunnel,
    upstream::Upstream,
    usage::Usage,
};

/// What all connections of a worker share.
pub(crate) struct Shared {
    pub(crate) config: Arc<GatewayConfig>,
    pub(crate) reader: SnapshotReader,
    pub(crate) usage: Arc<Usage>,
    pub(crate) upstream: Upstream,
    pub(crate) tasks: TaskTracker,
    /// Tunnels end with it: they have no end of their own to wait for.
    pub(crate) stop: CancellationToken,
}

/// A client's connection.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    peer: Peer,
    watch: WatchGuard,
    /// This connection's place among the limited number; a tunnel keeps it.
    place: Arc<OwnedSemaphorePermit>,
}

/// Under this target one line is logged for each request, at the level `debug`.
const ACCESS: &str = "portico_gateway::access";

impl Connection {
    pub(crate) fn new(
        shared: Arc<Shared>,
        watch: WatchGuard,
        peer: SocketAddr,
        local: SocketAddr,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let peer_ip = peer.ip().to_canonical();
        let is_trusted = is_trusted(&shared.config.trusted_proxies, peer_ip);
        Self {
            shared,
            peer: Peer::new(peer_ip, local.port(), is_trusted),
            watch,
            place: Arc::new(place),
        }
    }

    pub(crate) const fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(crate) const fn watched(&self) -> &Arc<Watched> {
        self.watch.watched()
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.shared.upstream
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.shared.config.timeouts
    }

    /// Carries an upgraded connection in a task of its own.
    pub(crate) fn tunnel(&self, permit: Permit, client: OnUpgrade, upstream: OnUpgrade) {
        let place = Arc::clone(&self.place);
        let reader = self.shared.reader.clone();
        let stop = self.shared.stop.clone();
        self.shared.tasks.spawn(async move {
            tunnel::carry(client, upstream, permit, reader, stop).await;
            drop(place);
        });
    }

    /// Answers one request. There is always an answer.
    pub(crate) async fn serve(&self, request: Request<Incoming>) -> Result<Response<ResponseBody>, Infallible> {
        let began = Instant::now();
        let request_id = request_id(request.headers(), self.peer.is_trusted());
        let observer = &self.shared.config.observer;
        let trace_context = trace_context(observer, request.headers());
        let is_logged = tracing::enabled!(target: ACCESS, Level::DEBUG);
        // For those who want to know of each call; most often nobody does.
        let seen =
            (is_logged || observer.is_some()).then(|| (request.method().clone(), request.uri().path().to_owned()));
        let wants_upgrade = request.headers().contains_key(header::UPGRADE);
        let (mut response, refused) = match self.answer(request, &request_id).await {
            Ok(response) => (response, None),
            Err(refused) => {
                self.watched().rest();
                let mut response = refused.response();
                response.headers_mut().insert(REQUEST_ID, request_id.clone());
                (response, Some(refused))
            }
        };
        let took = began.elapsed();
        self.shared.config.metrics.answered(response.status(), refused, took);
        if let (Some(observer), Some((method, path))) = (observer, &seen) {
            observer.answered(&AnsweredCall {
                method,
                path,
                status: response.status(),
                took,
                request_id: request_id.to_str().unwrap_or_default(),
                trace_context: &trace_context,
            });
        }
        if wants_upgrade && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            // What follows was let through unread, in case it was another protocol.
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some((method, path)) = seen
            && is_logged
        {
            tracing::debug!(
                target: ACCESS,
                request_id = ?request_id,
                client = %self.peer.ip(),
                %method,
                path,
                status = response.status().as_u16(),
                elapsed_ms = took.as_millis(),
                "answered"
            );
        }
        Ok(response)
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        request_id: &HeaderValue,
    ) -> Result<Response<ResponseBody>, Refused> {
        let snapshot = self.shared.reader.load().ok_or(Refused::NotReady)?;
        let (parts, body) = request.into_parts();
        let target = RequestTarget::of(&parts)?;
        let has_odd_expectation = parts
            .headers
            .get_all(header::EXPECT)
            .iter()
            .any(|expectation| !expectation.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        if has_odd_expectation {
            return Err(Refused::ExpectationFailed);
        }
        let now = self.shared.reader.now();
        let Admitted {
            permit,
            stripped_prefix,
        } = admission::admit(&snapshot, &target, parts.method.as_str(), &parts.headers, now)?;
        if crate::DECIDES {
            self.shared.usage.record(permit.credential(), now);
        }
        let call = Call {
            snapshot,
            permit,
            path: &target.path,
            stripped_prefix: stripped_prefix.as_deref(),
            request: Request::from_parts(parts, body),
            request_id,
        };
        proxy::forward(self, call).await
    }
}
