//! Servers that answer as they are told, and clients of them.

use portico_sdk::{Builder, Portico, RetryPolicy, SecretString, SessionTokens, Timestamp};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

/// A server that gives every request this answer.
pub(crate) async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

/// A server that gives every request this GraphQL answer, with status 200.
pub(crate) async fn answering_graphql(answer: Value) -> MockServer {
    answering(ResponseTemplate::new(200).set_body_json(answer)).await
}

/// A client to be that sends every call once. Those that send it again are in `retry.rs`.
pub(crate) fn builder(server: &MockServer) -> Builder {
    Portico::builder(server.uri()).retry(RetryPolicy::none())
}

pub(crate) fn client(server: &MockServer) -> Portico {
    builder(server).build().unwrap()
}

pub(crate) fn client_with(server: &MockServer, tokens: SessionTokens) -> Portico {
    builder(server).session(tokens).build().unwrap()
}

/// Tokens whose access token runs out this many seconds from now.
pub(crate) fn tokens(access: &str, refresh: &str, seconds: i64) -> SessionTokens {
    let at =
        |seconds| Timestamp::from_unix_milliseconds(Timestamp::now().unix_milliseconds() + seconds * 1000).unwrap();
    SessionTokens::new(
        SecretString::from(access),
        at(seconds),
        SecretString::from(refresh),
        at(86_400),
    )
}

/// The answer of `signIn` or `refreshSession` with these tokens, good for an hour.
pub(crate) fn session_answer(root: &str, access: &str, refresh: &str) -> Value {
    let tokens = tokens(access, refresh, 3600);
    json!({"data": {root: {"userErrors": [], "session": {
        "accessToken": access,
        "accessTokenExpiresAt": tokens.access_token_expires_at.to_string(),
        "refreshToken": refresh,
        "refreshTokenExpiresAt": tokens.refresh_token_expires_at.to_string(),
        "viewer": admin(),
    }}}})
}

pub(crate) fn admin() -> Value {
    json!({
        "__typename": "Admin",
        "id": "adm_1",
        "email": "admin@example.com",
        "fullName": "Ada",
        "createdAt": "2026-01-31T09:30:00.000Z",
    })
}

pub(crate) fn operation_name(request: &Request) -> String {
    request.body_json::<Value>().unwrap()["operationName"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

pub(crate) fn bearer(request: &Request) -> Option<String> {
    let value = request.headers.get("authorization")?.to_str().unwrap();
    Some(value.strip_prefix("Bearer ").unwrap().to_owned())
}

/// How often the server was asked to run this operation.
pub(crate) async fn count(server: &MockServer, operation: &str) -> usize {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .filter(|request| operation_name(request) == operation)
        .count()
}
