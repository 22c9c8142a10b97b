//! Which web pages may connect. Browsers let a page open a websocket to any host and say whose page it is; the server
//! decides (RFC 6455, section 10.2).

use http::{HeaderMap, Uri, header};

use crate::http::cors::Origin;

/// Whether a request with these headers may open a connection: it is no browser's (there is no `Origin`), or comes from
/// this server's own pages or from an origin that the operator names.
pub(super) fn may_connect(headers: &HeaderMap, uri: &Uri, allowed: &[Origin]) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (origin, more) = (origins.next(), origins.next());
    let Some(origin) = origin else {
        return true;
    };
    let (Ok(origin), None) = (origin.to_str(), more) else {
        return false;
    };
    let Ok(origin) = origin.parse::<Origin>() else {
        return false;
    };
    allowed.contains(&origin) || is_own(&origin.to_string(), headers, uri)
}

/// Whether the origin is where the request was sent to. Its scheme is not known here: TLS ends at a proxy.
fn is_own(origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else {
        return false;
    };
    // A target in absolute form says it too, and must not say another thing.
    if uri
        .authority()
        .is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host))
    {
        return false;
    }
    ["http", "https"].iter().any(|scheme| {
        format!("{scheme}://{host}")
            .parse::<Origin>()
            .is_ok_and(|own| own.to_string() == origin)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(origins: &[&str], host: &str) -> bool {
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        headers.insert(header::HOST, host.parse().unwrap());
        let allowed = ["https://portal.example.com".parse().unwrap()];
        may_connect(&headers, &Uri::from_static("/graphql/ws"), &allowed)
    }

    #[test]
    fn own_pages_named_origins_and_whatever_is_no_browser_may_connect() {
        assert!(may(&[], "api.example.com"));
        assert!(may(&["https://portal.example.com"], "api.example.com"));
        assert!(may(&["https://api.example.com"], "api.example.com"));
        assert!(may(&["http://127.0.0.1:4000"], "127.0.0.1:4000"));
        assert!(may(&["http://[::1]:4000"], "[::1]:4000"));
    }

    #[test]
    fn everyone_else_may_not() {
        for origin in [
            "https://evil.example",
            "http://portal.example.com",
            "https://portal.example.com.evil.example",
            "https://api.example.com:8443",
            "null",
            "",
            "api.example.com",
        ] {
            assert!(!may(&[origin], "api.example.com"), "{origin}");
        }
        assert!(!may(
            &["https://api.example.com", "https://api.example.com"],
            "api.example.com"
        ));
    }
}
