//! E-mail addresses: sign-in names. Nothing is sent to them, and having one proves nothing.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::{Refusal, RefusalCode, text};

/// The longest address, in bytes (RFC 5321 §4.5.3.1.3: a path of 256 with its angle brackets).
pub const MAX_BYTES: usize = 254;

/// The longest part before the `@`, in bytes (RFC 5321 §4.5.3.1.1).
pub const MAX_LOCAL_PART_BYTES: usize = 64;

/// An e-mail address as addresses are compared: trimmed, in NFC, lower-cased.
///
/// RFC 5321 §2.4 leaves the case of the local part to its host; no host of today tells them apart, and two accounts
/// that differ by case alone would be a trap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NormalisedEmail(String);

impl NormalisedEmail {
    /// Normalises any text, also one that is no address: then it matches no account. Of what is far too long to be one
    /// nothing is left.
    #[must_use]
    pub fn of(given: &str) -> Self {
        let trimmed = given.trim();
        if text::is_far_longer_than(trimmed, MAX_BYTES) {
            return Self(String::new());
        }
        if trimmed.is_ascii() {
            return Self(trimmed.to_ascii_lowercase());
        }
        // Lower-casing can leave text that is not in NFC.
        let lower: String = trimmed.nfc().collect::<String>().to_lowercase();
        Self(lower.nfc().collect())
    }

    /// The text to compare and to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text to compare and to store.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for NormalisedEmail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for NormalisedEmail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

/// Checks the form of an address and returns it as written, trimmed, in NFC.
///
/// Pragmatic, not RFC 5322: one `@`, something on either side, at most 254 bytes, no white space, controls, quotes,
/// comments or address lists. A host without a dot (`admin@localhost`) is an address.
///
/// # Errors
/// REQUIRED when blank, TOO_LONG, INVALID; at `field`.
pub fn email(field: &str, value: &str) -> Result<String, Refusal> {
    let trimmed = value.trim();
    let cleaned: String = if text::is_far_longer_than(trimmed, MAX_BYTES) {
        trimmed.to_owned()
    } else {
        trimmed.nfc().collect()
    };
    if text::is_blank(&cleaned) {
        return Err(Refusal::at(
            field,
            RefusalCode::Required,
            "The e-mail address cannot be blank.",
        ));
    }
    if cleaned.len() > MAX_BYTES {
        return Err(Refusal::at(
            field,
            RefusalCode::TooLong,
            format!("The e-mail address is longer than {MAX_BYTES} bytes. Enter a shorter one."),
        ));
    }
    if !is_well_formed(&cleaned) {
        return Err(Refusal::at(
            field,
            RefusalCode::Invalid,
            "This is not an e-mail address. Enter one such as ada@example.com.",
        ));
    }
    Ok(cleaned)
}

fn is_well_formed(address: &str) -> bool {
    let Some((local_part, host)) = address.split_once('@') else {
        return false;
    };
    let clean = |part: &str| {
        part.chars().all(|character| {
            !character.is_whitespace()
                && !text::is_forbidden_in_line(character)
                && !matches!(
                    character,
                    '@' | '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '\\' | '"'
                )
        })
    };
    let dotted = |part: &str| part.split('.').all(|atom| !atom.is_empty());
    clean(local_part)
        && clean(host)
        && dotted(local_part)
        && dotted(host)
        && local_part.len() <= MAX_LOCAL_PART_BYTES
        && host.chars().all(|character| {
            !character.is_ascii() || character.is_ascii_alphanumeric() || matches!(character, '.' | '-')
        })
        && host
            .split('.')
            .all(|label| !label.starts_with('-') && !label.ends_with('-'))
}
