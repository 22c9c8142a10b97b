//! Upstream URLs, and the addresses that no upstream may have.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use url::{Host, Url};

use crate::{Refusal, RefusalCode};

/// Where a version's calls go: an absolute http or https URL, kept as written beside its parsed form.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamUrl {
    written: String,
    url: Url,
}

/// Why a text is no upstream URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUpstreamUrl {
    /// Nothing was given.
    #[error("The upstream URL is missing. Give an absolute URL such as http://localhost:9000/base.")]
    Missing,
    /// Longer than 2,048 bytes.
    #[error("The upstream URL is longer than 2,048 characters.")]
    TooLong,
    /// Not an absolute URL of http or https, or with characters that no URL has.
    #[error("The upstream URL must be an absolute http or https URL such as http://localhost:9000/base.")]
    NotHttp,
    /// With a user name or password, which would end up in logs and lists.
    #[error("The upstream URL may not hold a user name or password.")]
    Userinfo,
    /// With a query or a fragment, which routing would drop.
    #[error("The upstream URL may not hold a query or a fragment; give the path only.")]
    QueryOrFragment,
    /// An address that the gateway refuses to connect to: see [`is_forbidden_address`].
    #[error("The upstream URL may not lead to a link-local, unspecified or multicast address.")]
    ForbiddenAddress,
    /// The gateway's own: its calls would come back to it without end. Told by who knows the listeners, with
    /// [`UpstreamUrl::shares_listener_with`].
    #[error("The upstream URL leads back to the gateway itself. Give the URL of the service behind it.")]
    Gateway,
}

impl InvalidUpstreamUrl {
    /// The refusal of the field `upstreamUrl`.
    #[must_use]
    pub fn refusal(self) -> Refusal {
        let code = match self {
            Self::Missing => RefusalCode::Required,
            Self::TooLong => RefusalCode::TooLong,
            Self::NotHttp | Self::Userinfo | Self::QueryOrFragment | Self::ForbiddenAddress | Self::Gateway => {
                RefusalCode::Invalid
            }
        };
        Refusal::at("upstreamUrl", code, self.to_string())
    }
}

const MAX_URL_LEN: usize = 2048;

impl UpstreamUrl {
    /// Reads an upstream URL. Stricter than the URL standard, whose parser repairs what it is given.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidUpstreamUrl> {
        if text.trim().is_empty() {
            return Err(InvalidUpstreamUrl::Missing);
        }
        if text.len() > MAX_URL_LEN {
            return Err(InvalidUpstreamUrl::TooLong);
        }
        let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
        let has_scheme = lower.starts_with("http://") || lower.starts_with("https://");
        let has_stray = text
            .chars()
            .any(|character| character.is_control() || character.is_whitespace() || character == '\\');
        if !has_scheme || has_stray {
            return Err(InvalidUpstreamUrl::NotHttp);
        }
        let url = Url::parse(text).map_err(|_| InvalidUpstreamUrl::NotHttp)?;
        let authority = text.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or(authority);
        if authority.is_empty() || url.port() == Some(0) {
            return Err(InvalidUpstreamUrl::NotHttp);
        }
        if authority.contains('@') {
            return Err(InvalidUpstreamUrl::Userinfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidUpstreamUrl::QueryOrFragment);
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(InvalidUpstreamUrl::NotHttp),
        };
        if literal.is_some_and(is_forbidden_address) {
            return Err(InvalidUpstreamUrl::ForbiddenAddress);
        }
        Ok(Self {
            written: text.to_owned(),
            url,
        })
    }

    /// The URL as the admin wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether the upstream speaks TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Host and port as they stand in a `Host` header: the scheme's own port is left out.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// Whether this URL and `other` lead to the same listener as far as their texts tell: the same port of the same
    /// host, where all names of the machine itself are one.
    #[must_use]
    pub fn shares_listener_with(&self, other: &Self) -> bool {
        let same_host = match (self.url.host(), other.url.host()) {
            (Some(mine), Some(others)) => mine == others || (is_loopback(&mine) && is_loopback(&others)),
            (None, _) | (_, None) => false,
        };
        same_host && self.url.port_or_known_default() == other.url.port_or_known_default()
    }

    /// The path that forwarded paths are put below; at least `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }
}

impl fmt::Debug for UpstreamUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "UpstreamUrl({})", self.written)
    }
}

/// Whether the host is this machine by a name that is reserved for it (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291
/// §2.5.3).
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).to_canonical().is_loopback(),
    }
}

/// Whether no upstream may have this address: link-local (where clouds serve their metadata and credentials),
/// unspecified (which reaches this machine by another name), broadcast and multicast; as IPv4, as IPv6, or as one in
/// the other (RFC 4291 §2.5.5.2, RFC 6052, RFC 8215, RFC 3056). The IPv6 metadata address that is not link-local is refused by name.
#[must_use]
pub fn is_forbidden_address(address: IpAddr) -> bool {
    const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address {
        IpAddr::V4(v4) => is_forbidden_v4(v4),
        IpAddr::V6(v6) => {
            v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unicast_link_local()
                || v6 == METADATA_V6
                || embedded_v4(v6).is_some_and(is_forbidden_v4)
        }
    }
}

fn is_forbidden_v4(v4: Ipv4Addr) -> bool {
    // All of 0.0.0.0/8 is "this host" (RFC 1122 §3.2.1.3).
    v4.is_link_local() || v4.is_broadcast() || v4.is_multicast() || v4.octets()[0] == 0
}

/// The IPv4 address inside an IPv4-mapped, IPv4-compatible, NAT64 (64:ff9b::/96, or the local-use 64:ff9b:1::/48 with
/// prefixes of 96 bits) or 6to4 (2002::/16) address.
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_kept_as_written() {
        let url = UpstreamUrl::parse("HTTP://Example.com:80").unwrap();
        assert_eq!(url.as_str(), "HTTP://Example.com:80");
        assert_eq!(
            (url.authority(), url.path(), url.is_https()),
            ("example.com", "/", false)
        );
        let url = UpstreamUrl::parse("https://[2001:db8::1]:8443/base/").unwrap();
        assert_eq!(
            (url.authority(), url.path(), url.is_https()),
            ("[2001:db8::1]:8443", "/base/", true)
        );
    }

    #[test]
    fn bad_urls_are_refused() {
        use InvalidUpstreamUrl as E;
        let long = format!("http://example.com/{}", "a".repeat(2048));
        for (text, error) in [
            ("", E::Missing),
            ("  ", E::Missing),
            (long.as_str(), E::TooLong),
            ("example.com", E::NotHttp),
            ("/base", E::NotHttp),
            ("ftp://example.com", E::NotHttp),
            ("http:example.com", E::NotHttp),
            ("http:///example.com", E::NotHttp),
            ("http://", E::NotHttp),
            ("http://exa mple.com", E::NotHttp),
            ("http://example.com/\r\nX: y", E::NotHttp),
            ("http://example.com\\@evil", E::NotHttp),
            ("http://example.com:0", E::NotHttp),
            ("http://example.com:99999", E::NotHttp),
            (" http://example.com", E::NotHttp),
            ("http://user@example.com", E::Userinfo),
            ("http://user:pw@example.com", E::Userinfo),
            ("http://@example.com", E::Userinfo),
            ("http://example.com?x=1", E::QueryOrFragment),
            ("http://example.com/#x", E::QueryOrFragment),
            ("http://169.254.169.254/latest", E::ForbiddenAddress),
            ("http://0xa9fea9fe/", E::ForbiddenAddress),
            ("http://[fe80::1]/", E::ForbiddenAddress),
            ("http://[::ffff:169.254.169.254]/", E::ForbiddenAddress),
            ("http://0.0.0.0:8000", E::ForbiddenAddress),
            ("http://[::]:8000", E::ForbiddenAddress),
        ] {
            let refused = UpstreamUrl::parse(text).unwrap_err();
            assert_eq!(refused, error, "{text}");
            assert_eq!(refused.refusal().field, ["upstreamUrl"]);
        }
    }

    #[test]
    fn the_same_listener_has_many_names() {
        let gateway = UpstreamUrl::parse("http://localhost:8000").unwrap();
        for same in [
            "http://LOCALHOST:8000/mock",
            "https://localhost:8000",
            "http://127.0.0.1:8000",
            "http://127.9.9.9:8000",
            "http://[::1]:8000/",
            "http://[::ffff:127.0.0.1]:8000",
            "http://localhost.:8000",
            "http://api.localhost:8000",
        ] {
            let url = UpstreamUrl::parse(same).unwrap();
            assert!(
                url.shares_listener_with(&gateway) && gateway.shares_listener_with(&url),
                "{same}"
            );
        }
        for other in [
            "http://localhost:8001",
            "http://localhost",
            "http://10.0.0.1:8000",
            "http://example.com:8000",
            "http://notlocalhost:8000",
        ] {
            assert!(
                !UpstreamUrl::parse(other).unwrap().shares_listener_with(&gateway),
                "{other}"
            );
        }
        let public = UpstreamUrl::parse("https://api.example.com").unwrap();
        assert!(
            UpstreamUrl::parse("https://api.example.com:443/x")
                .unwrap()
                .shares_listener_with(&public)
        );
    }

    #[test]
    fn addresses_that_no_upstream_may_have() {
        for forbidden in [
            "169.254.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "255.255.255.255",
            "224.0.0.1",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0.0.0.0",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "64:ff9b:1:2:3:4:a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "2002:a9fe:a9fe:1::1",
            "2002::1",
            "fd00:ec2::254",
        ] {
            assert!(is_forbidden_address(forbidden.parse().unwrap()), "{forbidden}");
        }
        for allowed in [
            "127.0.0.1",
            "10.0.0.1",
            "93.184.216.34",
            "::1",
            "fd00::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "64:ff9b:1::a00:1",
            "2002:a00:1::1",
            "2003:a9fe:a9fe::",
        ] {
            assert!(!is_forbidden_address(allowed.parse().unwrap()), "{allowed}");
        }
    }
}
