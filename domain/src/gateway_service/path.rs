//! Paths in their one canonical spelling.

/// A request's path in canonical form, or a route's prefix.
///
/// - Percent-encoded unreserved characters are decoded, all others are encoded with upper-case digits
///   (RFC 3986 §6.2.2.1 and .2); characters that may not stand in a path are encoded.
/// - Empty segments are dropped: `//mock` is `/mock`, as most servers behind a gateway read it. A trailing slash stays.
/// - Dot segments in any spelling are refused, not resolved: whoever sends one wants two readers to differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalPath {
    text: String,
    alternative: Option<String>,
}

/// Why a path has no canonical form. Each is answered with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// It does not start with a slash.
    #[error("a path starts with a slash")]
    NotAbsolute,
    /// `.` or `..`, plain, encoded, encoded twice, or with a parameter (`..;`), between `/`, `\` or their encodings.
    #[error("a path may not hold the segments . or .. in any spelling")]
    DotSegment,
    /// NUL, plain or encoded.
    #[error("a path may not hold NUL")]
    Nul,
    /// A percent sign without two hexadecimal digits.
    #[error("a percent sign in a path is followed by two hexadecimal digits")]
    BadEncoding,
    /// A UTF-8 sequence longer than it must be (such as %C0%AE for a dot), or an encoding nested deeper than anything
    /// in honest use.
    #[error("a path may not hold overlong or repeatedly encoded characters")]
    Overlong,
}

/// How many times an encoding may be nested before a path is refused unread.
const MAX_NESTED_ENCODINGS: usize = 4;

impl CanonicalPath {
    /// The canonical form of a request target's path, its query already cut off.
    ///
    /// # Errors
    /// [`InvalidPath`], which is to be answered with 400.
    pub fn parse(raw: &str) -> Result<Self, InvalidPath> {
        if !raw.starts_with('/') {
            return Err(InvalidPath::NotAbsolute);
        }
        if is_plain(raw.as_bytes()) {
            return Ok(Self {
                text: raw.to_owned(),
                alternative: None,
            });
        }
        refuse_tricks(raw.as_bytes())?;
        let text = canonical_text(raw.as_bytes());
        let alternative = lenient_reading(&text);
        Ok(Self { text, alternative })
    }

    /// The path as it is matched and forwarded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path as a lenient server might read it, where that differs: with `%2F` and `%5C` as separators and without
    /// `;parameters`. A path whose two readings belong to different versions is refused, or a key for the one could
    /// open the other.
    #[must_use]
    pub fn alternative(&self) -> Option<&str> {
        self.alternative.as_deref()
    }

    /// The path to ask the upstream for: the upstream URL's own path, then this path, without `stripped_prefix` when
    /// one is given (the route's matched prefix).
    #[must_use]
    pub fn forwarded(&self, upstream_path: &str, stripped_prefix: Option<&str>) -> String {
        let (base, rest) = self.forwarded_parts(upstream_path, stripped_prefix);
        [base, rest].concat()
    }

    /// [`CanonicalPath::forwarded`] in two pieces, of which either may be empty.
    #[must_use]
    pub fn forwarded_parts<'a>(&'a self, upstream_path: &'a str, stripped_prefix: Option<&str>) -> (&'a str, &'a str) {
        let rest = match stripped_prefix {
            Some("/") | None => self.text.as_str(),
            Some(prefix) => self.text.strip_prefix(prefix).unwrap_or(&self.text),
        };
        let base = upstream_path.trim_end_matches('/');
        if rest.is_empty() {
            return (if upstream_path.is_empty() { "/" } else { upstream_path }, "");
        }
        (base, rest)
    }
}

/// Whether a path is canonical as it stands: of unreserved characters alone, without an empty segment or one that
/// starts with a dot. Most are, and need no closer look.
fn is_plain(raw: &[u8]) -> bool {
    raw.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~'))
        && !raw.windows(2).any(|pair| matches!(pair, b"//" | b"/."))
}

/// Looks at the path decoded once, twice, … as the servers behind might, and refuses what only a trick needs.
fn refuse_tricks(raw: &[u8]) -> Result<(), InvalidPath> {
    let mut bytes = raw.to_vec();
    let mut nested = 0;
    loop {
        if bytes.contains(&0) {
            return Err(InvalidPath::Nul);
        }
        if has_dot_segment(&bytes) {
            return Err(InvalidPath::DotSegment);
        }
        if has_overlong_utf8(&bytes) {
            return Err(InvalidPath::Overlong);
        }
        if nested == 0 && has_bad_encoding(&bytes) {
            return Err(InvalidPath::BadEncoding);
        }
        let decoded: Vec<u8> = percent_encoding::percent_decode(&bytes).collect();
        if decoded == bytes {
            return Ok(());
        }
        if nested == MAX_NESTED_ENCODINGS {
            return Err(InvalidPath::Overlong);
        }
        nested += 1;
        bytes = decoded;
    }
}

fn has_dot_segment(bytes: &[u8]) -> bool {
    bytes.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| {
        let name = segment.split(|byte| *byte == b';').next().unwrap_or(segment);
        matches!(name, b"." | b"..")
    })
}

/// Sequences that no UTF-8 encoder makes for `.`, `/` or `\`, and that careless decoders take for them.
fn has_overlong_utf8(bytes: &[u8]) -> bool {
    bytes
        .windows(2)
        .any(|pair| matches!(pair, [0xC0, 0x80..=0xBF] | [0xC1, 0x80..=0xBF] | [0xE0, 0x80..=0x9F]))
        || bytes.windows(3).any(|three| matches!(three, [0xF0, 0x80..=0x8F, _]))
}

fn has_bad_encoding(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        match rest.get(at + 1..at + 3) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => rest = &rest[at + 3..],
            Some(_) | None => return true,
        }
    }
    false
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986 §3.3: pchar without the percent-encodings, and the slash.
const fn may_stand_in_path(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'/'
        )
}

fn push_encoded(text: &mut String, byte: u8) {
    text.push_str(percent_encoding::percent_encode_byte(byte));
}

/// `bytes` starts with a slash and its encodings are well-formed.
fn canonical_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex_pair(bytes, at + 1)) {
            (b'%', Some(decoded)) => {
                if is_unreserved(decoded) {
                    text.push(char::from(decoded));
                } else {
                    push_encoded(&mut text, decoded);
                }
                at += 3;
                continue;
            }
            (b'/', _) if text.ends_with('/') => {}
            (byte, _) if may_stand_in_path(byte) => text.push(char::from(byte)),
            (byte, _) => push_encoded(&mut text, byte),
        }
        at += 1;
    }
    text
}

fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digits = std::str::from_utf8(bytes.get(at..at + 2)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

fn lenient_reading(text: &str) -> Option<String> {
    if !text.contains("%2F") && !text.contains("%5C") && !text.contains(';') && !text.contains("%3B") {
        return None;
    }
    let with_separators = text.replace("%2F", "/").replace("%5C", "/").replace("%3B", ";");
    let mut lenient = String::with_capacity(text.len());
    for segment in with_separators.split('/') {
        let name = segment.split(';').next().unwrap_or(segment);
        if !name.is_empty() {
            lenient.push('/');
            lenient.push_str(name);
        }
    }
    if with_separators.ends_with('/') || lenient.is_empty() {
        lenient.push('/');
    }
    (lenient != text).then_some(lenient)
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
