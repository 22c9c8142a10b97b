//! JWK sets: a realm's public keys for whoever checks its tokens elsewhere (RFC 7517, with RFC 8037's key type).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::signing_key::KeyTable;

/// The media type of the answer (RFC 7517, section 8.5.2).
pub const MEDIA_TYPE: &str = "application/jwk-set+json";

/// The realm's public keys, the signing one first.
#[must_use]
pub fn key_set(keys: &KeyTable) -> Value {
    let keys: Vec<Value> = keys
        .verification_keys()
        .iter()
        .map(|key| {
            json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": key.kid(),
                "x": URL_SAFE_NO_PAD.encode(key.public_key()),
            })
        })
        .collect();
    json!({ "keys": keys })
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::JwkSet};
    use secrecy::ExposeSecret;

    use super::*;
    use crate::session::{
        access_token::AccessTokens,
        realm::{AccountId, Realm},
        signing_key::tests::{RFC_8037_KEY, fresh_keys},
    };

    #[test]
    fn the_key_of_rfc_8037_is_shown_as_there() {
        let keys = KeyTable::from_pem(Realm::Portal, &RFC_8037_KEY.into()).unwrap();
        assert_eq!(
            key_set(&keys),
            json!({"keys": [{
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }]})
        );
    }

    #[test]
    fn a_stranger_can_check_a_token_with_the_set_of_its_realm_alone() {
        let tokens = AccessTokens::new(fresh_keys());
        let account = AccountId::Developer(domain::id::DeveloperId::new());
        let issued = tokens
            .issue(account, domain::id::SessionId::new(), domain::Timestamp::now())
            .unwrap();
        let token = issued.token.expose_secret();
        let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let set = |realm| -> JwkSet { serde_json::from_value(key_set(tokens.keys(realm))).unwrap() };
        let key = DecodingKey::from_jwk(set(Realm::Portal).find(&kid).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&["portico-portal-api"]);
        let claims = decode::<Value>(token, &key, &validation).unwrap().claims;
        assert_eq!(claims["sub"], account.to_string());
        assert!(set(Realm::Admin).find(&kid).is_none());
    }
}
