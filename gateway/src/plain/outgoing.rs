//! A plain request as the upstream gets it: by the same rules as in [`crate::headers`], written straight from what came.

use super::{
    request::{LONGEST_NAME, PlainRequest},
    response::{lowered, push_header},
};
use crate::{
    consumer::write_caller,
    headers::{Peer, is_forwarding, is_withheld},
    snapshot::{Credential, Snapshot},
};

/// What a request is told on its way.
pub(super) struct Hop<'a> {
    pub(super) peer: &'a Peer,
    pub(super) request_id: &'a [u8],
    pub(super) upstream_host: &'a [u8],
    /// In two pieces: what the upstream's URL puts first, and what is left of the request's path.
    pub(super) target: (&'a str, &'a str),
    pub(super) stripped_prefix: Option<&'a str>,
    /// `None` where nothing was decided.
    pub(super) credential: Option<Credential<'a>>,
}

/// Writes the request.
pub(super) fn write(out: &mut Vec<u8>, request: &PlainRequest<'_>, snapshot: &Snapshot, hop: &Hop<'_>) {
    out.extend_from_slice(request.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(hop.target.0.as_bytes());
    out.extend_from_slice(hop.target.1.as_bytes());
    if let Some(query) = request.query {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    push_header(out, b"host", hop.upstream_host);
    let is_trusted = hop.peer.is_trusted();
    let mut lower = [0; LONGEST_NAME];
    for header in request.headers {
        let name = lowered(header.name, &mut lower);
        let is_withheld = is_withheld(name, snapshot)
            || matches!(name, "host" | "x-request-id")
            // Those that are added to are written anew.
            || (is_forwarding(name) && (!is_trusted || matches!(name, "x-forwarded-for" | "forwarded")));
        if !is_withheld {
            push_header(out, name.as_bytes(), header.value);
        }
    }
    if let Some(credential) = hop.credential {
        write_caller(out, credential);
    }
    push_header(out, b"x-request-id", hop.request_id);
    out.extend_from_slice(b"via: 1.1 portico\r\n");
    if is_trusted {
        tell_of_trusted(out, request, hop);
    } else {
        out.extend_from_slice(hop.peer.lines());
        push_header(out, b"x-forwarded-host", request.host.as_bytes());
        if let Some(prefix) = told_prefix(hop) {
            push_header(out, b"x-forwarded-prefix", prefix.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A prefix that is worth telling.
fn told_prefix<'a>(hop: &Hop<'a>) -> Option<&'a str> {
    hop.stripped_prefix.filter(|prefix| *prefix != "/")
}

/// What a proxy of ours told stays, and its lists go on.
fn tell_of_trusted(out: &mut Vec<u8>, request: &PlainRequest<'_>, hop: &Hop<'_>) {
    let values = |name: &'static str| {
        let named = request.headers.iter();
        named
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value)
    };
    let mut push_list = |name: &'static str, own: &str| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        for value in values(name) {
            out.extend_from_slice(value);
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(own.as_bytes());
        out.extend_from_slice(b"\r\n");
    };
    push_list("x-forwarded-for", &hop.peer.ip().to_string());
    if values("forwarded").next().is_some() {
        push_list("forwarded", &hop.peer.forwarded_node());
    }
    let mut push_missing = |name: &'static str, value: &[u8]| {
        if values(name).next().is_none() {
            push_header(out, name.as_bytes(), value);
        }
    };
    push_missing("x-real-ip", hop.peer.ip_value().as_bytes());
    push_missing("x-forwarded-proto", b"http");
    push_missing("x-forwarded-host", request.host.as_bytes());
    push_missing("x-forwarded-port", hop.peer.port_value().as_bytes());
    if let Some(prefix) = told_prefix(hop) {
        push_missing("x-forwarded-prefix", prefix.as_bytes());
    }
}
