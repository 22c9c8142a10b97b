//! i
use crate::{Refusal, Timestamp};
/// s
#[derive(Debug)]
pub struct Stored {
    /// h
    pub input_hash: [u8; 32],
    /// a
    pub at: Timestamp,
}
/// v
#[derive(Debug)]
pub enum Verdict {
    /// f
    Fresh,
    /// r
    Replay,
    /// m
    Mismatch(Refusal),
}
/// # Errors
/// e
pub fn key(_field: &str, key: &str) -> Result<String, Refusal> {
    Ok(key.to_owned())
}
/// v
#[must_use]
pub fn verdict(_stored: Option<&Stored>, _hash: &[u8; 32], _now: Timestamp) -> Verdict {
    Verdict::Fresh
}
