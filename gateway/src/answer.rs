//! The gateway's own answers, in the words that existing clients know.

use bytes::Bytes;
use domain::access::Denial;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::body::ResponseBody;

/// The header that tells the holder of an existing key why it opened nothing.
pub const DENIAL_HEADER: HeaderName = HeaderName::from_static("x-portico-denial");

/// Why the gateway answers by itself instead of the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No snapshot is loaded.
    NotReady,
    /// The request breaks a rule of HTTP, or could be read in two ways.
    BadRequest(&'static str),
    /// CONNECT or TRACE.
    MethodNotAllowed,
    /// An expectation other than 100-continue (RFC 9110 §10.1.1).
    ExpectationFailed,
    /// The client did not send the body that it announced.
    RequestTimeout,
    /// No route matches.
    NoRoute,
    /// No key where one is needed.
    NoKey,
    /// A key in more than one place.
    DuplicateKey,
    /// A key that nobody has, or a version that nothing can open. Tells nothing more.
    Unauthorized,
    /// A version whose strategy takes bearer tokens.
    BearerUnauthorized,
    /// A key that exists, but does not open this version.
    Denied(Denial),
    /// The version was retired, and the caller showed no key that exists.
    Retired,
    /// The upstream cannot be reached, or answers with something that is not HTTP.
    BadUpstream,
    /// The upstream takes too long.
    UpstreamTimeout,
    /// A proxy asks that is not among the trusted ones.
    NotTrusted,
    /// The proxy that asks refused the request by itself; we know of no reason.
    ByProxy,
    /// The proxy that asks would pass a key on to its upstream.
    KeyWouldPass,
}

impl Refused {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::ExpectationFailed => StatusCode::EXPECTATION_FAILED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::NoKey | Self::DuplicateKey | Self::Unauthorized | Self::BearerUnauthorized => {
                StatusCode::UNAUTHORIZED
            }
            Self::Denied(denial) => match denial.http_status() {
                401 => StatusCode::UNAUTHORIZED,
                404 => StatusCode::NOT_FOUND,
                410 => StatusCode::GONE,
                _ => StatusCode::FORBIDDEN,
            },
            Self::Retired => StatusCode::GONE,
            Self::BadUpstream => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::NotTrusted | Self::ByProxy => StatusCode::FORBIDDEN,
            Self::KeyWouldPass => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::BadRequest(message) => message,
            Self::NotReady => "The gateway has no configuration yet",
            Self::MethodNotAllowed => "Method not allowed",
            Self::ExpectationFailed => "Only 100-continue can be expected",
            Self::RequestTimeout => "The request body did not arrive in time",
            Self::NoKey => "No API key found in request",
            Self::DuplicateKey => "Duplicate API key found",
            Self::NoRoute => NO_ROUTE,
            Self::Unauthorized | Self::BearerUnauthorized => UNAUTHORIZED,
            Self::Retired => RETIRED,
            Self::BadUpstream => "An invalid response was received from the upstream server",
            Self::UpstreamTimeout => "The upstream server is timing out",
            Self::NotTrusted => "Only trusted proxies may ask",
            Self::ByProxy => CANNOT_CONSUME,
            Self::KeyWouldPass => "The proxy in front is not set up to keep the key to itself",
            Self::Denied(_) => match self.status() {
                StatusCode::UNAUTHORIZED => UNAUTHORIZED,
                StatusCode::NOT_FOUND => NO_ROUTE,
                StatusCode::GONE => RETIRED,
                _ => CANNOT_CONSUME,
            },
        }
    }

    /// What the answer says: `{"message": …}`.
    pub(crate) fn body(self) -> String {
        serde_json::json!({ "message": self.message() }).to_string()
    }

    /// Why a key that exists opened nothing, as the answer's header says it.
    pub(crate) fn denial(self) -> Option<&'static str> {
        match self {
            Self::Denied(denial) => Some(denial.into()),
            _ => None,
        }
    }

    /// The answer itself, never to be cached.
    pub(crate) fn response(self) -> Response<ResponseBody> {
        self.response_with(ResponseBody::Own(Bytes::from(self.body())))
    }

    /// The answer with this for a body: [`Refused::body`], in whatever form it is sent.
    pub(crate) fn response_with<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status() == StatusCode::UNAUTHORIZED {
            let scheme = match self {
                Self::BearerUnauthorized => "Bearer",
                _ => "Key",
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        if let Some(denial) = self.denial() {
            headers.insert(DENIAL_HEADER, HeaderValue::from_static(denial));
        }
        match self {
            Self::MethodNotAllowed => {
                let allowed = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
                headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            // What is left of the body would be read as the next request.
            Self::RequestTimeout => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

const NO_ROUTE: &str = "no Route matched with those values";
const UNAUTHORIZED: &str = "Unauthorized";
const CANNOT_CONSUME: &str = "You cannot consume this service";
const RETIRED: &str = "This version has been retired";
