//! Which web pages may call the API from a browser: none but those that the operator names.

use std::{fmt, str::FromStr, time::Duration};

use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::{Origin as UrlOrigin, Url};

use super::request_id::REQUEST_ID_HEADER;

/// How long a browser may remember what it was allowed.
const MAX_AGE: Duration = Duration::from_secs(600);

/// The origin of a web page (RFC 6454), as browsers write it: `https://portal.example.com`, without path or slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// The text names no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an origin such as https://portal.example.com: scheme and host, a port where it is not the usual one")]
pub struct NotAnOrigin;

impl FromStr for Origin {
    type Err = NotAnOrigin;

    /// Takes what a browser would send, and nothing that it would spell differently: that would never match.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| NotAnOrigin)?;
        let is_web = matches!(url.scheme(), "http" | "https");
        let origin = match url.origin() {
            origin @ UrlOrigin::Tuple(..) if is_web => origin.ascii_serialization(),
            UrlOrigin::Tuple(..) | UrlOrigin::Opaque(_) => return Err(NotAnOrigin),
        };
        if !origin.eq_ignore_ascii_case(text.trim_end_matches('/')) {
            return Err(NotAnOrigin);
        }
        HeaderValue::from_str(&origin).map(Self).map_err(|_| NotAnOrigin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.to_str().unwrap_or_default())
    }
}

/// The layer for these origins; `None` when there are none, and then no browser lets another page read an answer.
/// Credentials are never allowed: there is no cookie, and a token is a header that a page sets itself.
#[must_use]
pub fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins = origins.iter().map(|origin| origin.0.clone());
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([
                header::ACCEPT,
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                REQUEST_ID_HEADER,
            ])
            .expose_headers([
                REQUEST_ID_HEADER,
                header::RETRY_AFTER,
                HeaderName::from_static("www-authenticate"),
            ])
            .max_age(MAX_AGE),
    )
}

#[cfg(test)]
mod tests {
    use super::{NotAnOrigin, Origin};

    #[test]
    fn reads_origins_as_browsers_write_them() {
        for text in [
            "https://portal.example.com",
            "http://localhost:5173",
            "http://127.0.0.1:8080",
            "http://[::1]:3000",
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
        assert_eq!(
            "HTTPS://Portal.example.com/".parse::<Origin>().unwrap().to_string(),
            "https://portal.example.com"
        );
    }

    #[test]
    fn refuses_what_no_browser_would_send() {
        for text in [
            "",
            "*",
            "null",
            "portal.example.com",
            "localhost:5173",
            "https://portal.example.com/path",
            "https://portal.example.com?x",
            "https://user@portal.example.com",
            "https://portal.example.com:443",
            "ftp://portal.example.com",
            "file:///portal",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin), "{text}");
        }
    }
}
