//! One client's connection: what its requests share, and how each of them is answered.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Level;

use crate::{
    admission::{self, Admitted},
    answer::Refused,
    body::ResponseBody,
    config::{GatewayConfig, Limits, Timeouts, is_trusted},
    consumer::Caller,
    headers::{Peer, REQUEST_ID},
    observer::{AnsweredCall, trace_context},
    permit::Permit,
    plain::Handed,
    proxy::{self, Call},
    request_id::RequestIds,
    snapshot::SnapshotReader,
    supervision::{WatchGuard, Watched, lock},
    target::RequestTarget,
    tunnel,
    upstream::Upstream,
    usage::UsageRecorder,
};

/// What all connections of a worker share.
pub(crate) struct Shared {
    pub(crate) config: Arc<GatewayConfig>,
    pub(crate) reader: SnapshotReader,
    pub(crate) usage: UsageRecorder,
    pub(crate) upstream: Upstream,
    pub(crate) request_ids: RequestIds,
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
    /// A call that began the short way, and whose answer is to go the long way.
    handed: Mutex<Option<Box<Handed>>>,
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
            handed: Mutex::new(None),
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

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.config.limits
    }

    pub(crate) fn reader(&self) -> &SnapshotReader {
        &self.shared.reader
    }

    pub(crate) fn usage(&self) -> &UsageRecorder {
        &self.shared.usage
    }

    pub(crate) fn request_ids(&self) -> &RequestIds {
        &self.shared.request_ids
    }

    /// Whether somebody wants to know of each call more than is counted.
    pub(crate) fn is_observed(&self) -> bool {
        self.shared.config.observer.is_some() || is_logged()
    }

    /// Counts a call that was answered the short way.
    pub(crate) fn count(&self, status: u16, refused: Option<Refused>, took: Duration) {
        if let Ok(status) = StatusCode::from_u16(status) {
            self.shared.config.metrics.answered(status, refused, took);
        }
    }

    /// The next request that hyper reads is one that has gone to its upstream already.
    pub(crate) fn hand_over(&self, handed: Box<Handed>) {
        *lock(&self.handed) = Some(handed);
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
        let handed = lock(&self.handed).take();
        let (began, request_id) = match &handed {
            Some(handed) => (handed.began, handed.request_id.clone()),
            None => {
                let sent = request.headers().get(REQUEST_ID).map(HeaderValue::as_bytes);
                let now = self.shared.reader.now();
                (
                    Instant::now(),
                    self.request_ids().id_of(sent, self.peer.is_trusted(), now),
                )
            }
        };
        let observer = &self.shared.config.observer;
        let trace_context = trace_context(observer, request.headers());
        let is_logged = is_logged();
        // For those who want to know of each call; most often nobody does.
        let seen =
            (is_logged || observer.is_some()).then(|| (request.method().clone(), request.uri().path().to_owned()));
        let wants_upgrade = request.headers().contains_key(header::UPGRADE);
        let answered = match handed {
            Some(handed) => proxy::resume(self, *handed, request.method().clone()).await,
            None => self.answer(request, &request_id).await,
        };
        let (mut response, refused) = match answered {
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
        let is_tunnel = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        // What follows an upgrade was let through unread, in case it was another protocol.
        if (wants_upgrade || self.watched().is_stopping()) && !is_tunnel {
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
            credential,
            stripped_prefix,
        } = admission::admit(
            &snapshot,
            &target.host,
            &target.path,
            parts.method.as_str(),
            &parts.headers,
            now,
        )?;
        let caller = credential.map(Caller::of);
        if crate::DECIDES {
            self.shared.usage.record(permit.credential(), now);
        }
        let call = Call {
            snapshot,
            permit,
            caller,
            path: &target.path,
            stripped_prefix: stripped_prefix.as_deref(),
            request: Request::from_parts(parts, body),
            request_id,
        };
        proxy::forward(self, call).await
    }
}

fn is_logged() -> bool {
    tracing::enabled!(target: ACCESS, Level::DEBUG)
}
