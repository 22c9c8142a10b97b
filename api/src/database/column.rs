//! Columns that hold more than one value, and numbers that are narrower in the database.

use crate::error::StoreError;

/// Reads a JSON array of texts.
///
/// # Errors
/// [`StoreError::Corrupt`] for anything else.
pub fn texts(column: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(column).map_err(|_| StoreError::Corrupt("a list is not a JSON array of texts"))
}

/// Writes a JSON array of texts.
#[must_use]
pub fn from_texts<T: AsRef<str>>(texts: &[T]) -> String {
    serde_json::Value::from_iter(texts.iter().map(AsRef::as_ref)).to_string()
}

/// Reads a count that is never negative.
///
/// # Errors
/// [`StoreError::Corrupt`] for a negative one.
pub fn optional_count(column: Option<i32>) -> Result<Option<u32>, StoreError> {
    column
        .map(u32::try_from)
        .transpose()
        .map_err(|_| StoreError::Corrupt("a count is negative"))
}
