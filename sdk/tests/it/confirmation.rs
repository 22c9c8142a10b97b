//! What calls that wait for the gateways make of answers.

use portico_sdk::{CredentialId, Error, UserErrorCode};
use serde_json::{Value, json};
use wiremock::MockServer;

use crate::server::{answering_graphql, client};

async fn server(payload: Value) -> MockServer {
    answering_graphql(json!({"data": {"revokeCredential": payload}})).await
}

fn credential() -> Value {
    let developer = json!({"id": "dev_1", "email": "dev@example.com", "fullName": "Dev"});
    json!({
        "id": "cred_1",
        "app": {"id": "app_1", "name": "Banking", "referenceId": "banking", "developer": developer},
        "authStrategy": {"__typename": "KeyAuthStrategy", "id": "strat_1", "name": "key-auth"},
        "name": "ci",
        "kind": "API_KEY",
        "status": "REVOKED",
        "hint": "ptk_…abcd",
        "clientId": null,
        "createdAt": "2026-01-31T09:30:00.000Z",
        "expiresAt": null,
        "revokedAt": "2026-01-31T09:31:00.000Z",
        "replacedBy": null,
        "lastUsedAt": null,
        "allowedActions": [],
    })
}

fn gateway() -> Value {
    json!({
        "id": "gwn_1",
        "name": "far",
        "version": "0.1.0",
        "token": null,
        "position": "7",
        "isConfirmed": false,
        "lagMilliseconds": 5000,
        "maxStalenessSeconds": 86_400,
        "copyFailure": null,
        "createdAt": "2026-01-31T09:30:00.000Z",
        "lastSeenAt": "2026-01-31T09:31:00.000Z",
        "stoppedAt": null,
    })
}

fn refusal(code: &str) -> Value {
    json!([{"field": ["id"], "message": "no", "code": code}])
}

#[tokio::test]
async fn gateways_that_have_not_confirmed_are_named_beside_the_object() {
    let server = server(json!({
        "credential": credential(),
        "gatewaysConfirmed": false,
        "unconfirmedGateways": [gateway()],
        "userErrors": [],
    }))
    .await;
    let id = CredentialId::new("cred_1");
    let revoked = client(&server).credentials().revoke_and_wait(&id).await.unwrap();
    assert!(!revoked.gateways_confirmed);
    let [far] = revoked.unconfirmed_gateways.as_slice() else {
        panic!("{revoked:?}")
    };
    assert_eq!((far.name.as_str(), far.lag_milliseconds), ("far", Some(5000)));
    assert_eq!(revoked.into_object().unwrap().id, id);
}

#[tokio::test]
async fn a_repeated_call_tells_what_it_waited_for() {
    let server = server(json!({
        "credential": null,
        "gatewaysConfirmed": true,
        "unconfirmedGateways": [],
        "userErrors": refusal("INVALID_TRANSITION"),
    }))
    .await;
    let id = CredentialId::new("cred_1");
    let repeated = client(&server).credentials().revoke_and_wait(&id).await.unwrap();
    assert!(repeated.gateways_confirmed);
    assert_eq!(
        repeated.object.as_ref().unwrap_err()[0].code,
        UserErrorCode::InvalidTransition
    );
    let error = repeated.into_object().unwrap_err();
    assert!(error.has_user_code(&UserErrorCode::InvalidTransition), "{error:?}");
}

#[tokio::test]
async fn what_was_refused_without_waiting_is_an_error() {
    let server = server(json!({
        "credential": null,
        "gatewaysConfirmed": null,
        "unconfirmedGateways": [],
        "userErrors": refusal("NOT_FOUND"),
    }))
    .await;
    let id = CredentialId::new("cred_1");
    let error = client(&server).credentials().revoke_and_wait(&id).await.unwrap_err();
    assert!(error.has_user_code(&UserErrorCode::NotFound), "{error:?}");
}

#[tokio::test]
async fn an_answer_without_what_was_waited_for_is_none() {
    for (answered, gateways_confirmed, lacks) in [
        (credential(), json!(null), "gatewaysConfirmed"),
        (json!(null), json!(true), "revokeCredential.credential"),
    ] {
        let server = server(json!({
            "credential": answered,
            "gatewaysConfirmed": gateways_confirmed,
            "unconfirmedGateways": [],
            "userErrors": [],
        }))
        .await;
        let id = CredentialId::new("cred_1");
        let error = client(&server).credentials().revoke_and_wait(&id).await.unwrap_err();
        let Error::Decode(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.to_string(), format!("the answer lacks `{lacks}`"));
    }
}
