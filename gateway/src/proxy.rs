//! Forwarding, to those who hold a permit.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use domain::gateway_service::{CanonicalPath, UpstreamUrl};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, uri::PathAndQuery};
use http_body::Body as _;
use hyper::body::Incoming;

use crate::{
    answer::Refused,
    body::{RelayedBody, RequestBody, ResponseBody},
    connection::Connection,
    consumer::Caller,
    headers::{self, Hop},
    permit::Permit,
    plain::Handed,
    progress::Progress,
    snapshot::Snapshot,
    supervision::Watched,
    tunnel,
    upstream::{Answered, Lease, Outgoing},
};

/// A call that may pass.
pub(crate) struct Call<'a> {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) permit: Permit,
    /// `None` where nothing was decided.
    pub(crate) caller: Option<Caller>,
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
        caller,
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
    let target = upstream_target(upstream_url, path, stripped_prefix, request.uri().query())?;
    let upstream = connection.upstream().at(upstream_url)?;

    let (mut parts, body) = request.into_parts();
    let hop = Hop {
        peer: connection.peer(),
        request_id,
        stripped_prefix,
        upstream_host: upstream.host(),
    };
    headers::to_upstream(&mut parts.headers, &snapshot, caller, hop);
    if wants_tunnel {
        tunnel::ask(&mut parts.headers);
    }
    let outgoing = Outgoing {
        method: parts.method,
        target,
        headers: parts.headers,
    };
    let watched = connection.watched();
    let progress = (!body.is_end_stream()).then(|| Arc::new(Progress::new(Arc::clone(watched.clock()))));
    let body = match &progress {
        Some(progress) => RequestBody::new(body, Arc::clone(progress), Arc::clone(watched)),
        None => RequestBody::empty(),
    };
    let wants_task = wants_tunnel || progress.is_some();
    watched.wait(permit, progress.clone());
    // From here on the supervisor asks the permit again, so nobody holds on to what it was given by.
    drop(snapshot);
    let sending = connection.upstream().send(&upstream, outgoing, body, wants_task);
    let Answered { mut response, lease } = unless_ended(watched, sending).await?;

    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return match client_upgrade {
            Some(client_upgrade) if tunnel::is_granted(&response) => {
                let permit = watched.become_tunnel().ok_or(Refused::BadUpstream)?;
                let upstream_upgrade = hyper::upgrade::on(&mut response);
                connection.tunnel(permit, client_upgrade, upstream_upgrade);
                let (mut parts, _) = response.into_parts();
                headers::to_client(&mut parts.headers, request_id);
                tunnel::ask(&mut parts.headers);
                Ok(Response::from_parts(parts, ResponseBody::Empty))
            }
            // Nobody asked for it.
            Some(_) | None => Err(Refused::BadUpstream),
        };
    }
    Ok(relayed(connection, response, lease, progress, request_id))
}

/// Brings the response back of a call whose request has gone out by the short way.
pub(crate) async fn resume(
    connection: &Connection,
    handed: Handed,
    method: Method,
) -> Result<Response<ResponseBody>, Refused> {
    let Handed {
        upstream,
        io,
        answer,
        request_id,
        began: _,
    } = handed;
    let outgoing = Outgoing {
        method,
        target: Uri::from_static("/"),
        headers: HeaderMap::new(),
    };
    let resuming = connection.upstream().resume(&upstream, (io, answer), outgoing);
    let Answered { response, lease } = unless_ended(connection.watched(), resuming).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for it.
        return Err(Refused::BadUpstream);
    }
    Ok(relayed(connection, response, lease, None, &request_id))
}

fn relayed(
    connection: &Connection,
    response: Response<Incoming>,
    lease: Lease,
    progress: Option<Arc<Progress>>,
    request_id: &HeaderValue,
) -> Response<ResponseBody> {
    let (mut parts, body) = response.into_parts();
    parts.version = Version::HTTP_11;
    headers::to_client(&mut parts.headers, request_id);
    let idle_limit = connection.timeouts().body_idle;
    let body = RelayedBody::new((body, lease), Arc::clone(connection.watched()), idle_limit, progress);
    Response::from_parts(parts, ResponseBody::Relayed(body))
}

/// Waits for what is sent, unless the supervisor says that the call is over.
async fn unless_ended<T>(watched: &Watched, sending: impl Future<Output = Result<T, Refused>>) -> Result<T, Refused> {
    let mut sending = pin!(sending);
    poll_fn(|cx| match watched.ended() {
        Some(refused) => Poll::Ready(Err(refused)),
        None => sending.as_mut().poll(cx),
    })
    .await
}

fn upstream_target(
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
    PathAndQuery::try_from(target)
        .map(Uri::from)
        .map_err(|_| Refused::BadRequest("The path is malformed"))
}
