//! Which responses are plain: final, of a length that is known before the body, and such that every reader takes them
//! for the same. All others are read by hyper.

use super::request::{LONGEST_HEAD, LONGEST_NAME, Room, Seen, has_plain_lines};
use crate::headers::is_for_one_hop_or_ours;

/// A plain response's head.
pub(super) struct PlainResponse<'a> {
    pub(super) status: u16,
    reason: &'a str,
    headers: &'a [httparse::Header<'a>],
    /// Bytes of the head.
    pub(super) length: usize,
    /// Bytes of the body that follows it.
    pub(super) body: u64,
    /// Whether the upstream goes on with the connection.
    pub(super) stays_open: bool,
    has_date: bool,
}

/// Looks at what an upstream sent in answer to a request, which was HEAD or not.
pub(super) fn look<'a, 'bytes: 'a>(
    bytes: &'bytes [u8],
    room: &'a mut Room<'bytes>,
    is_head: bool,
) -> Seen<PlainResponse<'a>> {
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut parsed, bytes, room) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD => return Seen::Partial,
        Ok(httparse::Status::Partial) | Err(_) => return Seen::Other,
    };
    let httparse::Response {
        version: Some(1),
        code: Some(status @ 200..=599),
        reason: Some(reason),
        headers,
    } = parsed
    else {
        return Seen::Other;
    };
    let headers: &'a [httparse::Header<'bytes>] = headers;
    if !has_plain_lines(&bytes[..length], headers.len()) {
        return Seen::Other;
    }
    let Some(framing) = Framing::of(headers) else {
        return Seen::Other;
    };
    let body = match (status, framing.length) {
        // Neither has a body, whatever its headers say; what says otherwise is not plain.
        (204 | 304, None) => 0,
        (204 | 304, Some(_)) => return Seen::Other,
        (_, _) if is_head => 0,
        (_, Some(body)) => body,
        (_, None) => return Seen::Other,
    };
    Seen::Plain(PlainResponse {
        status,
        reason,
        headers,
        length,
        body,
        stays_open: framing.stays_open,
        has_date: framing.has_date,
    })
}

struct Framing {
    length: Option<u64>,
    stays_open: bool,
    has_date: bool,
}

impl Framing {
    /// `None`: not plain.
    fn of(headers: &[httparse::Header<'_>]) -> Option<Self> {
        let mut framing = Self {
            length: None,
            stays_open: true,
            has_date: false,
        };
        for header in headers {
            let name = header.name;
            if name.len() > LONGEST_NAME {
                return None;
            }
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            match name.len() {
                14 if is("content-length") => {
                    let other = framing.length.replace(length(header.value)?);
                    if other.is_some() {
                        return None;
                    }
                }
                17 if is("transfer-encoding") => return None,
                10 if is("connection") => {
                    if header.value.eq_ignore_ascii_case(b"close") {
                        framing.stays_open = false;
                    } else if !header.value.eq_ignore_ascii_case(b"keep-alive") {
                        return None;
                    }
                }
                4 if is("date") => framing.has_date = true,
                _ => {}
            }
        }
        Some(framing)
    }
}

/// Digits alone, and no more than a number holds (RFC 9110 §8.6).
fn length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

impl PlainResponse<'_> {
    /// Writes the head for the client.
    pub(super) fn write_head(&self, out: &mut Vec<u8>, request_id: &[u8], closes: bool) {
        out.extend_from_slice(b"HTTP/1.1 ");
        let status = self.status;
        out.extend([status / 100, status / 10 % 10, status % 10].map(|digit| b'0' + digit as u8));
        out.push(b' ');
        out.extend_from_slice(self.reason.as_bytes());
        out.extend_from_slice(b"\r\n");
        let mut lower = [0; LONGEST_NAME];
        for header in self.headers {
            let name = lowered(header.name, &mut lower);
            // `close` would be a header's name, if `Connection` named it.
            if !is_for_one_hop_or_ours(name) && name != "close" {
                push_header(out, name.as_bytes(), header.value);
            }
        }
        write_own_headers(out, request_id, closes, self.has_date);
    }
}

/// What every answer has, and the head's end.
pub(super) fn write_own_headers(out: &mut Vec<u8>, request_id: &[u8], closes: bool, has_date: bool) {
    push_header(out, b"x-request-id", request_id);
    if !has_date {
        // RFC 9110 §6.6.1: who has a clock adds it.
        let date = httpdate::fmt_http_date(std::time::SystemTime::now());
        push_header(out, b"date", date.as_bytes());
    }
    if closes {
        push_header(out, b"connection", b"close");
    }
    out.extend_from_slice(b"\r\n");
}

pub(super) fn push_header(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// A header's name in lower case; of one that is too long, which no plain message has, its beginning.
pub(super) fn lowered<'a>(name: &str, lower: &'a mut [u8; LONGEST_NAME]) -> &'a str {
    let length = name.len().min(LONGEST_NAME);
    let lower = &mut lower[..length];
    lower.copy_from_slice(&name.as_bytes()[..length]);
    lower.make_ascii_lowercase();
    // The parser takes nothing but ASCII for a name, so that this never falls back.
    std::str::from_utf8(lower).unwrap_or_default()
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
