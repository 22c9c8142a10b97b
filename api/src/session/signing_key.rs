//! Signing keys: the Ed25519 keys (RFC 8032) that access tokens are signed and checked with, a table per realm.

use std::fmt;

use ed25519_dalek::{
    SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes, spki::der::pem::LineEnding},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{Jwk, ThumbprintHash},
};
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};

use super::realm::Realm;

const PEM_END: &str = "-----END PRIVATE KEY-----";

/// Why signing keys cannot be used. Holds no part of any key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// There is no key for the realm.
    #[error("no signing key for the {} realm: give at least one Ed25519 private key in PKCS#8 PEM", .0.as_str())]
    Missing(Realm),
    /// A block is not an Ed25519 private key; the number counts blocks from 1.
    #[error(
        "signing key {number} of the {} realm is not an Ed25519 private key in PKCS#8 PEM (make one with: openssl genpkey -algorithm ed25519)",
        realm.as_str()
    )]
    Malformed {
        /// The realm it was meant for.
        realm: Realm,
        /// Which block of the text, from 1.
        number: usize,
    },
    /// The same key was given twice within a realm.
    #[error("the {} realm has the same signing key twice", .0.as_str())]
    Repeated(Realm),
    /// One key was given to both realms, which would let a token of one pass in the other.
    #[error("the portal realm and the admin realm share a signing key: give each realm its own")]
    Shared,
    /// The encoder failed on a new key.
    #[error("a new signing key could not be encoded")]
    Encoding,
}

/// One realm's public key, by its `kid`.
pub struct VerificationKey {
    kid: String,
    public_key: [u8; 32],
    decoding: DecodingKey,
}

impl VerificationKey {
    /// What tokens name the key by: its RFC 7638 thumbprint (SHA-256, base64url), the same wherever the key is used.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key's 32 bytes (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VerificationKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// One realm's keys: the first signs, all verify. To change keys without ending sessions, put a new one first, and
/// remove the old one a quarter of an hour later.
pub struct KeyTable {
    realm: Realm,
    signing: EncodingKey,
    verification: Vec<VerificationKey>,
}

impl KeyTable {
    /// Reads one or more PKCS#8 PEM blocks, one after another in `pem`.
    ///
    /// # Errors
    /// When there is none, one is no Ed25519 private key, or one is there twice.
    pub fn from_pem(realm: Realm, pem: &SecretString) -> Result<Self, SigningKeyError> {
        let mut signing = None;
        let mut verification: Vec<VerificationKey> = Vec::new();
        for (index, block) in blocks(pem.expose_secret()).enumerate() {
            let malformed = || SigningKeyError::Malformed {
                realm,
                number: index + 1,
            };
            let key = SigningKey::from_pkcs8_pem(block).map_err(|_| malformed())?;
            let der = key_pair(&key).to_pkcs8_der().map_err(|_| malformed())?;
            let encoding = EncodingKey::from_ed_der(der.as_bytes());
            let public = verification_key(&key.verifying_key()).ok_or_else(malformed)?;
            if verification.iter().any(|known| known.kid == public.kid) {
                return Err(SigningKeyError::Repeated(realm));
            }
            verification.push(public);
            signing.get_or_insert(encoding);
        }
        Ok(Self {
            realm,
            signing: signing.ok_or(SigningKeyError::Missing(realm))?,
            verification,
        })
    }

    /// The realm that the keys belong to.
    #[must_use]
    pub fn realm(&self) -> Realm {
        self.realm
    }

    /// The keys that tokens are checked with, the signing one first.
    #[must_use]
    pub fn verification_keys(&self) -> &[VerificationKey] {
        &self.verification
    }

    pub(super) fn find(&self, kid: &str) -> Option<&VerificationKey> {
        self.verification.iter().find(|key| key.kid == kid)
    }

    pub(super) fn signing(&self) -> (Option<&str>, &EncodingKey) {
        (self.verification.first().map(VerificationKey::kid), &self.signing)
    }
}

impl fmt::Debug for KeyTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyTable")
            .field("realm", &self.realm)
            .field("verification", &self.verification)
            .finish_non_exhaustive()
    }
}

/// The keys of both realms.
#[derive(Debug)]
pub struct SigningKeys {
    portal: KeyTable,
    admin: KeyTable,
}

impl SigningKeys {
    /// Reads both realms' keys, each text holding one or more PKCS#8 PEM blocks.
    ///
    /// # Errors
    /// When a realm's text is not usable, or the realms share a key.
    pub fn from_pem(portal: &SecretString, admin: &SecretString) -> Result<Self, SigningKeyError> {
        let portal = KeyTable::from_pem(Realm::Portal, portal)?;
        let admin = KeyTable::from_pem(Realm::Admin, admin)?;
        if portal.verification.iter().any(|key| admin.find(&key.kid).is_some()) {
            return Err(SigningKeyError::Shared);
        }
        Ok(Self { portal, admin })
    }

    /// The keys of one realm.
    #[must_use]
    pub fn of(&self, realm: Realm) -> &KeyTable {
        match realm {
            Realm::Portal => &self.portal,
            Realm::Admin => &self.admin,
        }
    }

    /// The realm and key that a token's `kid` names.
    pub(super) fn find(&self, kid: &str) -> Option<(Realm, &VerificationKey)> {
        [&self.portal, &self.admin]
            .into_iter()
            .find_map(|table| table.find(kid).map(|key| (table.realm, key)))
    }
}

/// Makes a new key, in PKCS#8 PEM (RFC 8410, the form without the public key, which every tool reads).
///
/// # Errors
/// When the encoder fails; no key is known for which it does.
pub fn generate_pem() -> Result<SecretString, SigningKeyError> {
    let mut pair = KeypairBytes {
        secret_key: [0; 32],
        public_key: None,
    };
    rand::rng().fill_bytes(&mut pair.secret_key);
    let pem = pair
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_| SigningKeyError::Encoding)?;
    Ok(SecretString::from(pem.as_str()))
}

fn key_pair(key: &SigningKey) -> KeypairBytes {
    KeypairBytes {
        secret_key: key.to_bytes(),
        public_key: None,
    }
}

fn verification_key(public: &VerifyingKey) -> Option<VerificationKey> {
    // A weak key (RFC 8032, section 8; a point of small order) would let anyone sign.
    if public.is_weak() {
        return None;
    }
    let decoding = DecodingKey::from_ed_der(public.as_bytes());
    let jwk = Jwk::from_decoding_key(&decoding, Some(Algorithm::EdDSA)).ok()?;
    Some(VerificationKey {
        kid: jwk.thumbprint(ThumbprintHash::SHA256).ok()?,
        public_key: *public.as_bytes(),
        decoding,
    })
}

/// The PEM blocks of a text. What follows the last block is one too unless it is blank, so that it is refused and
/// not passed over.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(PEM_END)
        .map(str::trim)
        .filter(|block| !block.is_empty())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The key of RFC 8037, appendix A.1.
    pub(in crate::session) const RFC_8037_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

    pub(in crate::session) fn fresh_keys() -> SigningKeys {
        SigningKeys::from_pem(&generate_pem().unwrap(), &generate_pem().unwrap()).unwrap()
    }

    fn joined(keys: &[&SecretString]) -> SecretString {
        SecretString::from(
            keys.iter()
                .map(|key| key.expose_secret())
                .collect::<Vec<_>>()
                .join("\n"),
        )
    }

    #[test]
    fn the_kid_is_the_thumbprint_of_rfc_8037() {
        let table = KeyTable::from_pem(Realm::Portal, &RFC_8037_KEY.into()).unwrap();
        assert_eq!(
            table.verification_keys()[0].kid(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn the_first_key_signs_and_all_verify() {
        let (first, second) = (generate_pem().unwrap(), generate_pem().unwrap());
        let table = KeyTable::from_pem(Realm::Admin, &joined(&[&first, &second])).unwrap();
        let alone = KeyTable::from_pem(Realm::Admin, &first).unwrap();
        assert_eq!(table.verification_keys().len(), 2);
        assert_eq!(table.signing().0, Some(alone.verification_keys()[0].kid()));
        for key in table.verification_keys() {
            assert!(table.find(key.kid()).is_some());
        }
        assert!(table.find("").is_none());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = generate_pem().unwrap();
        let cases = [
            (SecretString::from(""), SigningKeyError::Missing(Realm::Portal)),
            (SecretString::from(" \n"), SigningKeyError::Missing(Realm::Portal)),
            (
                SecretString::from("hunter2"),
                SigningKeyError::Malformed {
                    realm: Realm::Portal,
                    number: 1,
                },
            ),
            (
                // An X25519 key: the same form, another algorithm (1.3.101.110).
                SecretString::from(RFC_8037_KEY.replace("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vu")),
                SigningKeyError::Malformed {
                    realm: Realm::Portal,
                    number: 1,
                },
            ),
            (
                joined(&[&good, &"left over".into()]),
                SigningKeyError::Malformed {
                    realm: Realm::Portal,
                    number: 2,
                },
            ),
            (joined(&[&good, &good]), SigningKeyError::Repeated(Realm::Portal)),
        ];
        for (text, expected) in cases {
            assert_eq!(KeyTable::from_pem(Realm::Portal, &text).unwrap_err(), expected);
        }
    }

    #[test]
    fn the_realms_share_no_key() {
        let (own, shared) = (generate_pem().unwrap(), generate_pem().unwrap());
        assert_eq!(
            SigningKeys::from_pem(&joined(&[&own, &shared]), &shared).unwrap_err(),
            SigningKeyError::Shared
        );
    }

    #[test]
    fn debug_and_errors_show_no_key() {
        let pem = generate_pem().unwrap();
        let secret_line = pem.expose_secret().lines().nth(1).unwrap().to_owned();
        let keys = SigningKeys::from_pem(&pem, &generate_pem().unwrap()).unwrap();
        let shown = format!("{keys:?} {pem:?}");
        assert!(!shown.contains(&secret_line));
        assert!(!shown.contains("secret_key") && !shown.contains("EncodingKey"));
    }
}
