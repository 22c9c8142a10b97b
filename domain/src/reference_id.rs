//! Reference ids: what a developer's own systems call an app. Unique in the portal, compared exactly.

use crate::{Refusal, RefusalCode};

/// The longest reference id, in characters (all are ASCII).
pub const MAX_CHARS: usize = 255;

/// Checks a reference id: `[A-Za-z0-9][A-Za-z0-9._:-]{0,254}`. Nothing is trimmed or folded: `a` and `A` are two.
///
/// # Errors
/// REQUIRED when blank, TOO_LONG, INVALID; at `field`.
pub fn reference_id(field: &str, value: &str) -> Result<String, Refusal> {
    if value.trim().is_empty() {
        return Err(Refusal::at(
            field,
            RefusalCode::Required,
            "The reference id cannot be blank. Enter one that your own systems know the app by.",
        ));
    }
    if value.chars().count() > MAX_CHARS {
        return Err(Refusal::at(
            field,
            RefusalCode::TooLong,
            format!("The reference id is longer than {MAX_CHARS} characters. Shorten it."),
        ));
    }
    let well_formed = value
        .bytes()
        .enumerate()
        .all(|(index, byte)| byte.is_ascii_alphanumeric() || (index > 0 && matches!(byte, b'.' | b'_' | b':' | b'-')));
    if !well_formed {
        return Err(Refusal::at(
            field,
            RefusalCode::Invalid,
            "A reference id starts with an ASCII letter or digit and goes on with letters, digits, '.', '_', ':' or '-'.",
        ));
    }
    Ok(value.to_owned())
}

/// Who holds a reference id, by normalised e-mail: a freed one stays its developer's, beyond their account.
///
/// # Errors
/// TAKEN at `field` when an app has it (`in_use`), or when it was claimed by another e-mail than `email`.
pub fn claim(field: &str, in_use: bool, claimed_by: Option<&str>, email: &str) -> Result<(), Refusal> {
    let claimed_by_another = claimed_by.is_some_and(|holder| holder != email);
    if in_use || claimed_by_another {
        return Err(Refusal::at(
            field,
            RefusalCode::Taken,
            "This reference id is taken. Choose another one.",
        ));
    }
    Ok(())
}
