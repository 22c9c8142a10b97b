//! Access tokens: JWTs (RFC 7519) signed with EdDSA (RFC 8037), checked as RFC 8725 asks.
//!
//! A token is checked without the database; whether its session still lives and its account may still act is
//! [`super::directory`]'s to say, and both are asked on every request.

use std::{fmt, time::Duration};

use domain::{Timestamp, id::SessionId};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use quick_cache::sync::Cache;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    realm::{AccountId, Realm},
    signing_key::{KeyTable, SigningKeys},
};

/// How long a token lasts.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// By how much the clocks of two of our servers may differ.
pub const LEEWAY: Duration = Duration::from_secs(5);

/// How many tokens are remembered to be good, so that a signature is checked once and not on every request. Some 200
/// bytes each.
const REMEMBERED: usize = 10_000;

/// Ours have about 500 bytes; what is longer is not read.
const MAX_TOKEN_BYTES: usize = 2048;

/// The token is worth nothing. Why is deliberately not said: it would only help whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct BadToken;

/// The signing library failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an access token could not be signed")]
pub struct SigningFailed;

/// What a token says, after it was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose token it is (`sub`); its kind tells the realm.
    pub account: AccountId,
    /// The session it was issued in (`sid`).
    pub session: SessionId,
    /// From when on it is valid (`nbf`), to the second.
    pub not_before: Timestamp,
    /// When it was issued (`iat`), to the second.
    pub issued_at: Timestamp,
    /// When it ends (`exp`), to the second.
    pub expires_at: Timestamp,
}

impl Claims {
    /// The realm that the token is valid in.
    #[must_use]
    pub const fn realm(&self) -> Realm {
        self.account.realm()
    }

    /// Whether the token is valid at `now`, as far as its times tell: to the second and with [`LEEWAY`], as the check of
    /// the whole token has it.
    fn are_current(&self, now: Timestamp) -> bool {
        let second = seconds(now.as_millis().div_euclid(1000));
        second <= self.expires_at.saturating_add(LEEWAY) && self.not_before <= second.saturating_add(LEEWAY)
    }
}

/// A new token, to be handed to its owner.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The JWT in compact form.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What stands in the token. Instants are whole seconds since the Unix epoch (RFC 7519, section 2: NumericDate).
#[derive(Debug, Serialize, Deserialize)]
struct WireClaims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

/// Issues and checks the tokens of both realms. One signature is short work beside a request's other work, so it is
/// called from async code.
pub struct AccessTokens {
    keys: SigningKeys,
    /// What tokens say whose signature was found to be good, by their SHA-256. Keys never change while they are in use,
    /// so only the time can make such a token bad, and that is looked at each time.
    verified: Cache<[u8; 32], Claims>,
    portal: Validation,
    admin: Validation,
}

impl AccessTokens {
    /// Issues and checks with these keys.
    #[must_use]
    pub fn new(keys: SigningKeys) -> Self {
        Self {
            keys,
            verified: Cache::new(REMEMBERED),
            portal: validation(Realm::Portal),
            admin: validation(Realm::Admin),
        }
    }

    /// The keys of one realm, for its JWK set.
    #[must_use]
    pub fn keys(&self, realm: Realm) -> &KeyTable {
        self.keys.of(realm)
    }

    /// Makes a token that lasts for [`LIFETIME`] from `now`.
    ///
    /// # Errors
    /// When the signing library fails, which it does for no key that [`SigningKeys`] takes.
    pub fn issue(&self, account: AccountId, session: SessionId, now: Timestamp) -> Result<AccessToken, SigningFailed> {
        let realm = account.realm();
        let issued_at = now.as_millis().div_euclid(1000);
        let expires_at = issued_at.saturating_add_unsigned(LIFETIME.as_secs());
        let claims = WireClaims {
            iss: issuer(realm),
            aud: audience(realm),
            sub: account.to_string(),
            sid: session.to_string(),
            iat: issued_at,
            nbf: issued_at,
            exp: expires_at,
            jti: Uuid::now_v7().simple().to_string(),
        };
        let (kid, key) = self.keys.of(realm).signing();
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = kid.map(str::to_owned);
        let token = encode(&header, &claims, key).map_err(|_| SigningFailed)?;
        Ok(AccessToken {
            token: SecretString::from(token),
            expires_at: seconds(expires_at),
        })
    }

    /// Checks a token against the system's clock: made by a key of ours, for the realm of that key, and valid now.
    ///
    /// # Errors
    /// [`BadToken`], whatever is wrong.
    pub fn verify(&self, token: &str) -> Result<Claims, BadToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(BadToken);
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(claims) = self.verified.get(&digest)
            && claims.are_current(Timestamp::now())
        {
            return Ok(claims);
        }
        let claims = self.verify_signature(token)?;
        self.verified.insert(digest, claims);
        Ok(claims)
    }

    fn verify_signature(&self, token: &str) -> Result<Claims, BadToken> {
        // Of the header only `kid` is believed, and only to choose among our own keys; each of them has one algorithm,
        // which the header may repeat but not choose (RFC 8725, section 3.1).
        let header = decode_header(token).map_err(|_| BadToken)?;
        let (realm, key) = header
            .kid
            .as_deref()
            .and_then(|kid| self.keys.find(kid))
            .ok_or(BadToken)?;
        // We understand no extension, and one that must be understood ends it (RFC 7515, section 4.1.11).
        if header.crit.is_some() {
            return Err(BadToken);
        }
        let wire = decode::<WireClaims>(token, key.decoding(), self.validation(realm))
            .map_err(|_| BadToken)?
            .claims;
        Ok(Claims {
            account: AccountId::parse(realm, &wire.sub).map_err(|_| BadToken)?,
            session: wire.sid.parse().map_err(|_| BadToken)?,
            not_before: seconds(wire.nbf),
            issued_at: seconds(wire.iat),
            expires_at: seconds(wire.exp),
        })
    }

    fn validation(&self, realm: Realm) -> &Validation {
        match realm {
            Realm::Portal => &self.portal,
            Realm::Admin => &self.admin,
        }
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AccessTokens")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// The issuer of a realm's tokens. Not a URL: a server has several addresses, and its tokens have to outlive each.
fn issuer(realm: Realm) -> String {
    format!("portico-{}", realm.as_str())
}

/// Whom a realm's tokens are for.
fn audience(realm: Realm) -> String {
    format!("portico-{}-api", realm.as_str())
}

fn validation(realm: Realm) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.set_issuer(&[issuer(realm)]);
    validation.set_audience(&[audience(realm)]);
    validation.validate_exp = true;
    validation.validate_nbf = true;
    validation.validate_aud = true;
    validation.leeway = LEEWAY.as_secs();
    validation
}

fn seconds(since_epoch: i64) -> Timestamp {
    Timestamp::from_millis(since_epoch.saturating_mul(1000))
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;
