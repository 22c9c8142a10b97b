//! A second look at how requests are framed, stricter than the parser's (RFC 9112 §2.2, §6.3, §11.2).
//!
//! hyper repairs what it may repair: it takes a bare LF for a line's end, and drops `Content-Length` beside
//! `Transfer-Encoding`. What one reader repairs, the next may read otherwise, so here it is an error. The scanner
//! follows the bytes on their way into hyper; where a head breaks a rule, hyper gets a byte instead that no head may
//! hold, and so answers 400 in its turn and closes.
//!
//! ```text
//!   Head ─► Sized(n) ─► Head        Head ─► ChunkSize ⇄ Chunk(n);  ChunkSize 0 ─► Trailers ─► Head
//!     └─ Upgrade ─► Opaque            └─ a broken rule ─► Refused
//! ```

/// What hyper is given from a broken rule on: NUL may stand nowhere in a head, and the blank line ends it.
pub(crate) const REFUSAL: &[u8] = b"\0\r\n\r\n";

/// Longer lines are not kept: none of the headers that matter here is, honestly, as long.
const LONGEST_KEPT_LINE: usize = 256;

#[derive(Debug, Default)]
struct Head {
    line: Vec<u8>,
    /// The line was longer than what is kept of it.
    is_cut: bool,
    after_cr: bool,
    has_request_line: bool,
    content_length: Option<u64>,
    is_chunked: bool,
    hosts: u8,
    wants_upgrade: bool,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Sized(u64),
    /// The size so far, and whether its digits are over (an extension, or the line's CR, has begun).
    ChunkSize {
        size: u64,
        is_over: bool,
    },
    Chunk(u64),
    /// CR and LF after a chunk's data: how many are still to come.
    ChunkEnd(u8),
    /// Trailer lines: how many bytes the present one has, CR and LF apart.
    Trailers(usize),
    Opaque,
    Refused,
}

/// Follows the requests of one connection.
#[derive(Debug)]
pub(crate) struct StrictFraming {
    state: State,
}

/// A rule is broken.
struct Broken;

impl StrictFraming {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Head(Head::default()),
        }
    }

    /// Whether a rule has been broken: nothing more is to be read.
    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self.state, State::Refused)
    }

    /// Looks at the next bytes, and tells how many of them may go on; fewer than all only when a rule is broken.
    pub(crate) fn accept(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            at += match &mut self.state {
                State::Opaque => rest.len(),
                State::Refused => return at,
                State::Sized(left) | State::Chunk(left) => skip(left, rest.len()),
                State::Head(head) => {
                    let (count, end) = head.take(rest);
                    match end {
                        Ok(None) => {}
                        Ok(Some(next)) => self.state = next,
                        Err(Broken) => {
                            self.state = State::Refused;
                            return at + count;
                        }
                    }
                    count
                }
                State::ChunkSize { .. } | State::ChunkEnd(_) | State::Trailers(_) => {
                    if self.step(rest[0]).is_err() {
                        self.state = State::Refused;
                        return at;
                    }
                    1
                }
            };
            match self.state {
                State::Sized(0) => self.state = State::Head(Head::default()),
                State::Chunk(0) => self.state = State::ChunkEnd(2),
                _ => {}
            }
        }
        at
    }

    fn step(&mut self, byte: u8) -> Result<(), Broken> {
        let next = match &mut self.state {
            State::ChunkSize { size, is_over } => {
                if byte == b'\n' {
                    Some(if *size == 0 {
                        State::Trailers(0)
                    } else {
                        State::Chunk(*size)
                    })
                } else {
                    match char::from(byte).to_digit(16) {
                        Some(digit) if !*is_over => {
                            *size = size
                                .checked_mul(16)
                                .and_then(|size| size.checked_add(u64::from(digit)))
                                .ok_or(Broken)?;
                        }
                        Some(_) | None => *is_over = true,
                    }
                    None
                }
            }
            State::ChunkEnd(left) => {
                *left -= 1;
                (*left == 0).then_some(State::ChunkSize {
                    size: 0,
                    is_over: false,
                })
            }
            State::Trailers(line) => match byte {
                b'\n' if *line == 0 => Some(State::Head(Head::default())),
                b'\n' => Some(State::Trailers(0)),
                b'\r' => None,
                _ => {
                    *line += 1;
                    None
                }
            },
            State::Head(_) | State::Sized(_) | State::Chunk(_) | State::Opaque | State::Refused => None,
        };
        if let Some(next) = next {
            self.state = next;
        }
        Ok(())
    }
}

/// Takes up to `rest` bytes of the `left` ones, and tells how many.
fn skip(left: &mut u64, rest: usize) -> usize {
    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest);
    *left -= taken as u64;
    taken
}

impl Head {
    /// Takes bytes of a head until it ends or breaks a rule. Tells how many were good, and what comes after it.
    fn take(&mut self, bytes: &[u8]) -> (usize, Result<Option<State>, Broken>) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            // A line ends with CRLF, and CR stands nowhere else.
            if self.after_cr {
                if byte != b'\n' {
                    return (at, Err(Broken));
                }
                self.after_cr = false;
                let line = std::mem::take(&mut self.line);
                let is_cut = std::mem::take(&mut self.is_cut);
                match self.end_line(&line, is_cut) {
                    Ok(None) => at += 1,
                    Ok(Some(next)) => return (at + 1, Ok(Some(next))),
                    Err(broken) => return (at, Err(broken)),
                }
                // Its room serves the next line that comes in pieces.
                self.line = line;
                self.line.clear();
                continue;
            }
            // obs-fold (RFC 9112 §5.2), or white space before the first header.
            if self.line.is_empty() && self.has_request_line && matches!(byte, b' ' | b'\t') {
                return (at, Err(Broken));
            }
            let rest = &bytes[at..];
            let length = memchr::memchr3(b'\r', b'\n', 0, rest).unwrap_or(rest.len());
            let (piece, rest) = rest.split_at(length);
            // Most lines come in one piece, and need not be kept.
            if self.line.is_empty() && rest.starts_with(b"\r\n") {
                let is_cut = piece.len() > LONGEST_KEPT_LINE;
                let line = &piece[..piece.len().min(LONGEST_KEPT_LINE)];
                match self.end_line(line, is_cut) {
                    Ok(None) => at += length + 2,
                    Ok(Some(next)) => return (at + length + 2, Ok(Some(next))),
                    Err(broken) => return (at + length + 1, Err(broken)),
                }
                continue;
            }
            self.keep(piece);
            at += length;
            match rest.first() {
                None => {}
                Some(b'\r') => {
                    self.after_cr = true;
                    at += 1;
                }
                Some(_) => return (at, Err(Broken)),
            }
        }
        (at, Ok(None))
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = LONGEST_KEPT_LINE - self.line.len();
        self.is_cut |= piece.len() > room;
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn end_line(&mut self, line: &[u8], is_cut: bool) -> Result<Option<State>, Broken> {
        if !self.has_request_line {
            // Empty lines before a request line are to be ignored (RFC 9112 §2.2).
            self.has_request_line = !line.is_empty();
            return Ok(None);
        }
        if line.is_empty() {
            return Ok(Some(self.end()));
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        match FramingHeader::of(name) {
            Some(FramingHeader::ContentLength) if is_cut => return Err(Broken),
            Some(FramingHeader::ContentLength) => {
                let digits = std::str::from_utf8(value).map_err(|_| Broken)?;
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(Broken);
                }
                // Twice is once too often, equal or not.
                if self
                    .content_length
                    .replace(digits.parse().map_err(|_| Broken)?)
                    .is_some()
                {
                    return Err(Broken);
                }
            }
            // The one coding there is; a list or a second line only ever hides something.
            Some(FramingHeader::TransferEncoding) => {
                if is_cut || self.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Broken);
                }
                self.is_chunked = true;
            }
            Some(FramingHeader::Host) => {
                self.hosts = self.hosts.saturating_add(1);
                if self.hosts > 1 {
                    return Err(Broken);
                }
            }
            Some(FramingHeader::Upgrade) => self.wants_upgrade = true,
            None => {}
        }
        if self.is_chunked && self.content_length.is_some() {
            return Err(Broken);
        }
        Ok(None)
    }

    fn end(&self) -> State {
        if self.is_chunked {
            State::ChunkSize {
                size: 0,
                is_over: false,
            }
        } else {
            match self.content_length {
                Some(length) if length > 0 => State::Sized(length),
                // What follows may be another protocol. If the upgrade does not come about, the answer closes the
                // connection.
                Some(_) | None if self.wants_upgrade => State::Opaque,
                Some(_) | None => State::Head(Self::default()),
            }
        }
    }
}

/// The headers that the scanner must understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FramingHeader {
    ContentLength,
    TransferEncoding,
    Host,
    Upgrade,
}

impl FramingHeader {
    fn of(name: &[u8]) -> Option<Self> {
        let (header, known): (_, &[u8]) = match name.len() {
            4 => (Self::Host, b"host"),
            7 => (Self::Upgrade, b"upgrade"),
            14 => (Self::ContentLength, b"content-length"),
            17 => (Self::TransferEncoding, b"transfer-encoding"),
            _ => return None,
        };
        name.eq_ignore_ascii_case(known).then_some(header)
    }
}

#[cfg(test)]
#[path = "strict_framing_tests.rs"]
mod tests;
