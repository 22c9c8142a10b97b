//! Which requests are plain: whole, without a body, and such that every reader takes them for the same.
//!
//! What is not plain is not wrong. It goes the long way, where the strict look at framing and hyper say what becomes of
//! it; so nothing here answers 400, and nothing here repairs anything.

use std::mem::MaybeUninit;

use http::{HeaderName, Method};

use crate::admission::CallHeaders;

/// Longer heads are not plain.
pub(super) const LONGEST_HEAD: usize = 8 * 1024;
/// Neither are longer names of headers. All that the gateway knows are shorter.
pub(super) const LONGEST_NAME: usize = 64;
/// Nor are heads of more lines.
pub(super) const MOST_HEADERS: usize = 64;

/// Where the parser notes where headers begin and end.
pub(super) type Room<'bytes> = [MaybeUninit<httparse::Header<'bytes>>; MOST_HEADERS];

/// An empty one.
pub(super) const fn room<'bytes>() -> Room<'bytes> {
    [const { MaybeUninit::uninit() }; MOST_HEADERS]
}

/// What a look at bytes finds.
pub(super) enum Seen<T> {
    /// A plain message.
    Plain(T),
    /// What may become one when more has come.
    Partial,
    /// Something else.
    Other,
}

/// A plain request: GET, HEAD or OPTIONS, safe to repeat and without a body.
pub(super) struct PlainRequest<'a> {
    pub(super) method: Method,
    /// As it was sent, without the query.
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    /// Of the one `Host` header.
    pub(super) host: &'a str,
    pub(super) headers: &'a [httparse::Header<'a>],
    /// Bytes of the head, which is all of it.
    pub(super) length: usize,
}

impl CallHeaders for PlainRequest<'_> {
    fn values<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let named = self.headers.iter();
        named
            .filter(move |header| header.name.eq_ignore_ascii_case(name.as_str()))
            .map(|header| header.value)
    }
}

/// Looks at what a client sent, from the beginning of a message on.
pub(super) fn look<'a, 'bytes: 'a>(
    bytes: &'bytes [u8],
    room: &'a mut Room<'bytes>,
    most_headers: usize,
) -> Seen<PlainRequest<'a>> {
    let mut parsed = httparse::Request::new(&mut []);
    let length = match parsed.parse_with_uninit_headers(bytes, room) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD => return Seen::Partial,
        Ok(httparse::Status::Partial) | Err(_) => return Seen::Other,
    };
    let httparse::Request {
        method: Some(method),
        path: Some(target),
        version: Some(1),
        headers,
    } = parsed
    else {
        return Seen::Other;
    };
    let headers: &'a [httparse::Header<'bytes>] = headers;
    let method = match method {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        "OPTIONS" => Method::OPTIONS,
        _ => return Seen::Other,
    };
    if headers.len() > most_headers || !has_plain_lines(&bytes[..length], headers.len()) || !is_plain_target(target) {
        return Seen::Other;
    }
    let Some(host) = plain_host(headers) else {
        return Seen::Other;
    };
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    Seen::Plain(PlainRequest {
        method,
        path,
        query,
        host,
        headers,
        length,
    })
}

/// Whether each line of a head ends with CRLF, and there is none but the first, one for each header, and the empty one.
/// The parser takes a bare LF for an end as well, and passes over empty lines at the beginning.
pub(super) fn has_plain_lines(head: &[u8], headers: usize) -> bool {
    let mut lines = 0;
    for end in memchr::memchr_iter(b'\n', head) {
        lines += 1;
        if end == 0 || head[end - 1] != b'\r' {
            return false;
        }
    }
    lines == headers + 2
}

/// Whether a request target is in origin form, of characters that a path and a query may hold (RFC 3986 §3.3, §3.4).
fn is_plain_target(target: &str) -> bool {
    target.starts_with('/')
        && target.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'/' | b'-'
                        | b'.'
                        | b'_'
                        | b'~'
                        | b'%'
                        | b'!'
                        | b'$'
                        | b'&'
                        | b'\''
                        | b'('
                        | b')'
                        | b'*'
                        | b'+'
                        | b','
                        | b';'
                        | b'='
                        | b':'
                        | b'@'
                        | b'?'
                )
        })
}

/// The one host that is named, if no header asks for more than a plain exchange.
fn plain_host<'a>(headers: &'a [httparse::Header<'a>]) -> Option<&'a str> {
    let mut host = None;
    for header in headers {
        let name = header.name;
        if name.len() > LONGEST_NAME || name.as_bytes().contains(&b'_') {
            return None;
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is("host") => {
                let named = std::str::from_utf8(header.value).ok()?;
                if host.replace(named).is_some() {
                    return None;
                }
            }
            10 if is("connection") && !header.value.eq_ignore_ascii_case(b"keep-alive") => return None,
            6 if is("expect") => return None,
            7 if is("upgrade") => return None,
            14 if is("content-length") => return None,
            17 if is("transfer-encoding") => return None,
            _ => {}
        }
    }
    host
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
