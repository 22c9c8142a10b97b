//! t
use crate::Refusal;
/// # Errors
/// e
pub fn name(_field: &str, text: &str) -> Result<String, Refusal> {
    Ok(text.to_owned())
}
