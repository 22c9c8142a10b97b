//! Headers on their way through (RFC 9110 §7.6).

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{header_name::folded, key_header, permit::Permit, snapshot::Snapshot};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Who sends on a connection, in the form of header values, made once for each connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    ip: IpAddr,
    ip_value: HeaderValue,
    /// The port that it came to.
    port_value: HeaderValue,
    is_trusted: bool,
}

impl Peer {
    /// `is_trusted`: whether it is a proxy of ours, whose word on the client before it counts.
    pub(crate) fn new(ip: IpAddr, port: u16, is_trusted: bool) -> Self {
        Self {
            ip,
            // An address is plain ASCII, so that this never falls back.
            ip_value: HeaderValue::try_from(ip.to_string()).unwrap_or_else(|_| HeaderValue::from_static("unknown")),
            port_value: HeaderValue::from(port),
            is_trusted,
        }
    }

    pub(crate) const fn ip(&self) -> IpAddr {
        self.ip
    }

    pub(crate) const fn is_trusted(&self) -> bool {
        self.is_trusted
    }
}

/// What a request is told on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop<'a> {
    pub(crate) peer: &'a Peer,
    pub(crate) request_id: &'a HeaderValue,
    /// The prefix that was taken off the path.
    pub(crate) stripped_prefix: Option<&'a str>,
    pub(crate) upstream_host: &'a HeaderValue,
}

/// How many headers the gateway adds, at most.
const ADDED: usize = 14;

/// Turns a client's headers into those for the upstream.
///
/// The order matters: what `Connection` names goes first, so that a client cannot have our own headers taken off.
pub(crate) fn to_upstream(headers: &mut HeaderMap, snapshot: &Snapshot, permit: &mut Permit, hop: Hop<'_>) {
    key_header::remove_unnamed(headers, snapshot);
    let options = connection_options(headers);
    remove_if(headers, |name| {
        let folded = folded(name);
        is_hop_by_hop(&folded)
            // `Host` is not the client's to name.
            || (options.iter().any(|option| option == name.as_str()) && name != header::HOST)
            || is_ours(&folded)
            || snapshot.is_key_header(&folded)
            || is_framing(&folded)
            || (is_forwarding(&folded) && (!hop.peer.is_trusted || name.as_str().contains('_')))
    });
    headers.reserve(ADDED);
    let client_host = headers.insert(header::HOST, hop.upstream_host.clone());
    permit.introduce(headers);
    headers.insert(REQUEST_ID, hop.request_id.clone());
    headers.append(header::VIA, HeaderValue::from_static("1.1 portico"));
    tell_forwarding(headers, client_host, hop);
}

fn tell_forwarding(headers: &mut HeaderMap, client_host: Option<HeaderValue>, hop: Hop<'_>) {
    let peer = hop.peer;
    if peer.is_trusted {
        append_to_list(headers, FORWARDED_FOR, &peer.ip.to_string());
        // RFC 7239 for those who read it, where a proxy before us wrote it; the list must not miss a hop.
        if headers.contains_key(header::FORWARDED) {
            let node = match peer.ip {
                IpAddr::V4(v4) => format!("for={v4}"),
                IpAddr::V6(v6) => format!("for=\"[{v6}]\""),
            };
            append_to_list(headers, header::FORWARDED, &node);
        }
    } else {
        headers.insert(FORWARDED_FOR, peer.ip_value.clone());
    }
    let mut set = |name: HeaderName, value: Option<HeaderValue>| {
        if let Some(value) = value
            && !(peer.is_trusted && headers.contains_key(&name))
        {
            headers.insert(name, value);
        }
    };
    set(REAL_IP, Some(peer.ip_value.clone()));
    set(FORWARDED_PROTO, Some(HeaderValue::from_static("http")));
    set(FORWARDED_HOST, client_host);
    set(FORWARDED_PORT, Some(peer.port_value.clone()));
    let prefix = hop.stripped_prefix.filter(|prefix| *prefix != "/");
    set(
        FORWARDED_PREFIX,
        prefix.and_then(|prefix| HeaderValue::from_str(prefix).ok()),
    );
}

fn append_to_list(headers: &mut HeaderMap, name: HeaderName, item: &str) {
    let mut list: Vec<u8> = Vec::new();
    for value in headers.get_all(&name) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(item.as_bytes());
    if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(list)) {
        headers.insert(name, value);
    }
}

/// Turns an upstream's headers into those for the client.
pub(crate) fn to_client(headers: &mut HeaderMap, request_id: &HeaderValue) {
    // RFC 9112 §6.3: with both, the length is not the body's.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    let options = connection_options(headers);
    remove_if(headers, |name| {
        let name = name.as_str();
        is_hop_by_hop(name) || options.iter().any(|option| option == name) || name.starts_with("x-portico-")
    });
    headers.insert(REQUEST_ID, request_id.clone());
}

/// The options of all `Connection` headers, in lower case.
fn connection_options(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|option| String::from_utf8_lossy(option.trim_ascii()).to_ascii_lowercase())
        .filter(|option| !option.is_empty())
        .collect()
}

/// Whether `Connection` has this option (in lower case).
pub(crate) fn has_connection_option(headers: &HeaderMap, option: &str) -> bool {
    connection_options(headers).iter().any(|one| one == option)
}

/// Whether a header, its name folded, is meant for this hop alone (RFC 9110 §7.6.1), beside what `Connection` names. In
/// any spelling: those with `_` say how a body is framed to whoever reads them as `-`.
fn is_hop_by_hop(folded: &str) -> bool {
    matches!(
        folded,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// Headers that say how the body is framed: the connection to the upstream frames it anew. `Expect` has been answered
/// here.
fn is_framing(folded: &str) -> bool {
    matches!(folded, "content-length" | "expect")
}

/// Headers that only the gateway may set, and those by which a request asks to be taken for another one.
pub(crate) fn is_ours(folded: &str) -> bool {
    folded.starts_with("x-consumer-")
        || folded.starts_with("x-portico-")
        || matches!(
            folded,
            "x-anonymous-consumer"
                | "x-credential-identifier"
                | "x-credential-username"
                | "x-http-method"
                | "x-http-method-override"
                | "x-method-override"
                | "x-original-url"
                | "x-rewrite-url"
        )
}

/// Headers in which proxies tell of the client before them.
fn is_forwarding(folded: &str) -> bool {
    folded.starts_with("x-forwarded-") || matches!(folded, "forwarded" | "x-real-ip")
}

fn remove_if(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    let unwanted: Vec<HeaderName> = headers.keys().filter(|name| is_unwanted(name)).cloned().collect();
    for name in unwanted {
        headers.remove(name);
    }
}
