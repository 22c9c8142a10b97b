//! The name of a document: the SHA-256 of its text.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a document's text, byte for byte as it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentHash([u8; 32]);

/// The text is no SHA-256 in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct NotAHash;

impl DocumentHash {
    /// The hash of this document.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

impl FromStr for DocumentHash {
    type Err = NotAHash;

    /// Reads 64 hexadecimal digits of either case, with `sha256:` before them or without.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return Err(NotAHash);
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return Err(NotAHash) };
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(hash))
    }
}

fn digit(character: u8) -> Result<u8, NotAHash> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        b'A'..=b'F' => Ok(character - b'A' + 10),
        _ => Err(NotAHash),
    }
}

impl fmt::Display for DocumentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for DocumentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::{DocumentHash, NotAHash};

    #[test]
    fn is_the_sha_256_in_hexadecimal_digits() {
        // As `printf '{ __typename }' | sha256sum` has it, and Apollo's documentation.
        let hex = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b";
        assert_eq!(DocumentHash::of("{ __typename }").to_string(), hex);
        for spelled in [hex.to_owned(), hex.to_uppercase(), format!("sha256:{hex}")] {
            assert_eq!(spelled.parse(), Ok(DocumentHash::of("{ __typename }")));
        }
        for wrong in [
            "",
            "sha256:",
            &hex[1..],
            &format!("{hex}0"),
            &hex.replace('7', "g"),
            &"é".repeat(32),
        ] {
            assert_eq!(wrong.parse::<DocumentHash>(), Err(NotAHash), "{wrong}");
        }
    }
}
