//! Forward authentication over HTTP: a subrequest of the proxy, answered 2xx for yes.
//!
//! | Path | Asked by | Describes the request in | Refusals |
//! |---|---|---|---|
//! | `/forward-auth` | Traefik's `ForwardAuth`, Caddy's `forward_auth` | `X-Forwarded-Method`, `-Host`, `-Uri` | as our own listener's |
//! | `/auth-request` | nginx's `auth_request` | `X-Original-Method`, `-Host`, `-URI` | always 403 |
//! | `/auth-request/refusal` | nginx's `error_page`, after a 403 | the same | as our own listener's |
//!
//! nginx takes 401 and 403 alone for a refusal and drops its body, so it asks again for the answer to give.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use super::{asked::Asked, inquiry::Inquiry, removals::Removals};
use crate::{answer::Refused, body::ResponseBody, consumer::Caller, headers::REQUEST_ID, request_id::request_id};

/// The headers in which a proxy describes its client's request.
struct Description {
    method: HeaderName,
    host: HeaderName,
    target: HeaderName,
}

const FORWARDED: Description = Description {
    method: HeaderName::from_static("x-forwarded-method"),
    host: HeaderName::from_static("x-forwarded-host"),
    target: HeaderName::from_static("x-forwarded-uri"),
};

const ORIGINAL: Description = Description {
    method: HeaderName::from_static("x-original-method"),
    host: HeaderName::from_static("x-original-host"),
    target: HeaderName::from_static("x-original-uri"),
};

impl Description {
    /// Reads it: each header exactly once, or the request is not known and cannot be decided on.
    fn read<'a>(&self, headers: &'a HeaderMap) -> Result<Inquiry<'a>, Refused> {
        let only = |name: &HeaderName| {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (Some(value), None) => value.to_str().map_err(|_| UNKNOWN),
                _ => Err(UNKNOWN),
            }
        };
        Ok(Inquiry {
            method: only(&self.method)?,
            host: only(&self.host)?,
            target: only(&self.target)?,
            headers,
        })
    }
}

const UNKNOWN: Refused = Refused::BadRequest("The proxy does not say which request it asks about");

/// Answers one question.
pub(super) fn answer(asked: &Asked, request: &Request<Incoming>, is_trusted: bool) -> Response<ResponseBody> {
    let headers = request.headers();
    let id = request_id(headers, is_trusted);
    let mut response = match (request.uri().path(), request.method()) {
        _ if !is_trusted => Refused::NotTrusted.response(),
        ("/forward-auth", &Method::GET) => {
            decide(asked, &FORWARDED, request, &id).map_or_else(Refused::response, granted)
        }
        ("/auth-request", &Method::GET) => match decide(asked, &ORIGINAL, request, &id) {
            Ok(caller) => granted(caller),
            Err(_) => refused_without_reason(),
        },
        ("/auth-request/refusal", &Method::GET) => match decide(asked, &ORIGINAL, request, &id) {
            // It was refused, by us a moment ago or by a rule of the proxy's own.
            Ok(_) => Refused::ByProxy.response(),
            Err(refused) => refused.response(),
        },
        _ => Refused::BadRequest("Not an address of forward authentication").response(),
    };
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn decide(
    asked: &Asked,
    description: &Description,
    request: &Request<Incoming>,
    request_id: &HeaderValue,
) -> Result<Caller, Refused> {
    let inquiry = description.read(request.headers())?;
    let removals = Removals::of_query(request.uri().query());
    asked.decide(inquiry, request_id, |snapshot| {
        removals.cover(snapshot, inquiry.headers)
    })
}

fn granted(caller: Caller) -> Response<ResponseBody> {
    let mut response = empty(StatusCode::OK);
    caller.introduce(response.headers_mut());
    response
}

fn refused_without_reason() -> Response<ResponseBody> {
    empty(StatusCode::FORBIDDEN)
}

fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::Empty);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
