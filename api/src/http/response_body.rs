//! The shape of an answer: GraphQL's response, each error with a code and the request's id.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use async_graphql::{ErrorExtensionValues, PathSegment, Pos, ServerError, Value};
use bytes::Bytes;
use domain::budget::OverBudget;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::graphql::error::{ErrorCode, INTERNAL_MESSAGE, PATH};

use super::{accept::ResponseMediaType, graphql::Executed, query_cost::Cost, request_id::RequestId};

/// The most errors that one answer lists; a document with more is not worth reading on.
const ERRORS_AT_MOST: usize = 50;

/// The most bytes of an answer: some specifications of 5 MiB, written as JSON.
const ANSWER_BYTES_AT_MOST: usize = 32 * 1024 * 1024;

/// For how long whoever stands between may show an answer again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Not at all: it depends on the caller, or holds a secret that is shown once.
    NotStored,
    /// To everybody who sends no token.
    Public(Duration),
}

impl Freshness {
    fn headers(self, headers: &mut HeaderMap) {
        let (cache_control, vary) = match self {
            Self::NotStored => (Some(HeaderValue::from_static("no-store")), "accept"),
            Self::Public(age) => {
                let text = format!("public, max-age={}", age.as_secs());
                (HeaderValue::from_str(&text).ok(), "accept, authorization")
            }
        };
        let cache_control = cache_control.unwrap_or(HeaderValue::from_static("no-store"));
        headers.insert(header::CACHE_CONTROL, cache_control);
        headers.append(header::VARY, HeaderValue::from_static(vary));
    }
}

/// Why a request was not executed.
#[derive(Debug)]
pub(crate) struct RequestRefused {
    /// The status for clients that accept `application/graphql-response+json`.
    pub status: StatusCode,
    /// Whether the request was well-formed GraphQL over HTTP, only its document was not good: clients that accept
    /// `application/json` get 200 then.
    pub about_document: bool,
    /// The methods to try instead, with status 405.
    pub allow: Option<&'static str>,
    /// After how long to try again.
    pub retry_after: Option<Duration>,
    /// What the operation costs, where that is known.
    pub cost: Option<Cost>,
    /// Whether its caller's budget has paid for it.
    pub is_paid: bool,
    /// What is wrong.
    pub errors: Vec<ServerError>,
}

impl RequestRefused {
    /// A request that is not GraphQL over HTTP, or that this caller may not make.
    pub(crate) fn request(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            about_document: false,
            allow: None,
            retry_after: None,
            cost: None,
            is_paid: false,
            errors: vec![coded(ServerError::new(message, None), code)],
        }
    }

    /// A document that cannot be executed.
    pub(crate) fn document(code: ErrorCode, message: impl Into<String>, locations: Vec<Pos>) -> Self {
        let error = ServerError {
            locations,
            ..ServerError::new(message, None)
        };
        Self {
            status: StatusCode::BAD_REQUEST,
            about_document: true,
            allow: None,
            retry_after: None,
            cost: None,
            is_paid: false,
            errors: vec![coded(error, code)],
        }
    }

    /// A caller who has used up what they may spend.
    pub(crate) fn over_budget(OverBudget { retry_after }: OverBudget) -> Self {
        let seconds = retry_after.as_secs();
        let message = format!("This caller's queries have cost too much lately. Try again in {seconds} seconds.");
        let mut refused = Self::request(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message);
        for error in &mut refused.errors {
            extensions_of(error).set(RETRY_AFTER, seconds);
        }
        refused.retry_after = Some(retry_after);
        refused
    }

    /// The same, with what the operation costs.
    pub(crate) fn costing(self, cost: Cost) -> Self {
        Self {
            cost: Some(cost),
            ..self
        }
    }

    /// The same, of an operation that was paid for.
    pub(crate) fn paid(self) -> Self {
        Self { is_paid: true, ..self }
    }

    /// Whether another caller might have been answered otherwise.
    pub(crate) fn depends_on_caller(&self) -> bool {
        let codes = [ErrorCode::DocumentNotTrusted, ErrorCode::Forbidden].map(|code| Value::from(code.to_string()));
        self.errors.iter().filter_map(code_of).any(|code| codes.contains(code))
    }
}

/// The extension that says in how many seconds to try again.
const RETRY_AFTER: &str = "retryAfterSeconds";

/// An answer, before its headers.
#[derive(Serialize)]
struct ResponseBody<'answer> {
    // First, so that someone who reads a raw answer sees them (GraphQL, section 7.1).
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'answer [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'answer Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'answer BTreeMap<String, Value>,
}

/// The answer to a request that was refused: errors without `data`.
pub(crate) fn refused(
    refused: RequestRefused,
    media_type: ResponseMediaType,
    request_id: &RequestId,
) -> axum::response::Response {
    let status = match media_type {
        ResponseMediaType::Json if refused.about_document => StatusCode::OK,
        ResponseMediaType::Json | ResponseMediaType::GraphqlResponseJson => refused.status,
    };
    let mut errors = refused.errors;
    errors.truncate(ERRORS_AT_MOST);
    for error in &mut errors {
        name_request(error, request_id);
    }
    let mut headers = HeaderMap::new();
    if let Some(methods) = refused.allow {
        headers.insert(header::ALLOW, HeaderValue::from_static(methods));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer error=\"invalid_token\""),
        );
    }
    if let Some(after) = refused.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs()));
    }
    let extensions = refused
        .cost
        .map(|cost| ("cost".to_owned(), Value::from(cost)))
        .into_iter()
        .collect();
    let (status, body) = encode(status, write(&errors, None, &extensions));
    answer(status, media_type, headers, body, Freshness::NotStored)
}

/// Whether the schema began to execute the document.
///
/// It answers a document that does not validate in the same way as one that was executed; what tells them apart is that
/// errors of the execution have a path.
pub(crate) fn began(response: &async_graphql::Response) -> bool {
    response.data != Value::Null || response.errors.iter().any(|error| !error.path.is_empty())
}

/// The answer to a request that was handed to the schema.
///
/// A document that does not validate is turned into a refusal ([`began`]).
///
/// An answer without errors is kept where the schema said.
pub(crate) fn executed(
    Executed { mut response, pending }: Executed,
    cost: Cost,
    media_type: ResponseMediaType,
    request_id: &RequestId,
    freshness: Freshness,
) -> axum::response::Response {
    if !began(&response) {
        let mut errors = std::mem::take(&mut response.errors);
        for error in &mut errors {
            if code_of(error).is_none() {
                set_code(error, code_of_invalid(error));
            }
        }
        let invalid = RequestRefused {
            status: StatusCode::BAD_REQUEST,
            about_document: true,
            allow: None,
            retry_after: None,
            cost: Some(cost),
            is_paid: true,
            errors,
        };
        return refused(invalid, media_type, request_id);
    }
    response.extensions.insert("cost".to_owned(), cost.into());
    response.errors.truncate(ERRORS_AT_MOST);
    for error in &mut response.errors {
        take_path(error);
        if code_of(error).is_none() {
            code_execution_error(error);
        }
        name_request(error, request_id);
    }
    let body = write(&response.errors, Some(&response.data), &response.extensions);
    if matches!(&body, Err(error) if error.is_io()) {
        let message = format!(
            "The answer is larger than {} MiB. Ask for less at a time. If this was a mutation, it has happened.",
            ANSWER_BYTES_AT_MOST / 1024 / 1024
        );
        let too_large = RequestRefused::document(ErrorCode::QueryTooComplex, message, Vec::new());
        return refused(too_large.costing(cost), media_type, request_id);
    }
    let (status, body) = encode(StatusCode::OK, body);
    if let Some(pending) = pending
        && status == StatusCode::OK
        && response.errors.is_empty()
        && response.http_headers.is_empty()
    {
        pending.keep(&body);
    }
    let mut headers = response.http_headers;
    // A field that is limited says so as a request does: whoever waits need not look for the error.
    if let Some(seconds) = response.errors.iter().filter_map(retry_after_of).max() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer(status, media_type, headers, body, freshness)
}

/// The answer that was kept.
pub(crate) fn kept(body: Bytes, media_type: ResponseMediaType, freshness: Freshness) -> axum::response::Response {
    answer(StatusCode::OK, media_type, HeaderMap::new(), body, freshness)
}

/// The code of an error that validation found. async-graphql has none; a value that its scalar refuses is the
/// caller's input, everything else is a document that does not fit the schema.
fn code_of_invalid(error: &ServerError) -> ErrorCode {
    if error.message.starts_with("Invalid value for argument") {
        ErrorCode::BadUserInput
    } else {
        ErrorCode::GraphqlValidationFailed
    }
}

/// Gives an error of the execution its code. Resolvers code theirs; what has none comes from async-graphql reading an
/// argument, which is the caller's input, or is a fault of ours, whose words are not for the caller.
fn code_execution_error(error: &mut ServerError) {
    let about_input = ["Failed to parse", "Expected input type", "Invalid value for"]
        .iter()
        .any(|words| error.message.starts_with(words))
        || error.message.contains("(occurred while parsing");
    if about_input {
        set_code(error, ErrorCode::BadUserInput);
        return;
    }
    tracing::error!(message = %error.message, path = %path_of(error), "a resolver failed without a code");
    error.message = INTERNAL_MESSAGE.to_owned();
    set_code(error, ErrorCode::Internal);
}

/// Puts the path of the field that failed where it belongs ([`crate::graphql::error::with_path`]).
fn take_path(error: &mut ServerError) {
    let Some(extensions) = &mut error.extensions else {
        return;
    };
    if let Some(Value::List(segments)) = extensions.get(PATH) {
        error.path = segments
            .iter()
            .filter_map(|segment| match segment {
                Value::String(name) => Some(PathSegment::Field(name.clone())),
                Value::Number(index) => Some(PathSegment::Index(usize::try_from(index.as_u64()?).ok()?)),
                _ => None,
            })
            .collect();
    }
    extensions.unset(PATH);
}

fn path_of(error: &ServerError) -> String {
    error
        .path
        .iter()
        .map(|segment| match segment {
            PathSegment::Field(name) => name.clone(),
            PathSegment::Index(index) => index.to_string(),
        })
        .collect::<Vec<_>>()
        .join(".")
}

fn coded(mut error: ServerError, code: ErrorCode) -> ServerError {
    set_code(&mut error, code);
    error
}

fn code_of(error: &ServerError) -> Option<&Value> {
    error.extensions.as_ref()?.get("code")
}

fn retry_after_of(error: &ServerError) -> Option<u64> {
    match error.extensions.as_ref()?.get(RETRY_AFTER)? {
        Value::Number(seconds) => seconds.as_u64(),
        _ => None,
    }
}

fn extensions_of(error: &mut ServerError) -> &mut ErrorExtensionValues {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default)
}

fn set_code(error: &mut ServerError, code: ErrorCode) {
    extensions_of(error).set("code", code.to_string());
}

fn name_request(error: &mut ServerError, request_id: &RequestId) {
    extensions_of(error).set("requestId", request_id.as_str());
}

/// What takes so many bytes and fails at the next one.
struct Bounded {
    bytes: Vec<u8>,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > ANSWER_BYTES_AT_MOST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answer as JSON; an I/O error when it is too large.
fn write(
    errors: &[ServerError],
    data: Option<&Value>,
    extensions: &BTreeMap<String, Value>,
) -> serde_json::Result<Vec<u8>> {
    let mut written = Bounded { bytes: Vec::new() };
    let body = ResponseBody {
        errors,
        data,
        extensions,
    };
    serde_json::to_writer(&mut written, &body)?;
    Ok(written.bytes)
}

/// The body, and the status: another one when the body cannot be written.
fn encode(status: StatusCode, body: serde_json::Result<Vec<u8>>) -> (StatusCode, Bytes) {
    match body {
        Ok(body) => (status, Bytes::from(body)),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            (StatusCode::INTERNAL_SERVER_ERROR, Bytes::new())
        }
    }
}

fn answer(
    status: StatusCode,
    media_type: ResponseMediaType,
    headers: HeaderMap,
    body: Bytes,
    freshness: Freshness,
) -> axum::response::Response {
    let mut response = axum::response::Response::new(axum::body::Body::from(body));
    *response.status_mut() = status;
    let response_headers = response.headers_mut();
    response_headers.extend(headers);
    response_headers.insert(header::CONTENT_TYPE, media_type.content_type());
    freshness.headers(response_headers);
    response
}

#[cfg(test)]
mod tests {
    use async_graphql::{Response, value};
    use http_body_util::BodyExt as _;

    use super::*;

    const COST: Cost = Cost {
        requested: 1,
        actual: 1,
        limit: 1,
    };

    async fn answer(length: usize) -> (StatusCode, serde_json::Value) {
        let response = Response::new(value!({ "text": ("x".repeat(length)) }));
        let executed_now = Executed {
            response,
            pending: None,
        };
        let answer = executed(
            executed_now,
            COST,
            ResponseMediaType::GraphqlResponseJson,
            &RequestId::generate(),
            Freshness::NotStored,
        );
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.len() <= ANSWER_BYTES_AT_MOST);
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_refused() {
        let frame = r#"{"data":{"text":""},"extensions":{"cost":{"requested":1,"actual":1,"limit":1}}}"#.len();
        let (status, largest) = answer(ANSWER_BYTES_AT_MOST - frame).await;
        assert_eq!(status, StatusCode::OK);
        assert!(largest["data"]["text"].is_string());
        let (status, larger) = answer(ANSWER_BYTES_AT_MOST - frame + 1).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(larger.get("data"), None);
        assert_eq!(larger["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX");
        assert!(larger["errors"][0]["extensions"]["requestId"].is_string());
    }
}
