//! Slugs: names in addresses, such as `billing-api`.

use crate::{Refusal, RefusalCode};

/// The longest slug, in characters (all are ASCII).
pub const MAX_CHARS: usize = 100;

/// Checks a slug: lower-case ASCII letters and digits in words joined by single hyphens, 1 to 100 characters.
///
/// # Errors
/// REQUIRED when blank, TOO_LONG, INVALID; at `field`.
pub fn slug(field: &str, value: &str) -> Result<String, Refusal> {
    let value = value.trim();
    if value.is_empty() {
        return Err(Refusal::at(
            field,
            RefusalCode::Required,
            "The slug cannot be blank. Enter one such as billing-api.",
        ));
    }
    if value.chars().count() > MAX_CHARS {
        return Err(Refusal::at(
            field,
            RefusalCode::TooLong,
            format!("The slug is longer than {MAX_CHARS} characters. Shorten it."),
        ));
    }
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if !value.split('-').all(is_word) {
        return Err(Refusal::at(
            field,
            RefusalCode::Invalid,
            "A slug has lower-case ASCII letters, digits and single hyphens between them, such as billing-api.",
        ));
    }
    Ok(value.to_owned())
}

/// Makes a slug from a name: transliterated to ASCII, lower-cased, cut to 100 characters.
///
/// # Errors
/// REQUIRED at `field` (the slug's, not the name's) when nothing of the name is left.
pub fn from_name(field: &str, name: &str) -> Result<String, Refusal> {
    let made = ::slug::slugify(name);
    let made = shortened(&made, MAX_CHARS);
    if made.is_empty() {
        return Err(Refusal::at(
            field,
            RefusalCode::Required,
            "No slug can be made from this name. Enter one such as billing-api.",
        ));
    }
    Ok(made.to_owned())
}

/// The slugs to try in turn when `slug` is taken: `x`, `x-2`, `x-3` …, each within 100 characters. Never ends.
pub fn candidates(slug: &str) -> impl Iterator<Item = String> + '_ {
    std::iter::once(slug.to_owned()).chain((2_u64..).map(move |number| {
        let suffix = format!("-{number}");
        format!("{}{suffix}", shortened(slug, MAX_CHARS - suffix.len()))
    }))
}

fn shortened(slug: &str, max_chars: usize) -> &str {
    // A slug is ASCII; `get` keeps a foreign one whole rather than cut a character in two.
    let end = slug.len().min(max_chars);
    slug.get(..end).unwrap_or(slug).trim_end_matches('-')
}
