//! What a request asks for, in its one canonical spelling (RFC 9112 §3.2).

use domain::gateway_service::{CanonicalHost, CanonicalPath};
use http::{Method, Version, header, request::Parts};

use crate::answer::Refused;

/// Host and path of a request, canonical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestTarget {
    pub(crate) host: CanonicalHost,
    pub(crate) path: CanonicalPath,
}

impl RequestTarget {
    /// Reads request line and `Host`.
    ///
    /// # Errors
    /// 405 for CONNECT and TRACE; 404 for `OPTIONS *`; 400 for no or several hosts, for a host unlike the one in the
    /// request line, and for a path that has no canonical form.
    pub(crate) fn of(request: &Parts) -> Result<Self, Refused> {
        if matches!(request.method, Method::CONNECT | Method::TRACE) {
            return Err(Refused::MethodNotAllowed);
        }
        let mut hosts = request.headers.get_all(header::HOST).iter();
        let named = match (hosts.next(), hosts.next()) {
            (Some(host), None) => {
                let text = host.to_str().map_err(|_| BAD_HOST)?;
                Some(CanonicalHost::parse_authority(text).map_err(|_| BAD_HOST)?)
            }
            (None, None) if request.version == Version::HTTP_11 => {
                return Err(Refused::BadRequest("The Host header is missing"));
            }
            (None, None) => None,
            (Some(_) | None, Some(_)) => return Err(Refused::BadRequest("More than one Host header")),
        };
        let host = match (request.uri.authority(), named) {
            (None, named) => named.map(|(host, _)| host),
            (Some(authority), named) => {
                let default_port = match request.uri.scheme_str() {
                    Some("http") => 80,
                    Some("https") => 443,
                    Some(_) | None => return Err(Refused::BadRequest("The request target has a bad form")),
                };
                let (host, port) = CanonicalHost::parse_authority(authority.as_str()).map_err(|_| BAD_HOST)?;
                let is_other = named.is_some_and(|(named, named_port)| {
                    named != host || named_port.unwrap_or(default_port) != port.unwrap_or(default_port)
                });
                if is_other {
                    return Err(Refused::BadRequest("The Host header is not that of the request target"));
                }
                Some(host)
            }
        };
        let host = match host {
            Some(host) => host,
            None => CanonicalHost::parse_authority("")
                .map(|(host, _)| host)
                .map_err(|_| BAD_HOST)?,
        };
        if request.uri.path() == "*" && request.method == Method::OPTIONS {
            return Err(Refused::NoRoute);
        }
        let path =
            CanonicalPath::parse(request.uri.path()).map_err(|_| Refused::BadRequest("The path is malformed"))?;
        Ok(Self { host, path })
    }
}

const BAD_HOST: Refused = Refused::BadRequest("The Host header is malformed");

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn of(method: &str, target: &str, hosts: &[&str]) -> Result<(String, String), Refused> {
        let mut request = Request::builder().method(method).uri(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        RequestTarget::of(&parts).map(|target| (target.host.to_string(), target.path.as_str().to_owned()))
    }

    #[test]
    fn reads_every_form_of_target() {
        for (method, target, hosts, host, path) in [
            (
                "GET",
                "/mock?apikey=x",
                &["Example.com.:8000"][..],
                "example.com",
                "/mock",
            ),
            ("GET", "/m%6fck", &[""], "", "/mock"),
            (
                "GET",
                "http://example.com/mock",
                &["example.com"],
                "example.com",
                "/mock",
            ),
            ("GET", "http://example.com", &["EXAMPLE.com:80"], "example.com", "/"),
            (
                "GET",
                "http://example.com:8000/",
                &["example.com:8000"],
                "example.com",
                "/",
            ),
        ] {
            assert_eq!(
                of(method, target, hosts),
                Ok((host.to_owned(), path.to_owned())),
                "{target}"
            );
        }
    }

    #[test]
    fn refuses_what_two_readers_could_take_differently() {
        for (target, hosts) in [
            ("/mock", &["a", "a"][..]),
            ("/mock", &["a", "b"]),
            ("/mock", &[]),
            ("/mock", &["user@a"]),
            ("/mock", &["a, b"]),
            ("http://a/mock", &["b"]),
            ("http://a/mock", &["a:8000"]),
            ("http://a:8000/mock", &["a"]),
            ("http://a/mock", &[]),
            ("http://user@a/mock", &["a"]),
            ("ftp://a/mock", &["a"]),
            ("/mock/../admin", &["a"]),
            ("*", &["a"]),
        ] {
            let refused = of("GET", target, hosts).unwrap_err();
            assert_eq!(refused.status(), 400, "{target} {hosts:?}");
        }
        assert_eq!(of("OPTIONS", "*", &["a"]), Err(Refused::NoRoute));
        assert_eq!(of("TRACE", "/mock", &["a"]), Err(Refused::MethodNotAllowed));
        assert_eq!(of("CONNECT", "a:443", &["a:443"]), Err(Refused::MethodNotAllowed));
    }
}
