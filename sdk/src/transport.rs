//! One GraphQL request over HTTP: the operation out, data and errors back.
//!
//! Follows the GraphQL-over-HTTP specification: <https://graphql.github.io/graphql-over-http/draft/>. cynic's own
//! transports are not used: they drop an error's extensions and the answer's headers.

use std::time::{Duration, SystemTime};

use cynic::Operation;
use reqwest::{
    StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use url::Url;

use crate::error::{DecodeError, Error, ErrorCode, GraphQlError, TransportError};

const ACCEPTED: HeaderValue = HeaderValue::from_static("application/graphql-response+json, application/json;q=0.9");

/// Where and how requests are sent; shared by all clones of a client.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    pub(crate) endpoint: Url,
    pub(crate) timeout: Duration,
    pub(crate) user_agent: HeaderValue,
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

impl Transport {
    pub(crate) async fn send<T: DeserializeOwned, V: Serialize>(
        &self,
        operation: &Operation<T, V>,
        access_token: Option<&SecretString>,
    ) -> Result<Response<T>, Error> {
        let mut request = self
            .http
            .post(self.endpoint.clone())
            .timeout(self.timeout)
            .header(ACCEPT, ACCEPTED)
            .header(USER_AGENT, self.user_agent.clone())
            .json(operation);
        if let Some(token) = access_token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
                .map_err(|_| DecodeError::new("the access token holds characters that no header can carry"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let failed = |error| Error::Transport(TransportError::new(&self.endpoint, error));
        let response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(failed)?;
        read(status, &headers, &body)
    }
}

/// A GraphQL body counts whatever the status is: servers send errors with 200 and with 4xx.
fn read<T: DeserializeOwned>(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Response<T>, Error> {
    let request_id = headers
        .get("x-request-id")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let envelope = if is_graphql(headers) {
        serde_json::from_slice::<Envelope<'_>>(body).map_err(|error| DecodeError::json(&error))
    } else {
        Err(DecodeError::new("its content type is not JSON"))
    };
    let envelope = match envelope {
        Ok(envelope) => envelope,
        Err(error) => return Err(without_graphql(status, headers, request_id).unwrap_or(error.into())),
    };
    let errors: Vec<GraphQlError> = envelope
        .errors
        .unwrap_or_default()
        .into_iter()
        .map(GraphQlError::from)
        .collect();
    if let Some(limited) = errors.iter().find(|error| error.code == ErrorCode::RateLimited) {
        let request_id = limited.request_id.clone().or(request_id);
        return Err(Error::RateLimited {
            retry_after: retry_after(headers, SystemTime::now()),
            request_id,
        });
    }
    match (envelope.data, errors.is_empty()) {
        (Some(data), true) => {
            let data = serde_json::from_str(data.get()).map_err(|error| DecodeError::json(&error))?;
            Ok(Response {
                data: Some(data),
                errors,
            })
        }
        // A field that failed may be null where the schema forbids null; the errors then say more than a decode error.
        (data, false) => Ok(Response {
            data: data.and_then(|data| serde_json::from_str(data.get()).ok()),
            errors,
        }),
        (None, true) => Err(without_graphql(status, headers, request_id)
            .unwrap_or_else(|| DecodeError::new("it has neither data nor errors").into())),
    }
}

/// What a status says where the body says nothing; None for success.
fn without_graphql(status: StatusCode, headers: &HeaderMap, request_id: Option<String>) -> Option<Error> {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(Error::RateLimited {
            retry_after: retry_after(headers, SystemTime::now()),
            request_id,
        }),
        _ if status.is_success() => None,
        _ => Some(Error::Http {
            status: status.as_u16(),
            request_id,
        }),
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
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let instant = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(
        SystemTime::try_from(instant)
            .ok()?
            .duration_since(now)
            .unwrap_or_default(),
    )
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    errors: Option<Vec<WireError>>,
}

#[derive(Deserialize)]
struct WireError {
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
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    use super::retry_after;

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let wait = |text: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            retry_after(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 30))
        };
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sat, 05 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }
}
