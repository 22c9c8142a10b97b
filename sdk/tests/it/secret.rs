//! Secrets show themselves nowhere but where they are asked for.

use portico_sdk::{
    AppId, Error, GenerateCredentialInput, Portico, Realm, SecretLost, SecretString, SessionTokens, SignUpInput,
};
use serde_json::json;

use crate::server::{answering_graphql, client, client_with, session_answer, tokens};

const KEY: &str = "ptk_only-shown-once";

pub(crate) fn generated(secret: serde_json::Value) -> serde_json::Value {
    json!({"data": {"generateCredential": {"replayed": secret.is_null(), "userErrors": [], "secret": secret, "credential": {
        "id": "cred_1",
        "app": {
            "id": "app_1",
            "name": "Banking",
            "referenceId": "banking",
            "developer": {"id": "dev_1", "email": "dev@example.com", "fullName": "Dev"},
        },
        "authStrategy": {"__typename": "KeyAuthStrategy", "id": "strat_1", "name": "key-auth"},
        "name": "key 1",
        "kind": "API_KEY",
        "status": "ACTIVE",
        "hint": "ptk_…once",
        "clientId": null,
        "createdAt": "2026-01-31T09:30:00.000Z",
        "expiresAt": null,
        "revokedAt": null,
        "replacedBy": null,
        "lastUsedAt": null,
        "allowedActions": ["ROTATE", "REVOKE"],
    }}}})
}

#[tokio::test]
async fn a_key_is_exposed_on_request_alone() {
    let server = answering_graphql(generated(json!(KEY))).await;
    let generated = client(&server)
        .credentials()
        .generate(GenerateCredentialInput::new(AppId::new("app_1")))
        .await;
    let generated = generated.unwrap();
    let key = generated.secret.clone();
    assert_eq!(key.expose(), KEY);
    assert_eq!(format!("{key:?}"), "ApiKey([REDACTED])");
    assert!(!format!("{generated:?}").contains(KEY));
}

#[tokio::test]
async fn a_replay_has_no_key_and_tells_how_to_go_on() {
    let server = answering_graphql(generated(json!(null))).await;
    let error = client(&server)
        .credentials()
        .generate(GenerateCredentialInput::new(AppId::new("app_1")))
        .await
        .unwrap_err();
    let Error::SecretLost(SecretLost::Credential(credential)) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(credential.id.as_str(), "cred_1");
    assert!(error.to_string().contains("rotate cred_1"), "{error}");
    assert!(!error.is_retryable());
}

/// serde's own message would quote the key here: it stands where a boolean should.
#[tokio::test]
async fn an_answer_that_cannot_be_read_does_not_quote_a_key() {
    let mut answer = generated(json!(KEY));
    answer["data"]["generateCredential"]["replayed"] = json!(KEY);
    let server = answering_graphql(answer).await;
    let error = client(&server)
        .credentials()
        .generate(GenerateCredentialInput::new(AppId::new("app_1")))
        .await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    assert!(!whole_text(&error).contains(KEY), "{error:?}");
}

#[tokio::test]
async fn passwords_and_tokens_stay_out_of_debug() {
    let password = || SecretString::from("correct horse");
    let input = SignUpInput::new("dev@example.com", password(), "Dev");
    assert!(!format!("{input:?}").contains("horse"));

    let server = answering_graphql(session_answer("signIn", "access-token", "refresh-token")).await;
    let portico = client(&server);
    portico
        .sign_in(Realm::Admin, "admin@example.com", password())
        .await
        .unwrap();
    for text in [format!("{portico:?}"), format!("{:?}", portico.tokens())] {
        assert!(
            !text.contains("access-token") && !text.contains("refresh-token"),
            "{text}"
        );
    }
    let sent = server.received_requests().await.unwrap();
    assert!(
        String::from_utf8_lossy(&sent[0].body).contains("correct horse"),
        "the server does get the password"
    );
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_not_quoted() {
    let server = answering_graphql(json!({"data": {"viewer": null}})).await;
    let broken = tokens("two\nlines", "refresh", 3600);
    let error = client_with(&server, broken).viewer().await.unwrap_err();
    assert!(!whole_text(&error).contains("two"), "{error:?}");
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[test]
fn a_builder_with_a_session_is_redacted() {
    let session: SessionTokens = tokens("access-token", "refresh-token", 60);
    let text = format!("{:?}", Portico::builder("http://localhost").session(session));
    assert!(
        !text.contains("access-token") && !text.contains("refresh-token"),
        "{text}"
    );
}

fn whole_text(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(" {error:?} {error}"));
        source = error.source();
    }
    text
}
