//! Host names in their one canonical spelling.

use std::{fmt, net::Ipv6Addr};

/// A host name: lower case, without port and without the root's trailing dot. IPv6 addresses in their canonical text,
/// in brackets. Empty when a request names no host (RFC 9110 §7.2 allows it).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalHost(String);

/// The text is not a host with an optional port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a host name such as api.example.com")]
pub struct InvalidHost;

const MAX_HOST_LEN: usize = 253;

impl CanonicalHost {
    /// Reads a `Host` header or an authority: a host, and perhaps a port, which is returned beside it.
    ///
    /// # Errors
    /// [`InvalidHost`] for user information, several hosts, characters that no host name has, or a bad port.
    pub fn parse_authority(text: &str) -> Result<(Self, Option<u16>), InvalidHost> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) = rest.split_once(']').ok_or(InvalidHost)?;
                let address: Ipv6Addr = address.parse().map_err(|_| InvalidHost)?;
                (format!("[{address}]"), after)
            }
            None => {
                let port_at = text.find(':').unwrap_or(text.len());
                let (name, after) = text.split_at(port_at);
                (canonical_name(name)?, after)
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| InvalidHost)?)
            }
            Some(_) | None => return Err(InvalidHost),
        };
        Ok((Self(host), port))
    }

    /// Reads the host of a route, as an admin wrote it: no port, not empty; international names become ASCII.
    ///
    /// # Errors
    /// [`InvalidHost`], also for wildcards.
    pub fn parse_route_host(text: &str) -> Result<Self, InvalidHost> {
        let ascii = if text.is_ascii() {
            text.to_owned()
        } else {
            match url::Host::parse(text).map_err(|_| InvalidHost)? {
                url::Host::Domain(name) => name,
                url::Host::Ipv4(_) | url::Host::Ipv6(_) => return Err(InvalidHost),
            }
        };
        match Self::parse_authority(&ascii)? {
            (host, None) if !host.0.is_empty() && !ascii.ends_with(':') => Ok(host),
            (_, Some(_) | None) => Err(InvalidHost),
        }
    }

    /// The host as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CanonicalHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn canonical_name(name: &str) -> Result<String, InvalidHost> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let labels_are_good = name.is_empty()
        || name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
    if labels_are_good && name.len() <= MAX_HOST_LEN {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(InvalidHost)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_have_one_spelling() {
        for (text, host, port) in [
            ("", "", None),
            ("localhost", "localhost", None),
            ("Localhost:8000", "localhost", Some(8000)),
            ("API.Example.COM.", "api.example.com", None),
            ("api.example.com.:443", "api.example.com", Some(443)),
            ("api.example.com:", "api.example.com", None),
            ("my_service", "my_service", None),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
            ("[::1]", "[::1]", None),
            ("[0:0::0:1]:8000", "[::1]", Some(8000)),
        ] {
            let (parsed, parsed_port) = CanonicalHost::parse_authority(text).unwrap();
            assert_eq!((parsed.as_str(), parsed_port), (host, port), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long = "a.".repeat(127) + "com";
        for text in [
            "user@host",
            "a b",
            "a,b",
            "a/b",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:+1",
            "[::1",
            "[x]",
            "[::1]x",
            "::1",
            "a..b",
            ".a",
            "..",
            "a\0",
            "caf\u{e9}",
            "*.example.com",
            "a%2eb",
            long.as_str(),
        ] {
            assert_eq!(CanonicalHost::parse_authority(text), Err(InvalidHost), "{text}");
        }
    }

    #[test]
    fn route_hosts_have_no_port_and_may_be_international() {
        assert_eq!(
            CanonicalHost::parse_route_host("Bücher.example").unwrap().as_str(),
            "xn--bcher-kva.example"
        );
        for text in [
            "",
            "localhost:8000",
            "localhost:",
            "*.example.com",
            "https://example.com",
            " example.com",
        ] {
            assert_eq!(CanonicalHost::parse_route_host(text), Err(InvalidHost), "{text}");
        }
    }

    proptest! {
        #[test]
        fn canonical_is_a_fixed_point(text in "\\PC{0,30}") {
            if let Ok((host, _)) = CanonicalHost::parse_authority(&text) {
                prop_assert_eq!(CanonicalHost::parse_authority(host.as_str()), Ok((host, None)));
            }
        }
    }
}
