//! API keys: their form, how they are made, and the hash that stands for them.
//!
//! ```text
//!   ptk_  ×××××××××××××××××××××××××××××××××××××××××××  ××××××
//!   prefix       43 base62 digits: 256 random bits     6 base62 digits: CRC-32 of all that stands before
//! ```
//!
//! The checksum lets secret scanners tell a key from noise without asking anyone, and lets a gateway refuse junk before
//! it looks anything up. The key itself is stored nowhere: 256 random bits need no slow hash, SHA-256 is enough.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_BYTES: usize = 32;
const RANDOM_DIGITS: usize = 43;
const CHECKSUM_DIGITS: usize = 6;
const MAX_PREFIX_LEN: usize = 16;

/// What every key of an installation starts with, its underscore included. `ptk_` unless configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyPrefix(String);

/// The text cannot be a prefix of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key prefix is 2 to 16 characters: lower-case letters, digits and underscores, the last one an underscore")]
pub struct InvalidApiKeyPrefix;

impl ApiKeyPrefix {
    /// Takes a prefix such as `ptk_`.
    ///
    /// # Errors
    /// When it is not 2 to 16 characters of `[a-z0-9_]` that end in an underscore.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidApiKeyPrefix> {
        let text = text.into();
        if is_prefix(text.as_bytes()) {
            Ok(Self(text))
        } else {
            Err(InvalidApiKeyPrefix)
        }
    }

    /// The prefix as text, its underscore included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of_gateway_tokens() -> Self {
        Self(crate::gateway_token::PREFIX.to_owned())
    }
}

impl Default for ApiKeyPrefix {
    fn default() -> Self {
        Self("ptk_".to_owned())
    }
}

fn is_prefix(bytes: &[u8]) -> bool {
    (2..=MAX_PREFIX_LEN).contains(&bytes.len())
        && bytes.ends_with(b"_")
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// An API key in the clear. It exists when it is made, to be shown once, and while a call that carries it is checked.
///
/// Its Debug is redacted, and it can neither be printed nor serialised without [`ApiKey::expose`].
#[derive(Clone)]
pub struct ApiKey(SecretString);

/// The text does not have the form of a key. What it was is deliberately not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this does not have the form of an API key")]
pub struct MalformedApiKey;

impl ApiKey {
    /// Makes a new key from 256 bits of the generator.
    pub fn generate(prefix: &ApiKeyPrefix, random: &mut impl rand::CryptoRng) -> Self {
        let mut bits = [0_u8; RANDOM_BYTES];
        random.fill_bytes(&mut bits);
        let mut text = String::with_capacity(prefix.0.len() + RANDOM_DIGITS + CHECKSUM_DIGITS);
        text.push_str(&prefix.0);
        text.push_str(&base62_of_256_bits(bits));
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.iter().map(|digit| char::from(*digit)));
        Self(SecretString::from(text))
    }

    /// Takes what a caller sent, if it has the form of a key. Keys of an earlier prefix stay valid, so any well-formed
    /// prefix will do; the checksum covers it.
    ///
    /// # Errors
    /// [`MalformedApiKey`] when the length, an alphabet or the checksum is wrong.
    pub fn parse(sent: &[u8]) -> Result<Self, MalformedApiKey> {
        well_formed(sent).map(|text| Self(SecretString::from(text)))
    }

    /// The hash of what a caller sent, if it has the form of a key: [`ApiKey::parse`] and [`ApiKey::hash`] without a
    /// copy of the key.
    ///
    /// # Errors
    /// [`MalformedApiKey`], as of [`ApiKey::parse`].
    pub fn hash_sent(sent: &[u8]) -> Result<ApiKeyHash, MalformedApiKey> {
        well_formed(sent).map(hash)
    }

    /// Whether a key stands anywhere in a text, such as one behind a scheme's name or in a list.
    ///
    /// A text that holds none is taken for one once in hundreds of millions of times: the checksum has 32 bits.
    #[must_use]
    pub fn is_in(text: &[u8]) -> bool {
        (1..=text.len().saturating_sub(RANDOM_DIGITS + CHECKSUM_DIGITS)).any(|body_at| {
            let end = body_at + RANDOM_DIGITS + CHECKSUM_DIGITS;
            // A prefix ends in an underscore, and nothing behind it holds one: few places are looked at twice.
            text[body_at - 1] == b'_'
                && text[body_at..end].iter().all(u8::is_ascii_alphanumeric)
                && (body_at.saturating_sub(MAX_PREFIX_LEN)..body_at - 1)
                    .any(|begin| well_formed(&text[begin..end]).is_ok())
        })
    }

    /// The key in the clear: to show it once to its owner, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub(crate) fn prefix(&self) -> &str {
        let text = self.expose();
        &text[..text.len() - RANDOM_DIGITS - CHECKSUM_DIGITS]
    }

    /// What is stored and looked up in its place.
    #[must_use]
    pub fn hash(&self) -> ApiKeyHash {
        hash(self.expose())
    }

    /// What tells keys apart in a list: the prefix and the last four characters, which belong to the checksum and so
    /// give away none of the random bits' own digits.
    #[must_use]
    pub fn hint(&self) -> String {
        let text = self.expose();
        format!("{}…{}", self.prefix(), &text[text.len() - 4..])
    }
}

fn well_formed(sent: &[u8]) -> Result<&str, MalformedApiKey> {
    let body_at = sent
        .len()
        .checked_sub(RANDOM_DIGITS + CHECKSUM_DIGITS)
        .ok_or(MalformedApiKey)?;
    let (prefix, body) = sent.split_at(body_at);
    if !is_prefix(prefix) || !body.iter().all(u8::is_ascii_alphanumeric) {
        return Err(MalformedApiKey);
    }
    let (before, sent_checksum) = sent.split_at(body_at + RANDOM_DIGITS);
    if checksum(before).as_slice() != sent_checksum {
        return Err(MalformedApiKey);
    }
    std::str::from_utf8(sent).map_err(|_| MalformedApiKey)
}

fn hash(text: &str) -> ApiKeyHash {
    ApiKeyHash(Sha256::digest(text.as_bytes()).into())
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey([redacted])")
    }
}

/// The SHA-256 of an API key: what the database keeps and the gateway's index holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyHash([u8; 32]);

/// The bytes are not 32 long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's hash is 32 bytes long")]
pub struct InvalidApiKeyHash;

impl ApiKeyHash {
    /// A hash read back from where it was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<&[u8]> for ApiKeyHash {
    type Error = InvalidApiKeyHash;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self).map_err(|_| InvalidApiKeyHash)
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Enough to tell two apart in a failing test, too little to search a leaked table by.
        write!(
            formatter,
            "ApiKeyHash({:02x}{:02x}{:02x}…)",
            self.0[0], self.0[1], self.0[2]
        )
    }
}

/// The number in base 62, big-endian, with leading zeros. 62^43 is just above 2^256.
fn base62_of_256_bits(mut number: [u8; RANDOM_BYTES]) -> String {
    let mut digits = [b'0'; RANDOM_DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u16;
        for byte in &mut number {
            let value = remainder << 8 | u16::from(*byte);
            // Both fit: value < 62 * 256.
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        *digit = BASE62[usize::from(remainder)];
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_DIGITS] {
    let mut crc = crc32fast::hash(bytes);
    let mut digits = [b'0'; CHECKSUM_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(crc % 62) as usize];
        crc /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn key(seed: u64) -> ApiKey {
        ApiKey::generate(&ApiKeyPrefix::default(), &mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn has_the_documented_form() {
        let key = key(1);
        let text = key.expose();
        assert_eq!(text.len(), 4 + 43 + 6);
        let body = text.strip_prefix("ptk_").unwrap();
        assert!(body.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let hint = key.hint();
        assert_eq!(hint, format!("ptk_…{}", &text[text.len() - 4..]));
    }

    #[test]
    fn base62_keeps_all_256_bits() {
        assert_eq!(base62_of_256_bits([0; 32]), "0".repeat(43));
        let mut one = [0; 32];
        one[31] = 63;
        assert_eq!(base62_of_256_bits(one), format!("{}11", "0".repeat(41)));
        // 2^256 - 1, computed independently.
        assert_eq!(
            base62_of_256_bits([0xff; 32]),
            "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"
        );
    }

    #[test]
    fn checksum_is_crc_32_in_base62() {
        // CRC-32/ISO-HDLC of "123456789" is 0xcbf43926, its check value in the catalogue of CRCs.
        let mut value = 0_u64;
        for digit in checksum(b"123456789") {
            let place = BASE62.iter().position(|symbol| *symbol == digit).unwrap();
            value = value * 62 + place as u64;
        }
        assert_eq!(value, 0xcbf4_3926);
    }

    #[test]
    fn is_redacted_in_debug() {
        let key = key(2);
        assert!(!format!("{key:?}").contains(&key.expose()[4..]));
        assert!(!format!("{key:?}").contains(key.hint().as_str()));
    }

    #[test]
    fn prefixes_are_checked() {
        for good in ["ptk_", "a_", "acme_live_", "k2_"] {
            assert!(ApiKeyPrefix::new(good).is_ok(), "{good}");
        }
        for bad in ["", "_x", "ptk", "PTK_", "p k_", "abcdefghijklmnop_", "é_"] {
            assert_eq!(ApiKeyPrefix::new(bad), Err(InvalidApiKeyPrefix), "{bad}");
        }
    }

    #[test]
    fn a_thousand_keys_are_different() {
        let mut random = StdRng::seed_from_u64(7);
        let prefix = ApiKeyPrefix::default();
        let hashes: HashSet<ApiKeyHash> = (0..1000)
            .map(|_| ApiKey::generate(&prefix, &mut random).hash())
            .collect();
        assert_eq!(hashes.len(), 1000);
    }

    #[test]
    fn a_stored_hash_reads_back() {
        let hash = key(3).hash();
        assert_eq!(ApiKeyHash::try_from(hash.as_bytes().as_slice()), Ok(hash));
        assert_eq!(ApiKeyHash::try_from([0_u8; 31].as_slice()), Err(InvalidApiKeyHash));
    }

    proptest! {
        #[test]
        fn every_key_parses_to_the_same_hash(seed: u64, prefix in "[a-z0-9_]{1,15}_") {
            let prefix = ApiKeyPrefix::new(prefix).unwrap();
            let key = ApiKey::generate(&prefix, &mut StdRng::seed_from_u64(seed));
            let parsed = ApiKey::parse(key.expose().as_bytes()).unwrap();
            prop_assert_eq!(parsed.hash(), key.hash());
            prop_assert_eq!(ApiKey::hash_sent(key.expose().as_bytes()), Ok(key.hash()));
        }

        #[test]
        fn a_key_is_found_wherever_it_stands(
            seed: u64,
            prefix in "[a-z0-9_]{1,15}_",
            before in "([ -~]{0,40}[ =,;:\"A-Z])?",
            after in "[ -~]{0,40}",
        ) {
            let key = ApiKey::generate(&ApiKeyPrefix::new(prefix).unwrap(), &mut StdRng::seed_from_u64(seed));
            let text = format!("{before}{}{after}", key.expose());
            prop_assert!(ApiKey::is_in(text.as_bytes()));
            // Without its last character it is no key, whatever stands there instead.
            let cut = format!("{before}{}", &key.expose()[..key.expose().len() - 1]);
            let cut_before = format!("{cut}-{after}");
            prop_assert!(!ApiKey::is_in(cut.as_bytes()) && !ApiKey::is_in(cut_before.as_bytes()));
        }

        #[test]
        fn one_changed_byte_is_junk(seed: u64, place in 0_usize..53, byte: u8) {
            let key = key(seed);
            let mut sent = key.expose().as_bytes().to_vec();
            prop_assume!(sent[place] != byte);
            sent[place] = byte;
            // CRC-32 finds every single-byte error.
            prop_assert!(ApiKey::parse(&sent).is_err() && ApiKey::hash_sent(&sent).is_err());
        }

        #[test]
        fn arbitrary_bytes_are_junk_and_never_panic(sent in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(ApiKey::parse(&sent).is_err());
            prop_assert!(!ApiKey::is_in(&sent));
        }
    }
}
