//! Envoy's external authorization over gRPC: `envoy.service.auth.v3.Authorization/Check`.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use tonic::{
    Code, Status,
    server::{Grpc, UnaryService},
};
use tonic_prost::ProstCodec;

use super::{
    asked::Asked,
    check::{
        CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValueOption, HttpRequest, HttpStatus, OVERWRITE,
        OkHttpResponse, Outcome, RpcStatus,
    },
    inquiry::Inquiry,
    removals,
};
use crate::{answer::Refused, consumer::Caller, headers::REQUEST_ID, request_id::request_id};

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// Answers one gRPC call.
pub(super) async fn answer(
    asked: Arc<Asked>,
    request: Request<Incoming>,
    is_trusted: bool,
) -> Result<Response<tonic::body::Body>, Infallible> {
    if request.uri().path() != CHECK {
        return Ok(Status::unimplemented("only Authorization/Check is served here").into_http());
    }
    if !is_trusted {
        return Ok(Status::permission_denied("the peer is not among the trusted proxies").into_http());
    }
    let mut grpc = Grpc::new(ProstCodec::default()).max_decoding_message_size(MAX_MESSAGE);
    Ok(grpc.unary(Check(asked), request).await)
}

/// Bytes of a question: what heads may be long, several times over.
const MAX_MESSAGE: usize = 256 * 1024;

struct Check(Arc<Asked>);

impl UnaryService<CheckRequest> for Check {
    type Response = CheckResponse;
    type Future = Ready<Result<tonic::Response<CheckResponse>, Status>>;

    fn call(&mut self, request: tonic::Request<CheckRequest>) -> Self::Future {
        let http = request
            .into_inner()
            .attributes
            .and_then(|attributes| attributes.request)
            .and_then(|request| request.http);
        ready(match http {
            Some(http) => Ok(tonic::Response::new(check(&self.0, http))),
            None => Err(Status::invalid_argument("only HTTP requests can be decided on")),
        })
    }
}

fn check(asked: &Asked, http: HttpRequest) -> CheckResponse {
    let HttpRequest {
        method,
        headers,
        header_map,
        path,
        host,
    } = http;
    let headers = match header_map {
        Some(map) => read_headers(map.headers.into_iter().map(|header| {
            let is_text = header.raw_value.is_empty();
            let value = if is_text {
                header.value.into_bytes()
            } else {
                header.raw_value
            };
            (header.key, value)
        })),
        None => read_headers(headers.into_iter().map(|(name, value)| (name, value.into_bytes()))),
    };
    let headers = match headers {
        Ok(headers) => headers,
        Err(refused) => return denied(refused, &request_id(&HeaderMap::new(), false)),
    };
    let id = request_id(&headers, true);
    let inquiry = Inquiry {
        method: &method,
        host: &host,
        target: &path,
        headers: &headers,
    };
    let mut to_remove = Vec::new();
    let decided = asked.decide(inquiry, &id, |snapshot| {
        to_remove = removals::needed(snapshot, &headers);
        Ok(())
    });
    match decided {
        Ok(caller) => ok(caller, to_remove),
        Err(refused) => denied(refused, &id),
    }
}

fn read_headers(headers: impl Iterator<Item = (String, Vec<u8>)>) -> Result<HeaderMap, Refused> {
    let mut read = HeaderMap::new();
    for (name, value) in headers.filter(|(name, _)| !name.starts_with(':')) {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                read.append(name, value);
            }
            _ => return Err(Refused::BadRequest("A header is malformed")),
        }
    }
    Ok(read)
}

fn ok(caller: Caller, mut headers_to_remove: Vec<String>) -> CheckResponse {
    let mut headers = HeaderMap::new();
    caller.introduce(&mut headers);
    // What is set replaces what the client sent; removed, it would be gone as well.
    headers_to_remove.retain(|name| !headers.contains_key(name));
    CheckResponse {
        status: Some(RpcStatus { code: Code::Ok as i32 }),
        outcome: Some(Outcome::Ok(OkHttpResponse {
            headers: overwriting(&headers),
            headers_to_remove,
        })),
    }
}

fn denied(refused: Refused, request_id: &HeaderValue) -> CheckResponse {
    let mut response = refused.response();
    response.headers_mut().insert(REQUEST_ID, request_id.clone());
    let code = match refused.status() {
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        _ => Code::PermissionDenied,
    };
    CheckResponse {
        status: Some(RpcStatus { code: code as i32 }),
        outcome: Some(Outcome::Denied(DeniedHttpResponse {
            status: Some(HttpStatus {
                code: i32::from(refused.status().as_u16()),
            }),
            headers: overwriting(response.headers()),
            body: refused.body(),
        })),
    }
}

fn overwriting(headers: &HeaderMap) -> Vec<HeaderValueOption> {
    headers
        .iter()
        .map(|(name, value)| HeaderValueOption {
            header: Some(super::check::HeaderValue {
                key: name.as_str().to_owned(),
                // All of ours are ASCII. Envoy takes no `raw_value` in an answer.
                value: value.to_str().unwrap_or_default().to_owned(),
                raw_value: Vec::new(),
            }),
            append_action: OVERWRITE,
        })
        .collect()
}
