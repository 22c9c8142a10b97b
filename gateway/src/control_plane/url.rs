//! Where the control plane is.

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// The base URL of the control plane: https, or http on this machine alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlPlaneUrl(Url);

/// The text is no such URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidControlPlaneUrl {
    /// Not a URL of the right form.
    #[error("expected https://HOST or https://HOST:PORT, without user, query or fragment")]
    Malformed,
    /// In the clear to another machine.
    #[error(
        "the control plane must be reached by https: http would show the token, and let others change the snapshot"
    )]
    Insecure,
}

impl ControlPlaneUrl {
    /// The URL of a path of the control plane.
    pub(super) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }
}

impl FromStr for ControlPlaneUrl {
    type Err = InvalidControlPlaneUrl;

    fn from_str(text: &str) -> Result<Self, InvalidControlPlaneUrl> {
        let url = Url::parse(text).map_err(|_| InvalidControlPlaneUrl::Malformed)?;
        let has_more =
            !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some();
        let Some(host) = url.host().filter(|_| !has_more) else {
            return Err(InvalidControlPlaneUrl::Malformed);
        };
        let is_loopback = match host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback => Ok(Self(url)),
            "http" => Err(InvalidControlPlaneUrl::Insecure),
            _ => Err(InvalidControlPlaneUrl::Malformed),
        }
    }
}

impl fmt::Display for ControlPlaneUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_clear_on_this_machine_alone() {
        for good in [
            "https://portico.example.com",
            "https://portico.example.com:8443/base/",
            "https://10.0.0.1",
            "http://127.0.0.1:4000",
            "http://127.9.9.9",
            "http://[::1]:4000",
            "http://localhost:4000",
        ] {
            assert!(good.parse::<ControlPlaneUrl>().is_ok(), "{good}");
        }
        for insecure in [
            "http://portico.example.com",
            "http://10.0.0.1:4000",
            "http://localhost.example.com",
            "http://[2001:db8::1]",
            "http://0.0.0.0:4000",
        ] {
            assert_eq!(
                insecure.parse::<ControlPlaneUrl>(),
                Err(InvalidControlPlaneUrl::Insecure),
                "{insecure}"
            );
        }
        for malformed in [
            "",
            "portico.example.com",
            "ftp://portico.example.com",
            "https://user@portico.example.com",
            "https://portico.example.com?token=x",
            "https://portico.example.com/#x",
            "unix:/run/portico",
        ] {
            assert_eq!(
                malformed.parse::<ControlPlaneUrl>(),
                Err(InvalidControlPlaneUrl::Malformed),
                "{malformed}"
            );
        }
    }

    #[test]
    fn paths_go_below_the_base() {
        let join = |base: &str| {
            base.parse::<ControlPlaneUrl>()
                .unwrap()
                .join("/gateway/v1/stream")
                .to_string()
        };
        assert_eq!(join("https://a.example"), "https://a.example/gateway/v1/stream");
        assert_eq!(
            join("https://a.example/base/"),
            "https://a.example/base/gateway/v1/stream"
        );
    }
}
