use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::id::{AdminId, AppId, DeveloperId};
use jsonwebtoken::EncodingKey;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::session::signing_key::{generate_pem, tests::fresh_keys};

struct Fixture {
    tokens: AccessTokens,
    developer: AccountId,
    admin: AccountId,
    session: SessionId,
}

fn fixture() -> Fixture {
    Fixture {
        tokens: AccessTokens::new(fresh_keys()),
        developer: AccountId::Developer(DeveloperId::new()),
        admin: AccountId::Admin(AdminId::new()),
        session: SessionId::new(),
    }
}

impl Fixture {
    fn good_claims(&self) -> Value {
        let now = Timestamp::now().as_millis() / 1000;
        json!({
            "iss": "portico-portal", "aud": "portico-portal-api", "sub": self.developer.to_string(),
            "sid": self.session.to_string(), "iat": now, "nbf": now, "exp": now + 900, "jti": "1",
        })
    }

    /// Signs any claims with a realm's own key, as a mistake of ours would.
    fn signed(&self, realm: Realm, claims: &Value) -> String {
        let (kid, key) = self.tokens.keys(realm).signing();
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = kid.map(str::to_owned);
        encode(&header, claims, key).unwrap()
    }

    fn portal_kid(&self) -> String {
        self.tokens.keys(Realm::Portal).verification_keys()[0].kid().to_owned()
    }
}

/// A token with any header, its signature made by `sign` of the signing input.
fn assembled(header: &Value, claims: &Value, sign: impl FnOnce(&str) -> String) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = sign(&message);
    format!("{message}.{signature}")
}

#[test]
fn a_token_tells_what_it_was_issued_for() {
    let fixture = fixture();
    let now = Timestamp::now();
    for account in [fixture.developer, fixture.admin] {
        let issued = fixture.tokens.issue(account, fixture.session, now).unwrap();
        let claims = fixture.tokens.verify(issued.token.expose_secret()).unwrap();
        assert_eq!(claims.account, account);
        assert_eq!(claims.realm(), account.realm());
        assert_eq!(claims.session, fixture.session);
        assert_eq!(claims.issued_at.as_millis(), now.as_millis() / 1000 * 1000);
        assert_eq!(claims.expires_at, issued.expires_at);
        assert_eq!(claims.expires_at, claims.issued_at.saturating_add(LIFETIME));
    }
}

#[test]
fn claims_as_the_server_makes_them_pass() {
    // The control of the tests below: what they change is what makes the difference.
    let fixture = fixture();
    let token = fixture.signed(Realm::Portal, &fixture.good_claims());
    assert_eq!(fixture.tokens.verify(&token).unwrap().account, fixture.developer);
}

#[test]
fn a_token_of_one_realm_is_nothing_in_the_other() {
    let fixture = fixture();
    // The admin realm's claims under the portal's key, in whole and in every part.
    let admin = [
        ("iss", json!("portico-admin")),
        ("aud", json!("portico-admin-api")),
        ("sub", json!(fixture.admin.to_string())),
    ];
    let mut whole = fixture.good_claims();
    for (name, value) in &admin {
        whole[name] = value.clone();
        let mut claims = fixture.good_claims();
        claims[name] = value.clone();
        assert_eq!(
            fixture.tokens.verify(&fixture.signed(Realm::Portal, &claims)),
            Err(BadToken),
            "{name}"
        );
    }
    assert_eq!(
        fixture.tokens.verify(&fixture.signed(Realm::Portal, &whole)),
        Err(BadToken)
    );
    assert!(fixture.tokens.verify(&fixture.signed(Realm::Admin, &whole)).is_ok());
}

#[test]
fn the_header_does_not_choose_the_algorithm() {
    let fixture = fixture();
    let kid = fixture.portal_kid();
    let claims = fixture.good_claims();
    let public_key = *fixture.tokens.keys(Realm::Portal).verification_keys()[0].public_key();
    for alg in ["none", "None", "NONE", "nOnE"] {
        for header in [json!({"alg": alg, "kid": kid}), json!({"alg": alg})] {
            assert_eq!(
                fixture.tokens.verify(&assembled(&header, &claims, |_| String::new())),
                Err(BadToken)
            );
        }
    }
    // The public key as an HMAC secret: the classic confusion of algorithms.
    for (alg, name) in [
        (Algorithm::HS256, "HS256"),
        (Algorithm::HS384, "HS384"),
        (Algorithm::HS512, "HS512"),
    ] {
        let token = assembled(&json!({"alg": name, "typ": "JWT", "kid": kid}), &claims, |message| {
            jsonwebtoken::crypto::sign(message.as_bytes(), &EncodingKey::from_secret(&public_key), alg).unwrap()
        });
        assert_eq!(fixture.tokens.verify(&token), Err(BadToken), "{name}");
    }
    // A good signature under a header that names another algorithm.
    let (_, key) = fixture.tokens.keys(Realm::Portal).signing();
    for alg in ["RS256", "ES256", "Ed25519", "eddsa", ""] {
        let token = assembled(&json!({"alg": alg, "kid": kid}), &claims, |message| {
            jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::EdDSA).unwrap()
        });
        assert_eq!(fixture.tokens.verify(&token), Err(BadToken), "{alg}");
    }
}

#[test]
fn only_our_keys_count() {
    let fixture = fixture();
    let claims = fixture.good_claims();
    let foreign = AccessTokens::new(fresh_keys());
    let issued = foreign
        .issue(fixture.developer, fixture.session, Timestamp::now())
        .unwrap();
    assert_eq!(fixture.tokens.verify(issued.token.expose_secret()), Err(BadToken));
    let (foreign_kid, foreign_key) = foreign.keys(Realm::Portal).signing();
    let (_, own_key) = fixture.tokens.keys(Realm::Portal).signing();
    let own_kid = fixture.portal_kid();
    let admin_kid = fixture.tokens.keys(Realm::Admin).verification_keys()[0].kid();
    let sign = |key: &EncodingKey, message: &str| {
        jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::EdDSA).unwrap()
    };
    let jwk = json!({"kty": "OKP", "crv": "Ed25519",
        "x": URL_SAFE_NO_PAD.encode(foreign.keys(Realm::Portal).verification_keys()[0].public_key())});
    for (header, key) in [
        // Our kid over a foreign signature, a kid of the other realm, none, an empty one, one of a wrong type.
        (json!({"alg": "EdDSA", "kid": own_kid}), foreign_key),
        (json!({"alg": "EdDSA", "kid": admin_kid}), own_key),
        (json!({"alg": "EdDSA"}), own_key),
        (json!({"alg": "EdDSA", "kid": ""}), own_key),
        (json!({"alg": "EdDSA", "kid": [own_kid]}), own_key),
        (json!({"alg": "EdDSA", "kid": foreign_kid}), own_key),
        // A key that the token brings along (RFC 8725, section 3.1 and RFC 7515, section 10.7).
        (json!({"alg": "EdDSA", "kid": own_kid, "jwk": jwk}), foreign_key),
        (json!({"alg": "EdDSA", "jwk": jwk}), foreign_key),
        // An extension that must be understood.
        (
            json!({"alg": "EdDSA", "kid": own_kid, "crit": ["b64"], "b64": false}),
            own_key,
        ),
    ] {
        let token = assembled(&header, &claims, |message| sign(key, message));
        assert_eq!(fixture.tokens.verify(&token), Err(BadToken), "{header}");
    }
    let control = assembled(&json!({"alg": "EdDSA", "kid": own_kid}), &claims, |message| {
        sign(own_key, message)
    });
    assert!(fixture.tokens.verify(&control).is_ok());
}

#[test]
fn every_changed_byte_is_noticed() {
    let fixture = fixture();
    let token = fixture.signed(Realm::Portal, &fixture.good_claims());
    let replacement = |byte: u8| if byte == b'A' { b'B' } else { b'A' };
    for index in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        // Of the last character only the upper bits count; the decoder refuses the others.
        bytes[index] = replacement(bytes[index]);
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(fixture.tokens.verify(&changed), Err(BadToken), "byte {index}");
    }
    let signature_at = token.rfind('.').unwrap() + 1;
    for shape in [
        String::new(),
        ".".into(),
        "..".into(),
        token[..signature_at].into(),
        token[..signature_at - 1].into(),
        format!("{token}."),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}.{token}"),
        "x".repeat(MAX_TOKEN_BYTES + 1),
    ] {
        assert_eq!(fixture.tokens.verify(&shape), Err(BadToken), "{shape}");
    }
}

#[test]
fn time_is_checked_with_a_leeway_of_five_seconds() {
    let fixture = fixture();
    let now = Timestamp::now().as_millis() / 1000;
    let verify = |name: &str, value: i64| {
        let mut claims = fixture.good_claims();
        claims[name] = json!(value);
        fixture.tokens.verify(&fixture.signed(Realm::Portal, &claims))
    };
    // Some room on either side of the limit, for the time that the test itself takes.
    assert!(verify("exp", now - 2).is_ok());
    assert_eq!(verify("exp", now - 7), Err(BadToken));
    assert_eq!(verify("exp", 0), Err(BadToken));
    assert!(verify("nbf", now + 4).is_ok());
    assert_eq!(verify("nbf", now + 60), Err(BadToken));
    assert_eq!(verify("nbf", i64::MAX), Err(BadToken));
}

#[test]
fn every_claim_is_required_and_has_one_type() {
    let fixture = fixture();
    for name in ["iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"] {
        let mut missing = fixture.good_claims();
        missing.as_object_mut().unwrap().remove(name);
        assert_eq!(
            fixture.tokens.verify(&fixture.signed(Realm::Portal, &missing)),
            Err(BadToken),
            "without {name}"
        );
        let good = fixture.good_claims()[name].clone();
        for wrong in [
            json!(null),
            json!(true),
            json!({}),
            json!([good]),
            json!(-1),
            json!("x"),
            json!(""),
        ] {
            // The token's own id is any text, and one is known only by being used.
            if name == "jti" && wrong.is_string() || name == "iat" && wrong == json!(-1) {
                continue;
            }
            let mut claims = fixture.good_claims();
            claims[name] = wrong.clone();
            assert_eq!(
                fixture.tokens.verify(&fixture.signed(Realm::Portal, &claims)),
                Err(BadToken),
                "{name} = {wrong}"
            );
        }
    }
    let mut claims = fixture.good_claims();
    for id in [AppId::new().to_string(), fixture.session.to_string(), "dev_".to_owned()] {
        claims["sub"] = json!(id);
        assert_eq!(
            fixture.tokens.verify(&fixture.signed(Realm::Portal, &claims)),
            Err(BadToken),
            "{id}"
        );
    }
    assert_eq!(
        fixture.tokens.verify(&fixture.signed(Realm::Portal, &json!("text"))),
        Err(BadToken)
    );
}

#[test]
fn tokens_of_an_older_key_hold_while_it_is_in_the_table() {
    let (old, new, admin) = (
        generate_pem().unwrap(),
        generate_pem().unwrap(),
        generate_pem().unwrap(),
    );
    let fixture = fixture();
    let tokens = |portal: String| AccessTokens::new(SigningKeys::from_pem(&portal.into(), &admin).unwrap());
    let issued = tokens(old.expose_secret().into())
        .issue(fixture.developer, fixture.session, Timestamp::now())
        .unwrap();
    let both = tokens(format!("{}{}", new.expose_secret(), old.expose_secret()));
    assert!(both.verify(issued.token.expose_secret()).is_ok());
    let after = tokens(new.expose_secret().into());
    assert_eq!(after.verify(issued.token.expose_secret()), Err(BadToken));
}

#[test]
fn debug_shows_no_token() {
    let fixture = fixture();
    let issued = fixture
        .tokens
        .issue(fixture.developer, fixture.session, Timestamp::now())
        .unwrap();
    assert!(!format!("{issued:?}").contains(issued.token.expose_secret()));
}

#[test]
fn a_remembered_token_is_good_exactly_as_long_as_a_checked_one() {
    let fixture = fixture();
    let second = |offset: i64| seconds(1_000_000 + offset);
    let claims = Claims {
        account: fixture.developer,
        session: fixture.session,
        not_before: second(0),
        issued_at: second(0),
        expires_at: second(900),
    };
    for (now, current) in [
        (-6, false),
        (-5, true),
        (0, true),
        (900, true),
        (905, true),
        (906, false),
    ] {
        assert_eq!(claims.are_current(second(now)), current, "{now}");
    }
    let late = Timestamp::from_millis(second(905).as_millis() + 999);
    assert!(claims.are_current(late), "times are compared to the second");
}

#[test]
fn only_good_tokens_are_remembered_and_only_while_their_time_lasts() {
    let fixture = fixture();
    let good = fixture.signed(Realm::Portal, &fixture.good_claims());
    let claims = fixture.tokens.verify(&good).unwrap();
    assert_eq!(fixture.tokens.verified.len(), 1);
    assert_eq!(fixture.tokens.verify(&good), Ok(claims), "from memory");
    let bad = format!("{}A", &good[..good.len() - 1]);
    assert!(bad == good || fixture.tokens.verify(&bad).is_err());
    assert_eq!(fixture.tokens.verified.len(), 1);
    let over = Claims {
        expires_at: Timestamp::from_millis(claims.not_before.as_millis() - 60_000),
        ..claims
    };
    fixture.tokens.verified.insert(Sha256::digest(&good).into(), over);
    assert_eq!(
        fixture.tokens.verify(&good),
        Ok(claims),
        "what memory finds too old is checked again"
    );
}
