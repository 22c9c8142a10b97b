//! What a proxy asks: may this request of its client pass?

use domain::{
    Timestamp,
    gateway_service::{CanonicalHost, CanonicalPath},
};
use http::{HeaderMap, Method};

use crate::{admission, answer::Refused, consumer::Caller, snapshot::Snapshot};

/// A client's request in a proxy's words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inquiry<'a> {
    pub(crate) method: &'a str,
    /// The host that the client named, perhaps with a port.
    pub(crate) host: &'a str,
    /// Path and query as the proxy will forward them.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

impl<'a> Inquiry<'a> {
    /// The target's path, without the query, which may hold secrets.
    pub(crate) fn path(&self) -> &'a str {
        self.target.split_once('?').map_or(self.target, |(path, _)| path)
    }

    /// Decides, and tells who calls. A build for measuring refuses.
    ///
    /// # Errors
    /// The answer that the client is to get.
    pub(crate) fn decide(&self, snapshot: &Snapshot, now: Timestamp) -> Result<Caller, Refused> {
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_| Refused::BadRequest("The request method is malformed"))?;
        if matches!(method, Method::CONNECT | Method::TRACE) {
            return Err(Refused::MethodNotAllowed);
        }
        if self.target == "*" && method == Method::OPTIONS {
            return Err(Refused::NoRoute);
        }
        let (host, _) = CanonicalHost::parse_authority(self.host)
            .map_err(|_| Refused::BadRequest("The Host header is malformed"))?;
        let path = path_as_forwarded(self.path())?;
        let admitted = admission::admit(snapshot, &host, &path, method.as_str(), self.headers, now)?;
        admitted.credential.map(Caller::of).ok_or(Refused::NotReady)
    }
}

/// The path, if it has its canonical spelling already. The proxy forwards what it has, not what we would make of it, so
/// that another spelling would be decided on one way and read by the upstream in another.
fn path_as_forwarded(raw: &str) -> Result<CanonicalPath, Refused> {
    let path = CanonicalPath::parse(raw).map_err(|_| Refused::BadRequest("The path is malformed"))?;
    must_be_canonical(raw, &path)?;
    Ok(path)
}

/// Refuses a path that somebody else than us reads next, as it came, when its canonical spelling is another one.
///
/// # Errors
/// 400.
pub(crate) fn must_be_canonical(raw: &str, path: &CanonicalPath) -> Result<(), Refused> {
    if is_same_but_for_hex_case(raw, path.as_str()) {
        Ok(())
    } else {
        Err(Refused::BadRequest("The path is not in its canonical form"))
    }
}

/// RFC 3986 §6.2.2.1: the digits of a percent-encoding are the same in either case, to every reader.
fn is_same_but_for_hex_case(raw: &str, canonical: &str) -> bool {
    raw.len() == canonical.len() && {
        let mut digits_left = 0_u8;
        raw.bytes().zip(canonical.bytes()).all(|(one, other)| {
            let is_digit = digits_left > 0;
            digits_left = if one == b'%' { 2 } else { digits_left.saturating_sub(1) };
            one == other || (is_digit && one.eq_ignore_ascii_case(&other))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_is_decided_on() {
        for path in [
            "/",
            "/mock",
            "/mock/",
            "/mock/a%20b",
            "/mock/%c3%BC",
            "/mock/a;b=c",
            "/mock/%2Fx",
        ] {
            assert!(path_as_forwarded(path).is_ok(), "{path}");
        }
        for path in [
            "",
            "mock",
            "http://localhost/mock",
            "//mock",
            "/mock//x",
            "/%6dock",
            "/mock/%7Ex",
            "/mock/../x",
            "/mock/%2e%2e/x",
            "/mock/..;/x",
            "/mock#x",
            "/mock/a b",
            "/mock/%zz",
            "/mock/%00",
            "/mock/ü",
            "/mock\\x",
        ] {
            assert!(path_as_forwarded(path).is_err(), "{path}");
        }
    }
}
