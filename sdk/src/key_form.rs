//! The form of an API key, checked without asking anyone.

use std::fmt;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_DIGITS: usize = 43;
const CHECKSUM_DIGITS: usize = 6;

/// The form of an installation's API keys: a prefix, 43 base62 digits, and 6 more that are the CRC-32 of all before.
///
/// It tells a key from noise, a typing error or a cut-off copy without any I/O: in a form, in CI, in a secret scanner.
/// It does not tell whether the key opens anything.
///
/// ```
/// use portico_sdk::{KeyForm, KeyFormError};
///
/// let form = KeyForm::default(); // keys that begin with `ptk_`
/// assert_eq!(form.check("hello"), Err(KeyFormError::Prefix));
/// assert_eq!(form.check("ptk_0"), Err(KeyFormError::Length));
/// assert_eq!(KeyForm::with_prefix("acme_").check("ptk_0"), Err(KeyFormError::Prefix));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyForm {
    prefix: String,
}

/// What of a text has not the form of a key. The text itself is deliberately not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFormError {
    /// It does not begin with the prefix.
    #[error("an API key of this installation begins with another prefix")]
    Prefix,
    /// It has not the length: something is missing, or something stands around it.
    #[error("an API key has 49 characters after its prefix")]
    Length,
    /// A character is no base62 digit.
    #[error("an API key has letters and digits alone after its prefix")]
    Alphabet,
    /// The last six digits do not fit what stands before: a character was changed.
    #[error("the API key's checksum does not fit: a character was changed")]
    Checksum,
}

impl Default for KeyForm {
    /// Keys that begin with `ptk_`, as installations have them unless configured otherwise.
    fn default() -> Self {
        Self::with_prefix("ptk_")
    }
}

impl fmt::Display for KeyForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}, {RANDOM_DIGITS} base62 digits, {CHECKSUM_DIGITS} of CRC-32",
            self.prefix
        )
    }
}

impl KeyForm {
    /// Keys that begin with this prefix, its underscore included, as the server's `--key-prefix` has it.
    pub fn with_prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// Checks a text, in time that depends on its length alone.
    ///
    /// # Errors
    ///
    /// [`KeyFormError`], by what does not fit.
    pub fn check(&self, text: &str) -> Result<(), KeyFormError> {
        let digits = text.strip_prefix(&self.prefix).ok_or(KeyFormError::Prefix)?.as_bytes();
        if digits.len() != RANDOM_DIGITS + CHECKSUM_DIGITS {
            return Err(KeyFormError::Length);
        }
        if !digits.iter().all(u8::is_ascii_alphanumeric) {
            return Err(KeyFormError::Alphabet);
        }
        let (covered, sent) = text.as_bytes().split_at(text.len() - CHECKSUM_DIGITS);
        if checksum(covered) == sent {
            Ok(())
        } else {
            Err(KeyFormError::Checksum)
        }
    }
}

fn checksum(covered: &[u8]) -> [u8; CHECKSUM_DIGITS] {
    let mut rest = crc32fast::hash(covered) as usize;
    let mut digits = [BASE62[0]; CHECKSUM_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % BASE62.len()];
        rest /= BASE62.len();
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::{KeyForm, KeyFormError, checksum};

    fn key(prefix: &str) -> String {
        let covered = format!("{prefix}{}", "Az09".repeat(11).split_at(43).0);
        let digits = checksum(covered.as_bytes());
        format!("{covered}{}", std::str::from_utf8(&digits).unwrap())
    }

    #[test]
    fn a_key_passes_and_every_change_of_it_does_not() {
        let (form, key) = (KeyForm::default(), key("ptk_"));
        assert_eq!(form.check(&key), Ok(()));
        for at in 4..key.len() {
            let mut changed = key.clone().into_bytes();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(form.check(&changed), Err(KeyFormError::Checksum), "{changed}");
        }
        assert_eq!(form.check(&key[1..]), Err(KeyFormError::Prefix));
        assert_eq!(form.check(&key[..key.len() - 1]), Err(KeyFormError::Length));
        assert_eq!(form.check(&format!("{key} ")), Err(KeyFormError::Length));
        assert_eq!(form.check(&key.replace('A', "é")), Err(KeyFormError::Length));
        assert_eq!(form.check(&key.replace('A', "-")), Err(KeyFormError::Alphabet));
        assert_eq!(form.check(""), Err(KeyFormError::Prefix));
    }

    #[test]
    fn a_prefix_of_ones_own_is_covered_by_the_checksum() {
        let ours = KeyForm::with_prefix("acme_live_");
        assert_eq!(ours.check(&key("acme_live_")), Ok(()));
        let renamed = key("acme_live_").replace("live", "test");
        assert_eq!(
            KeyForm::with_prefix("acme_test_").check(&renamed),
            Err(KeyFormError::Checksum)
        );
    }
}
