//! Text that people write: names, descriptions, reasons; and the folded form that lists are ordered and searched by.
//!
//! Lengths are counted in Unicode scalar values. What a name may not hold follows Unicode Technical Report #36
//! (visual spoofing): nothing that breaks a line, reorders its neighbours or is not seen at all.

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

use crate::{Refusal, RefusalCode};

/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 255;
/// The longest name of a product, in characters.
pub const MAX_PRODUCT_NAME_CHARS: usize = 100;
/// The longest description, reason or justification, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 10_000;

/// A name of anything but a product: one line, trimmed, in NFC, 1 to 255 characters.
///
/// # Errors
/// REQUIRED when blank, TOO_LONG, INVALID when it holds control or invisible characters; all at `field`.
pub fn name(field: &str, value: &str) -> Result<String, Refusal> {
    line(field, value, MAX_NAME_CHARS)
}

/// A description, reason or justification: trimmed, 1 to 10,000 characters, newlines and tabs allowed. CRLF, which
/// forms send, becomes LF.
///
/// For an optional description, pass what was given only when it is not null: a blank one is REQUIRED here.
///
/// # Errors
/// As [`name`].
pub fn description(field: &str, value: &str) -> Result<String, Refusal> {
    paragraphs(field, value, MAX_DESCRIPTION_CHARS)
}

/// One line of text, trimmed, in NFC, of at most `max_chars` characters.
///
/// # Errors
/// As [`name`].
pub fn line(field: &str, value: &str, max_chars: usize) -> Result<String, Refusal> {
    let trimmed = value.trim();
    if is_far_longer_than(trimmed, max_chars) {
        check_length(field, trimmed, max_chars)?;
    }
    let cleaned = normalised(trimmed);
    check_blank(field, &cleaned)?;
    check_length(field, &cleaned, max_chars)?;
    match cleaned.chars().find(|&character| is_forbidden_in_line(character)) {
        Some(character) => Err(forbidden_character(
            field,
            character,
            "Use one line of visible characters.",
        )),
        None => Ok(cleaned),
    }
}

/// The text in NFC, as most texts are.
fn normalised(text: &str) -> String {
    if text.is_ascii() {
        text.to_owned()
    } else {
        text.nfc().collect()
    }
}

/// What a list is searched by: no longer than the longest name, as nothing longer begins one. Anything else is allowed,
/// and may find nothing.
///
/// # Errors
/// TOO_LONG at `field`.
pub fn search(field: &str, value: &str) -> Result<(), Refusal> {
    check_length(field, value, MAX_NAME_CHARS)
}

/// Several lines of text, trimmed, of at most `max_chars` characters.
///
/// # Errors
/// As [`name`].
pub fn paragraphs(field: &str, value: &str, max_chars: usize) -> Result<String, Refusal> {
    let cleaned = value.trim().replace("\r\n", "\n");
    check_blank(field, &cleaned)?;
    check_length(field, &cleaned, max_chars)?;
    let forbidden = |&character: &char| !matches!(character, '\n' | '\t') && is_forbidden_in_line(character);
    match cleaned.chars().find(forbidden) {
        Some(character) => Err(forbidden_character(
            field,
            character,
            "Besides visible characters, only newlines and tabs are allowed.",
        )),
        None => Ok(cleaned),
    }
}

/// Text kept exactly as written (Markdown, an OpenAPI document), of at most `max_bytes` bytes; blank is allowed.
///
/// # Errors
/// TOO_LONG, or INVALID when it holds controls other than CR, LF, tab and form feed (PostgreSQL cannot store NUL).
pub fn verbatim(field: &str, value: &str, max_bytes: usize) -> Result<String, Refusal> {
    if value.len() > max_bytes {
        return Err(Refusal::at(
            field,
            RefusalCode::TooLong,
            format!(
                "{} has {} bytes; at most {max_bytes} are allowed. Shorten it.",
                last_segment(field),
                value.len()
            ),
        ));
    }
    let forbidden = |character: &char| character.is_control() && !matches!(character, '\r' | '\n' | '\t' | '\u{000C}');
    match value.chars().find(forbidden) {
        Some(character) => Err(forbidden_character(field, character, "Remove it.")),
        None => Ok(value.to_owned()),
    }
}

/// Whether a text has more than `max_chars` characters in any canonical form, told without making that form: anybody
/// may send megabytes, and normalising them takes its time. No character has more than four bytes, and none decomposes
/// into more than four (UAX #15).
pub(crate) const fn is_far_longer_than(text: &str, max_chars: usize) -> bool {
    text.len() > max_chars.saturating_mul(16)
}

fn check_blank(field: &str, value: &str) -> Result<(), Refusal> {
    if is_blank(value) {
        return Err(Refusal::at(
            field,
            RefusalCode::Required,
            format!("{} cannot be blank. Enter some text.", last_segment(field)),
        ));
    }
    Ok(())
}

fn check_length(field: &str, value: &str, max_chars: usize) -> Result<(), Refusal> {
    let chars = value.chars().count();
    if chars > max_chars {
        return Err(Refusal::at(
            field,
            RefusalCode::TooLong,
            format!(
                "{} has {chars} characters; at most {max_chars} are allowed. Shorten it.",
                last_segment(field)
            ),
        ));
    }
    Ok(())
}

fn forbidden_character(field: &str, character: char, hint: &str) -> Refusal {
    Refusal::at(
        field,
        RefusalCode::Invalid,
        format!(
            "{} holds the character U+{:04X}, which is not allowed. {hint}",
            last_segment(field),
            u32::from(character)
        ),
    )
}

fn last_segment(field: &str) -> &str {
    field.rsplit('.').next().unwrap_or(field)
}

/// Whether nothing of the text would be seen: only white space and letters that have no shape.
#[must_use]
pub fn is_blank(value: &str) -> bool {
    value.chars().all(|character| {
        character.is_whitespace()
            // Joiners and variation selectors, Hangul fillers, the braille blank: letters and symbols by category,
            // invisible when alone.
            || matches!(character,
                '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{200C}' | '\u{200D}' | '\u{2800}'
                | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}')
    })
}

/// Whether the character may not stand in one line of text: C0 and C1 controls, DEL, line and paragraph separators,
/// everything that steers the bidirectional algorithm (UAX #9), and what is never seen: zero-width space, word
/// joiner, soft hyphen, byte order mark, invisible operators, annotations, tags (U+E0000…). The joiners U+200C and
/// U+200D stay: Persian, Indic scripts and emoji need them.
#[must_use]
pub const fn is_forbidden_in_line(character: char) -> bool {
    matches!(character,
        '\u{0000}'..='\u{001F}' | '\u{007F}'..='\u{009F}'
        | '\u{2028}' | '\u{2029}'
        | '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        | '\u{00AD}' | '\u{180E}' | '\u{200B}' | '\u{2060}'..='\u{2065}' | '\u{206A}'..='\u{206F}'
        | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{FFFE}' | '\u{FFFF}' | '\u{E0000}'..='\u{E007F}')
}

/// The text without regard to case and compatibility variants: NFKC, full case folding, NFKC again
/// (after UTS #15 and the Unicode Standard, section 3.13, D146). Lists are ordered by it bytewise, and a search is
/// a prefix of it. Folding twice changes nothing.
#[must_use]
pub fn folded(text: &str) -> String {
    // Folding can leave text that composes or folds further (U+0345, U+03D4): repeat until it rests.
    if text.is_ascii() {
        // It is normalised, and folds letter by letter.
        return text.to_ascii_lowercase();
    }
    let mut present: String = text.nfkc().collect();
    loop {
        let next: String = UniCase::unicode(&present).to_folded_case().nfkc().collect();
        if next == present {
            return next;
        }
        present = next;
    }
}

/// Where the texts that start with `prefix` end, in bytewise order: every such text is `>= prefix` and `<` this.
/// `None` when nothing comes after them (an empty prefix, or one of U+10FFFF only).
#[must_use]
pub fn prefix_upper_bound(prefix: &str) -> Option<String> {
    let mut kept: Vec<char> = prefix.chars().collect();
    while let Some(last) = kept.pop() {
        // UTF-8 keeps the order of scalar values; the surrogates between U+D7FF and U+E000 are none.
        let next = match last {
            '\u{10FFFF}' => None,
            '\u{D7FF}' => Some('\u{E000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            kept.push(next);
            return Some(kept.into_iter().collect());
        }
    }
    None
}
