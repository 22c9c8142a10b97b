//! Forwarding, to those who hold a permit.

use std::sync::Arc;

use domain::gateway_service::{CanonicalPath, UpstreamUrl};
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, uri::PathAndQuery};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::{
    answer::{Refused, ResponseBody},
    body::{RelayedBody, RequestBody},
    connection::Connection,
    exchange,
    headers::{self, Hop},
    permit::Permit,
    progress::Progress,
    snapshot::Snapshot,
    tunnel,
};

/// A call that may pass.
pub(crate) struct Call<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) permit: Permit,
    pub(crate) path: &'a CanonicalPath,
    pub(crate) stripped_prefix: Option<&'a str>,
    pub(crate) request: Request<Incoming>,
    pub(crate) request_id: &'a HeaderValue,
}

/// Sends the call to its version's upstream and brings the response back, for as long as the permit holds.
pub(crate) async fn forward(connection: &Connection, call: Call<'_>) -> Result<Response<ResponseBody>, Refused> {
    let Call {
        snapshot,
        permit,
        path,
        stripped_prefix,
        mut request,
        request_id,
    } = call;
    let upstream_url = match &permit.version().service {
        Some(service) => &service.upstream_url,
        None => return Err(Refused::NoRoute),
    };
    let wants_tunnel = tunnel::is_wanted(&request);
    let client_upgrade = wants_tunnel.then(|| hyper::upgrade::on(&mut request));
    let uri = upstream_uri(upstream_url, path, stripped_prefix, request.uri().query())?;

    let (mut parts, body) = request.into_parts();
    let hop = Hop {
        peer: connection.peer(),
        local: connection.local(),
        is_trusted: connection.peer_is_trusted(),
        request_id,
        stripped_prefix,
    };
    headers::to_upstream(&mut parts.headers, snapshot, &permit, hop, upstream_url.authority());
    if wants_tunnel {
        tunnel::ask(&mut parts.headers);
    }
    let progress = Arc::new(Progress::new());
    let mut upstream_request = Request::new(RequestBody::new(body, Arc::clone(&progress)));
    *upstream_request.method_mut() = parts.method;
    *upstream_request.uri_mut() = uri;
    *upstream_request.headers_mut() = parts.headers;

    let mut response = tokio::select! {
        biased;
        refused = exchange::ended(&permit, connection.reader()) => return Err(refused),
        response = connection.upstream().send(upstream_request, &progress) => response?,
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return match client_upgrade {
            Some(client_upgrade) if tunnel::is_granted(&response) => {
                let upstream_upgrade = hyper::upgrade::on(&mut response);
                connection.tunnel(permit, client_upgrade, upstream_upgrade);
                let (mut parts, _) = response.into_parts();
                headers::to_client(&mut parts.headers, request_id);
                tunnel::ask(&mut parts.headers);
                Ok(Response::from_parts(parts, ResponseBody::default()))
            }
            // Nobody asked for it.
            Some(_) | None => Err(Refused::BadUpstream),
        };
    }
    let (mut parts, body) = response.into_parts();
    parts.version = Version::HTTP_11;
    headers::to_client(&mut parts.headers, request_id);
    let is_empty = http_body::Body::is_end_stream(&body);
    let streaming = (!is_empty).then(|| connection.exchanges().begin(Arc::new(permit)));
    let body = RelayedBody::new(body, connection.timeouts().body_idle, progress, streaming);
    Ok(Response::from_parts(parts, body.boxed_unsync()))
}

fn upstream_uri(
    upstream_url: &UpstreamUrl,
    path: &CanonicalPath,
    stripped_prefix: Option<&str>,
    query: Option<&str>,
) -> Result<Uri, Refused> {
    let mut target = path.forwarded(upstream_url.path(), stripped_prefix);
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    let target = PathAndQuery::try_from(target).map_err(|_| Refused::BadRequest("The path is malformed"))?;
    Uri::builder()
        .scheme(if upstream_url.is_https() { "https" } else { "http" })
        .authority(upstream_url.authority())
        .path_and_query(target)
        .build()
        .map_err(|_| Refused::BadUpstream)
}
