//! One client's connection: what its requests share, and how each of them is answered.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Instant};

use domain::Timestamp;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Level;

use crate::{
    answer::Refused,
    body::ResponseBody,
    config::{GatewayConfig, Timeouts},
    headers::{Peer, REQUEST_ID},
    permit::Permit,
    proxy::{self, Call},
    route_table::Found,
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
        let is_trusted = shared.config.trusted_proxies.iter().any(|net| net.contains(&peer_ip));
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
        let request_id = self.request_id(&request);
        let seen = tracing::enabled!(target: ACCESS, Level::DEBUG).then(|| {
            let path = request.uri().path().to_owned();
            (Instant::now(), request.method().clone(), path)
        });
        let wants_upgrade = request.headers().contains_key(header::UPGRADE);
        let mut response = match self.answer(request, &request_id).await {
            Ok(response) => response,
            Err(refused) => {
                self.watched().rest();
                let mut response = refused.response();
                response.headers_mut().insert(REQUEST_ID, request_id.clone());
                response
            }
        };
        if wants_upgrade && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            // What follows was let through unread, in case it was another protocol.
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some((began, method, path)) = seen {
            tracing::debug!(
                target: ACCESS,
                request_id = ?request_id,
                client = %self.peer.ip(),
                %method,
                path,
                status = response.status().as_u16(),
                elapsed_ms = began.elapsed().as_millis(),
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
        let found = snapshot
            .routes()
            .find(&target.host, &target.path, parts.method.as_str())
            .map_err(|_| Refused::BadRequest("The path can be read in two ways"))?;
        let (version, stripped_prefix) = match found {
            Some(Found::Live {
                version,
                stripped_prefix,
            }) => (version, stripped_prefix),
            Some(Found::Retired { version }) => {
                return Err(Permit::of_retired(&snapshot, version, &parts.headers));
            }
            None => return Err(Refused::NoRoute),
        };
        #[cfg(feature = "undecided")]
        let permit = Permit::undecided(&snapshot, version)?;
        #[cfg(not(feature = "undecided"))]
        let permit = {
            let now = Timestamp::now();
            let permit = Permit::of_call(&snapshot, version, &parts.headers, now)?;
            self.shared.usage.record(permit.credential(), now);
            permit
        };
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

    /// The id under which a request is logged, here and at the upstream: a trusted proxy's, or a new one.
    fn request_id(&self, request: &Request<Incoming>) -> HeaderValue {
        let sent = request.headers().get(REQUEST_ID).filter(|id| {
            self.peer.is_trusted()
                && (1..=128).contains(&id.len())
                && id
                    .as_bytes()
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        });
        sent.cloned().unwrap_or_else(|| {
            let mut text = [0; uuid::fmt::Simple::LENGTH];
            let id = uuid::Uuid::now_v7().simple().encode_lower(&mut text);
            HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
        })
    }
}
