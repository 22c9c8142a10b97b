//! Tunnels: websockets, after the handshake has passed through (RFC 9110 §7.8, RFC 6455).

use domain::id::{AppId, VersionId};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use http_body::Body;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio_util::sync::CancellationToken;

use crate::{answer::Refused, headers::has_connection_option, permit::Permit, permit_end, snapshot::SnapshotReader};

/// Whether a request asks for a websocket. No other protocol passes: h2c above all would carry requests that nobody
/// checks. An upgrade that does not pass is ignored, as RFC 9110 §7.8 allows, and the request served in HTTP/1.1.
pub(crate) fn is_wanted<B: Body>(request: &Request<B>) -> bool {
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.body().is_end_stream()
        && names_websocket(request.headers())
}

/// Whether an upstream agreed to a websocket.
pub(crate) fn is_granted<B>(response: &Response<B>) -> bool {
    names_websocket(response.headers())
}

fn names_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(header::UPGRADE).iter();
    has_connection_option(headers, "upgrade")
        && protocols
            .next()
            .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && protocols.next().is_none()
}

/// Puts the handshake's hop-by-hop headers back, which every hop must send by itself.
pub(crate) fn ask(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// Carries bytes both ways until either side closes, the permit ends, or the gateway stops.
pub(crate) async fn carry(
    client: OnUpgrade,
    upstream: OnUpgrade,
    permit: Permit,
    reader: SnapshotReader,
    stop: CancellationToken,
) {
    let (version, app) = (permit.version().id, permit.app_id());
    let carried = async {
        let (client, upstream) = match tokio::try_join!(client, upstream) {
            Ok(sides) => sides,
            Err(error) => {
                tracing::debug!(%error, "an upgrade was broken off");
                return;
            }
        };
        let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
        if let Err(error) = copy_bidirectional(&mut client, &mut upstream).await {
            tracing::debug!(%error, "a tunnel broke off");
        }
    };
    tokio::select! {
        () = carried => {}
        () = stop.cancelled() => {}
        refused = permit_end::ended(permit, &reader) => log_cut(refused, version, app),
    }
}

fn log_cut(refused: Refused, version: VersionId, app: AppId) {
    tracing::info!(
        status = refused.status().as_u16(),
        %version,
        %app,
        "a tunnel was closed: its permit has ended"
    );
}
