//! Key names: the request headers that an API key may come in.

use std::collections::HashSet;

use crate::{Refusal, RefusalCode};

/// The most key names of a strategy.
pub const MAX_KEY_NAMES: usize = 10;

/// The longest key name, in characters (all are ASCII).
pub const MAX_CHARS: usize = 128;

/// What a key-auth strategy gets when none is given.
pub const DEFAULT: &str = "apikey";

/// Header fields that mean something else to HTTP, to a browser, to a proxy or to the upstream.
///
/// The gateway strips the key headers of every strategy from every call it forwards, so one such name would break the
/// versions of all other strategies too. Sources: RFC 9110 (semantics), 9111 (caching), 9112 (framing), 9113,
/// 6265 (cookies), 6454 (origin), 7239 (forwarded), the Fetch standard, W3C Trace Context.
const RESERVED: &[&str] = &[
    "accept",
    "age",
    "alt-used",
    "authorization",
    "baggage",
    "cache-control",
    "connection",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "early-data",
    "expect",
    "forwarded",
    "from",
    "host",
    "http2-settings",
    "idempotency-key",
    "keep-alive",
    "last-event-id",
    "max-forwards",
    "origin",
    "pragma",
    "priority",
    "range",
    "referer",
    "set-cookie",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "warning",
    "x-correlation-id",
    "x-credential-identifier",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-real-ip",
    "x-request-id",
    "x-requested-with",
    "x-rewrite-url",
];

/// Families of such fields: representation metadata, negotiation, CORS, preconditions, Fetch metadata, proxies, and
/// what the gateway itself tells the upstream.
const RESERVED_PREFIXES: &[&str] = &[
    "accept-",
    "access-control-",
    "content-",
    "if-",
    "proxy-",
    "sec-",
    "x-anonymous-",
    "x-consumer-",
    "x-forwarded-",
    "x-portico-",
];

/// Checks a key-auth strategy's key names and returns them as written: 1 to 10 header field names (RFC 9110 §5.1:
/// tokens), at most 128 characters each, none twice without regard to case, none that has a meaning of its own
/// (`Host`, `Cookie`, `Content-Type`, `X-Forwarded-For`, …).
///
/// `Authorization` is among the latter: its value is a scheme and credentials (RFC 9110 §11.6.2), not a bare key, and
/// stripping it from every call would take it from upstreams that look at it.
///
/// # Errors
/// Everything that is wrong, at `field` or `field.0`: REQUIRED (none, or a blank one), LIMIT_REACHED (too many),
/// TOO_LONG, INVALID, TAKEN (given twice).
pub fn key_names<'a>(field: &str, given: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, Vec<Refusal>> {
    let mut names = Vec::new();
    let mut refusals = Vec::new();
    let mut seen = HashSet::new();
    let mut count = 0;
    for (index, value) in given.into_iter().enumerate() {
        count = index + 1;
        if count > MAX_KEY_NAMES {
            refusals.push(Refusal::at(
                field,
                RefusalCode::LimitReached,
                format!("A strategy has at most {MAX_KEY_NAMES} key names. Leave some out."),
            ));
            break;
        }
        let field = format!("{field}.{index}");
        match key_name(&field, value) {
            Ok(name) if seen.insert(name.to_ascii_lowercase()) => names.push(name),
            Ok(name) => refusals.push(Refusal::at(
                &field,
                RefusalCode::Taken,
                format!("The key name {name} is given twice; case does not count in header names. Keep one."),
            )),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if count == 0 {
        refusals.push(Refusal::at(
            field,
            RefusalCode::Required,
            format!("A key-auth strategy needs a header name that keys come in, such as {DEFAULT}."),
        ));
    }
    if refusals.is_empty() { Ok(names) } else { Err(refusals) }
}

fn key_name(field: &str, value: &str) -> Result<String, Refusal> {
    let name = value.trim();
    if name.is_empty() {
        return Err(Refusal::at(
            field,
            RefusalCode::Required,
            format!("A key name cannot be blank. Enter a header name such as {DEFAULT}."),
        ));
    }
    if name.chars().count() > MAX_CHARS {
        return Err(Refusal::at(
            field,
            RefusalCode::TooLong,
            format!("A key name has at most {MAX_CHARS} characters. Shorten it."),
        ));
    }
    if !name.bytes().all(is_token_byte) {
        return Err(Refusal::at(
            field,
            RefusalCode::Invalid,
            format!(
                "This is not a header name (RFC 9110, section 5.1). Use letters, digits and hyphens, as in {DEFAULT}."
            ),
        ));
    }
    if is_reserved(name) {
        return Err(Refusal::at(
            field,
            RefusalCode::Invalid,
            format!(
                "The header {name} has a meaning of its own and cannot carry keys. Use another, such as {DEFAULT} or x-api-key."
            ),
        ));
    }
    Ok(name.to_owned())
}

/// A byte of a token, RFC 9110 §5.6.2.
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// `_` counts as `-`: CGI and its heirs read both alike (RFC 3875 §4.1.18).
fn is_reserved(name: &str) -> bool {
    let folded = name.to_ascii_lowercase().replace('_', "-");
    RESERVED.contains(&folded.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| folded.starts_with(prefix))
}
