//! One GraphQL request over HTTP: the operation out, data and errors back.
//!
//! Follows the GraphQL-over-HTTP specification: <https://graphql.github.io/graphql-over-http/draft/>. cynic's own
//! transports are not used: they drop an error's extensions and the answer's headers.

use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use bytes::Bytes;
use cynic::{Operation, QueryBuilder};
use reqwest::{
    StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use url::Url;

use crate::{
    Timestamp,
    error::{DecodeError, EncodeError, Error, ErrorCode, GraphQlError, TransportError},
    operation::Mutation,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ACCEPTED: HeaderValue = HeaderValue::from_static("application/graphql-response+json, application/json;q=0.9");

/// Where and how requests are sent; shared by all clones of a client.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    pub(crate) endpoint: Url,
    pub(crate) timeout: Duration,
    pub(crate) user_agent: HeaderValue,
    beginnings: Beginnings,
}

/// A GraphQL answer: data, errors, or both.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response<T> {
    /// What was asked for; None where an error took it all away.
    pub data: Option<T>,
    /// The top-level errors; empty where all went well.
    pub errors: Vec<GraphQlError>,
}

impl<T> Response<T> {
    /// The data of an answer without errors.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with the answer's errors, even where it has data beside them.
    pub fn into_data(self) -> Result<T, Error> {
        match self.data {
            Some(data) if self.errors.is_empty() => Ok(data),
            _ => Err(Error::GraphQl(self.errors)),
        }
    }

    /// Whether the server refused the request as a whole because of its token. A field that only somebody signed in
    /// may see says UNAUTHENTICATED too, but with its path: another token of the same session changes nothing there.
    pub(crate) fn refuses_token(&self) -> bool {
        self.data.is_none()
            && self
                .errors
                .iter()
                .any(|error| error.code == ErrorCode::Unauthenticated && error.path.is_empty())
    }
}

/// An operation as it is sent; made once, however often it is repeated.
pub(crate) struct Request(Bytes);

/// What a body begins with, for each of the crate's own operations: all but its variables. cynic writes a document from
/// its types; that it comes out the same each time saves writing it again, and escaping it.
#[derive(Debug, Default)]
struct Beginnings(RwLock<HashMap<TypeId, Arc<[u8]>>>);

impl Request {
    fn of(body: serde_json::Result<Vec<u8>>) -> Result<Self, Error> {
        let body = body.map_err(|error| Error::Encode(EncodeError::new(error)))?;
        Ok(Self(body.into()))
    }
}

impl Beginnings {
    /// The body of an operation: `T` stands for its document, `build` writes it when it is met for the first time.
    fn body<T: 'static, V: Serialize>(
        &self,
        variables: V,
        build: impl FnOnce(V) -> Operation<T, V>,
    ) -> serde_json::Result<Vec<u8>> {
        let known = self.read().get(&TypeId::of::<T>()).cloned();
        let (beginning, variables) = match known {
            Some(beginning) => (beginning, variables),
            None => {
                let operation = build(variables);
                let query = serde_json::to_string(&operation.query)?;
                let name = serde_json::to_string(&operation.operation_name)?;
                let beginning = format!(r#"{{"query":{query},"operationName":{name},"variables":"#);
                let beginning: Arc<[u8]> = beginning.into_bytes().into();
                let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
                known.insert(TypeId::of::<T>(), Arc::clone(&beginning));
                (beginning, operation.variables)
            }
        };
        let mut body = Vec::with_capacity(beginning.len() + 256);
        body.extend_from_slice(&beginning);
        serde_json::to_writer(&mut body, &variables)?;
        body.push(b'}');
        Ok(body)
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<TypeId, Arc<[u8]>>> {
        // Nothing in there can be left half done.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport {
    pub(crate) fn new(http: reqwest::Client, endpoint: Url, timeout: Duration, user_agent: HeaderValue) -> Self {
        Self {
            http,
            endpoint,
            timeout,
            user_agent,
            beginnings: Beginnings::default(),
        }
    }

    /// An operation of the caller's own.
    pub(crate) fn request(&self, operation: &impl Serialize) -> Result<Request, Error> {
        Request::of(serde_json::to_vec(operation))
    }

    /// A query of the crate's.
    pub(crate) fn query<T: QueryBuilder<V> + 'static, V: Serialize>(&self, variables: V) -> Result<Request, Error> {
        Request::of(self.beginnings.body(variables, T::build))
    }

    /// A mutation of the crate's.
    pub(crate) fn mutation<M: Mutation>(&self, input: M::Input) -> Result<Request, Error> {
        Request::of(self.beginnings.body(M::variables(input), M::operation))
    }

    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        request: &Request,
        access_token: Option<&SecretString>,
    ) -> Result<Response<T>, Error> {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(ACCEPT, ACCEPTED);
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(USER_AGENT, self.user_agent.clone());
        if let Some(token) = access_token {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let failed = |error| Error::Transport(TransportError::new(&self.endpoint, error));
        let response = self
            .http
            .post(self.endpoint.clone())
            .timeout(self.timeout)
            .headers(headers)
            .body(request.0.clone())
            .send()
            .await
            .map_err(failed)?;
        let head = Head::of(response.status(), response.headers());
        let body = response.bytes().await.map_err(failed)?;
        head.read(&body)
    }
}

/// The token as `Authorization` carries it, marked so that no log prints it.
pub(crate) fn bearer(token: &SecretString) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| DecodeError::new("the access token holds characters that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What of an answer's head matters.
pub(crate) struct Head {
    status: StatusCode,
    is_graphql: bool,
    /// Not yet text: it is told of failures alone.
    request_id: Option<HeaderValue>,
    retry_after: Option<Duration>,
}

impl Head {
    pub(crate) fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        Self {
            status,
            is_graphql: is_graphql(headers),
            request_id: headers.get("x-request-id").cloned(),
            retry_after: retry_after(headers, Timestamp::now()),
        }
    }

    /// For a message that comes without a head.
    #[cfg(all(feature = "subscriptions", not(target_arch = "wasm32")))]
    pub(crate) fn of_message() -> Self {
        Self {
            status: StatusCode::OK,
            is_graphql: true,
            request_id: None,
            retry_after: None,
        }
    }

    /// A GraphQL body counts whatever the status is: servers send errors with 200 and with 4xx.
    pub(crate) fn read<T: DeserializeOwned>(self, body: &[u8]) -> Result<Response<T>, Error> {
        if !self.is_graphql {
            return Err(self.without_graphql(DecodeError::new("its content type is not JSON")));
        }
        // In one pass where all went well; what did not is looked at again, for its errors.
        if let Ok(Answer {
            data: Some(data),
            errors: None,
        }) = serde_json::from_slice(body)
        {
            return Ok(Response {
                data: Some(data),
                errors: Vec::new(),
            });
        }
        let envelope = match serde_json::from_slice::<Envelope<'_>>(body) {
            Ok(envelope) => envelope,
            Err(error) => return Err(self.without_graphql(DecodeError::json(&error))),
        };
        let mut errors: Vec<GraphQlError> = envelope
            .errors
            .unwrap_or_default()
            .into_iter()
            .map(GraphQlError::from)
            .collect();
        if let Some(limited) = errors.iter_mut().find(|error| error.code == ErrorCode::RateLimited) {
            return Err(Error::RateLimited {
                retry_after: self.retry_after,
                request_id: limited.request_id.take().or_else(|| self.request_id()),
            });
        }
        for error in &mut errors {
            error.retry_after = self.retry_after;
        }
        match (envelope.data, errors.is_empty()) {
            (Some(data), true) => {
                let data = serde_json::from_str(data.get()).map_err(|error| DecodeError::json(&error))?;
                Ok(Response {
                    data: Some(data),
                    errors,
                })
            }
            // A field that failed may be null where the schema forbids null; the errors then say more than a decode
            // error.
            (data, false) => Ok(Response {
                data: data.and_then(|data| serde_json::from_str(data.get()).ok()),
                errors,
            }),
            (None, true) => Err(self.without_graphql(DecodeError::new("it has neither data nor errors"))),
        }
    }

    /// What a status says where the body says nothing; for success, why the body says nothing.
    pub(crate) fn without_graphql(self, error: DecodeError) -> Error {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => Error::RateLimited {
                retry_after: self.retry_after,
                request_id: self.request_id(),
            },
            status if status.is_success() => error.into(),
            status => Error::Http {
                status: status.as_u16(),
                retry_after: self.retry_after,
                request_id: self.request_id(),
            },
        }
    }

    fn request_id(&self) -> Option<String> {
        self.request_id.as_ref()?.to_str().ok().map(str::to_owned)
    }
}

fn is_graphql(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/graphql-response+json"]
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
}

/// `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3); an instant that has passed is no wait.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let instant = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    let left = instant.as_millisecond() - now.unix_milliseconds();
    Some(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    errors: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    errors: Option<Vec<WireError>>,
}

#[derive(Deserialize)]
pub(crate) struct WireError {
    message: String,
    #[serde(default)]
    path: Option<Vec<PathSegment>>,
    #[serde(default)]
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PathSegment {
    Field(String),
    Index(u64),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
}

impl From<WireError> for GraphQlError {
    fn from(error: WireError) -> Self {
        let extensions = error.extensions.unwrap_or_default();
        let path = error.path.unwrap_or_default().into_iter().map(|segment| match segment {
            PathSegment::Field(name) => name,
            PathSegment::Index(index) => index.to_string(),
        });
        Self {
            message: error.message,
            code: ErrorCode::from(extensions.code.unwrap_or_default()),
            path: path.collect(),
            request_id: extensions.request_id,
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    use super::retry_after;
    use crate::Timestamp;

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let wait = |text: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            let now = Timestamp::from_unix_milliseconds((784_111_777 - 30) * 1000).unwrap();
            retry_after(&headers, now)
        };
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sat, 05 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }
}
