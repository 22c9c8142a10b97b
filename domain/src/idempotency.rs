//! Idempotency keys: a mutation that is sent again with the same key does nothing again.
//!
//! ```text
//!   key unused, or used ≥ 24 h ago ─► Fresh: do it, remember it when it succeeds
//!   used with the same input       ─► Replay: re-authorise, answer with the present state
//!   used with another input        ─► Mismatch
//! ```

use std::time::Duration;

use crate::{Refusal, RefusalCode, Timestamp};

/// The longest key, in characters.
pub const MAX_CHARS: usize = 255;

/// How long a key is remembered. Exclusive: at 24 h it is forgotten.
pub const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// Checks a key: 1 to 255 printable ASCII characters, compared exactly.
///
/// # Errors
/// REQUIRED when empty, TOO_LONG, INVALID; at `field`.
pub fn key(field: &str, value: &str) -> Result<String, Refusal> {
    if value.trim().is_empty() {
        return Err(Refusal::at(
            field,
            RefusalCode::Required,
            "The idempotency key cannot be blank. Leave it out, or send a random one such as a UUID.",
        ));
    }
    if value.chars().count() > MAX_CHARS {
        return Err(Refusal::at(
            field,
            RefusalCode::TooLong,
            format!("The idempotency key is longer than {MAX_CHARS} characters. Send a UUID."),
        ));
    }
    if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Refusal::at(
            field,
            RefusalCode::Invalid,
            "An idempotency key has printable ASCII characters only. Send a UUID.",
        ));
    }
    Ok(value.to_owned())
}

/// What is remembered of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 of the input without the key.
    pub input_hash: [u8; 32],
    /// When the mutation succeeded.
    pub at: Timestamp,
}

/// What to do with a keyed mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The key is unused, or forgotten: do it.
    Fresh,
    /// It was done: answer with the present state.
    Replay,
    /// It was used for something else: `IDEMPOTENCY_MISMATCH` at `idempotencyKey`.
    Mismatch(Refusal),
}

/// Judges a keyed mutation at `now` by what is remembered of its key (for this caller and this mutation).
#[must_use]
pub fn verdict(stored: Option<&Stored>, input_hash: &[u8; 32], now: Timestamp) -> Verdict {
    match stored {
        Some(stored) if now < stored.at.saturating_add(WINDOW) => {
            if stored.input_hash == *input_hash {
                Verdict::Replay
            } else {
                Verdict::Mismatch(Refusal::at(
                    "idempotencyKey",
                    RefusalCode::IdempotencyMismatch,
                    "This idempotency key was used with another input in the last 24 hours. Send a new key.",
                ))
            }
        }
        Some(_) | None => Verdict::Fresh,
    }
}
