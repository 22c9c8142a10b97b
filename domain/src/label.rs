//! Labels: key and value pairs that products are filtered by.

use std::collections::HashSet;

use crate::{Refusal, RefusalCode, text};

/// The most labels of a product.
pub const MAX_LABELS: usize = 50;
/// The longest key and the longest value, in characters: as for the labels of Kubernetes, from which many
/// of them are copied.
pub const MAX_CHARS: usize = 63;

/// A label that has been checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Unique in the product: `[A-Za-z0-9]` with `.`, `_`, `-` and `/` in between, 1 to 63 characters.
    pub key: String,
    /// One line of 1 to 63 characters.
    pub value: String,
}

/// Checks a product's labels, given as (key, value): at most 50, no key twice. Keys are compared exactly.
///
/// # Errors
/// Everything that is wrong, at `field`, `field.0.key`, `field.0.value`: REQUIRED, TOO_LONG, INVALID, TAKEN (a key
/// given twice), LIMIT_REACHED (too many).
pub fn labels<'a>(
    field: &str,
    given: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Label>, Vec<Refusal>> {
    let mut labels = Vec::new();
    let mut refusals = Vec::new();
    let mut keys = HashSet::new();
    let mut count = 0;
    for (index, (given_key, given_value)) in given.into_iter().enumerate() {
        count = index + 1;
        if count > MAX_LABELS {
            break;
        }
        let key = key(&format!("{field}.{index}.key"), given_key).and_then(|key| {
            if keys.insert(key.clone()) {
                Ok(key)
            } else {
                Err(Refusal::at(
                    &format!("{field}.{index}.key"),
                    RefusalCode::Taken,
                    format!("The label {key} is given twice. Keep one."),
                ))
            }
        });
        let value = text::line(&format!("{field}.{index}.value"), given_value, MAX_CHARS);
        match (key, value) {
            (Ok(key), Ok(value)) => labels.push(Label { key, value }),
            (key, value) => refusals.extend(key.err().into_iter().chain(value.err())),
        }
    }
    if count > MAX_LABELS {
        refusals.push(Refusal::at(
            field,
            RefusalCode::LimitReached,
            format!("A product has at most {MAX_LABELS} labels. Leave some out."),
        ));
    }
    if refusals.is_empty() { Ok(labels) } else { Err(refusals) }
}

fn key(field: &str, value: &str) -> Result<String, Refusal> {
    let key = text::line(field, value, MAX_CHARS)?;
    let bytes = key.as_bytes();
    let ends_well = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let well_formed = ends_well(bytes.first())
        && ends_well(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/'));
    if well_formed {
        Ok(key)
    } else {
        Err(Refusal::at(
            field,
            RefusalCode::Invalid,
            "A label's key has ASCII letters and digits, with '.', '_', '-' or '/' between them.",
        ))
    }
}
