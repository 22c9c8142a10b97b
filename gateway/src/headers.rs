//! Headers on their way through (RFC 9110 §7.6).

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{header_name::folded, permit::Permit, snapshot::Snapshot};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Who called, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop<'a> {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    /// Whether the peer is a proxy of ours, whose word on the client before it counts.
    pub(crate) is_trusted: bool,
    pub(crate) request_id: &'a HeaderValue,
    /// The prefix that was taken off the path.
    pub(crate) stripped_prefix: Option<&'a str>,
}

/// Turns a client's headers into those for the upstream.
///
/// The order matters: what `Connection` names goes first, so that a client cannot have our own headers taken off.
pub(crate) fn to_upstream(
    headers: &mut HeaderMap,
    snapshot: &Snapshot,
    permit: &Permit,
    hop: Hop<'_>,
    upstream_authority: &str,
) {
    remove_hop_by_hop(headers);
    remove_if(headers, |name| {
        is_ours(name)
            || snapshot.is_key_header(&folded(name))
            || is_framing(name)
            || (is_forwarding(name) && (!hop.is_trusted || name.as_str().contains('_')))
    });
    let client_host = headers.remove(header::HOST);
    if let Ok(authority) = HeaderValue::from_str(upstream_authority) {
        headers.insert(header::HOST, authority);
    }
    permit.introduce(headers);
    headers.insert(REQUEST_ID, hop.request_id.clone());
    headers.append(header::VIA, HeaderValue::from_static("1.1 portico"));
    tell_forwarding(headers, client_host, hop);
}

fn tell_forwarding(headers: &mut HeaderMap, client_host: Option<HeaderValue>, hop: Hop<'_>) {
    let peer = hop.peer.ip().to_canonical();
    append_to_list(headers, FORWARDED_FOR, &peer.to_string());
    // RFC 7239 for those who read it, where a proxy before us wrote it; the list must not miss a hop.
    if headers.contains_key(header::FORWARDED) {
        let node = match peer {
            IpAddr::V4(v4) => format!("for={v4}"),
            IpAddr::V6(v6) => format!("for=\"[{v6}]\""),
        };
        append_to_list(headers, header::FORWARDED, &node);
    }
    let mut set = |name: HeaderName, value: Option<HeaderValue>| {
        if let Some(value) = value
            && !headers.contains_key(&name)
        {
            headers.insert(name, value);
        }
    };
    set(REAL_IP, HeaderValue::try_from(peer.to_string()).ok());
    set(FORWARDED_PROTO, Some(HeaderValue::from_static("http")));
    set(FORWARDED_HOST, client_host);
    set(FORWARDED_PORT, Some(HeaderValue::from(hop.local.port())));
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
    remove_hop_by_hop(headers);
    remove_if(headers, |name| name.as_str().starts_with("x-portico-"));
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

/// Takes off what is meant for this hop alone: what `Connection` names, and what RFC 9110 §7.6.1 lists. `Host` is not
/// the client's to name.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for option in connection_options(headers) {
        if option != "host" {
            headers.remove(option.as_str());
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Headers that say how the body is framed, in any spelling: the connection to the upstream frames it anew. `Expect`
/// has been answered here.
fn is_framing(name: &HeaderName) -> bool {
    let folded = folded(name);
    matches!(&*folded, "content-length" | "expect") || (name.as_str().contains('_') && HOP_BY_HOP.contains(&&*folded))
}

/// Headers that only the gateway may set, and those by which a request asks to be taken for another one.
pub(crate) fn is_ours(name: &HeaderName) -> bool {
    let folded = folded(name);
    folded.starts_with("x-consumer-")
        || folded.starts_with("x-portico-")
        || matches!(
            &*folded,
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
fn is_forwarding(name: &HeaderName) -> bool {
    let folded = folded(name);
    folded.starts_with("x-forwarded-") || matches!(&*folded, "forwarded" | "x-real-ip")
}

fn remove_if(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    let unwanted: Vec<HeaderName> = headers.keys().filter(|name| is_unwanted(name)).cloned().collect();
    for name in unwanted {
        headers.remove(name);
    }
}
