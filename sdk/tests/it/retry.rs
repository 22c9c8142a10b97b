//! What is sent again, and what never is.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use cynic::{MutationBuilder, QueryBuilder};
use portico_sdk::{
    AppId, CreateAppInput, CredentialId, Error, GenerateCredentialInput, Portico, RequestAccessInput, RetryPolicy,
    RotateCredentialInput, SecretLost, VersionId, schema,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

use crate::{secret::generated, server::answering};

fn quick() -> RetryPolicy {
    RetryPolicy::new()
        .first_delay(Duration::from_millis(1))
        .max_delay(Duration::from_millis(2))
}

fn client(server: &MockServer, policy: RetryPolicy) -> Portico {
    Portico::builder(server.uri()).retry(policy).build().unwrap()
}

/// A server that answers so the first times, in this order, and then with the last of them.
async fn answering_in_turn(answers: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let asked = AtomicUsize::new(0);
    Mock::given(method("POST"))
        .respond_with(move |_: &Request| {
            let turn = asked.fetch_add(1, Ordering::SeqCst);
            answers[turn.min(answers.len() - 1)].clone()
        })
        .mount(&server)
        .await;
    server
}

fn ok(data: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "data": data }))
}

fn refusal(code: &str) -> ResponseTemplate {
    let error = json!({"data": null, "errors": [{"message": "no", "extensions": {"code": code}}]});
    ResponseTemplate::new(200).set_body_json(error)
}

fn nobody() -> ResponseTemplate {
    ok(json!({"viewer": null}))
}

async fn requests(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| request.body_json().unwrap()).collect()
}

#[tokio::test]
async fn a_query_is_sent_again_until_it_is_answered() {
    for failure in [
        ResponseTemplate::new(503),
        ResponseTemplate::new(502).set_body_raw("<html>", "text/html"),
        ResponseTemplate::new(429),
        refusal("UNAVAILABLE"),
        refusal("TIMEOUT"),
        refusal("RATE_LIMITED"),
    ] {
        let server = answering_in_turn(vec![failure.clone(), failure, nobody()]).await;
        assert_eq!(client(&server, quick()).viewer().await.unwrap(), None);
        let sent = requests(&server).await;
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|request| *request == sent[0]));
    }
}

#[tokio::test]
async fn what_no_repeating_helps_against_is_sent_once() {
    for failure in [
        refusal("INTERNAL"),
        refusal("FORBIDDEN"),
        ResponseTemplate::new(500),
        ResponseTemplate::new(404),
        ResponseTemplate::new(200).set_body_raw("<html>", "text/html"),
    ] {
        let server = answering(failure).await;
        client(&server, quick()).viewer().await.unwrap_err();
        assert_eq!(requests(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn retries_come_to_an_end() {
    let server = answering(ResponseTemplate::new(503)).await;
    let error = client(&server, quick().max_retries(5)).viewer().await.unwrap_err();
    assert!(matches!(error, Error::Http { status: 503, .. }), "{error:?}");
    assert_eq!(requests(&server).await.len(), 6);

    let server = answering(ResponseTemplate::new(503)).await;
    client(&server, RetryPolicy::none()).viewer().await.unwrap_err();
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "1");
    let server = answering_in_turn(vec![busy, nobody()]).await;
    let begun = Instant::now();
    client(&server, quick()).viewer().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_retry_after_that_is_too_long_is_left_to_the_caller() {
    for (asked, least) in [("120", 120), ("Thu, 01 Jan 2099 00:00:00 GMT", 1_000_000)] {
        for status in [429, 503] {
            let busy = ResponseTemplate::new(status).insert_header("retry-after", asked);
            let server = answering(busy).await;
            let error = client(&server, quick()).viewer().await.unwrap_err();
            assert!(error.retry_after().unwrap() >= Duration::from_secs(least), "{error:?}");
            assert_eq!(requests(&server).await.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_mutation_without_a_key_is_never_sent_again() {
    for failure in [503, 429] {
        let server = answering(ResponseTemplate::new(failure)).await;
        let portico = client(&server, quick());
        let app = AppId::new("app_1");
        portico.apps().suspend(&app, "abuse").await.unwrap_err();
        portico.apps().suspend_and_wait(&app, "abuse").await.unwrap_err();
        portico
            .credentials()
            .revoke(&CredentialId::new("cred_1"))
            .await
            .unwrap_err();
        assert_eq!(requests(&server).await.len(), 3);
    }
}

#[tokio::test]
async fn what_makes_something_is_sent_again_under_one_key() {
    let server = answering(ResponseTemplate::new(503)).await;
    let portico = client(&server, quick().max_retries(1));
    let (app, version) = (AppId::new("app_1"), VersionId::new("ver_1"));
    let apps = portico.apps();
    apps.create(CreateAppInput::new("App", "app")).await.unwrap_err();
    apps.create(CreateAppInput::new("App", "app")).await.unwrap_err();
    let access = RequestAccessInput::new(&app, &version);
    portico.access_requests().request(access).await.unwrap_err();
    let credentials = portico.credentials();
    credentials
        .generate(GenerateCredentialInput::new(&app))
        .await
        .unwrap_err();
    let rotate = RotateCredentialInput::new(CredentialId::new("cred_1"));
    credentials.rotate(rotate).await.unwrap_err();
    let own = CreateAppInput::new("App", "app").idempotency_key("my-own");
    apps.create(own).await.unwrap_err();

    let sent = requests(&server).await;
    let keys: Vec<&str> = sent
        .iter()
        .map(|request| request["variables"]["input"]["idempotencyKey"].as_str().unwrap())
        .collect();
    assert_eq!(keys.len(), 12);
    assert!(keys.chunks(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 6, "each call has its own");
    assert_eq!(keys[10], "my-own");
}

/// A proxy lost the answer that showed the key; the server has made it.
#[tokio::test]
async fn a_key_whose_answer_was_lost_is_an_error_of_its_own() {
    let replay = ResponseTemplate::new(200).set_body_json(generated(json!(null)));
    let server = answering_in_turn(vec![ResponseTemplate::new(502), replay]).await;
    let generate = GenerateCredentialInput::new(AppId::new("app_1"));
    let error = client(&server, quick())
        .credentials()
        .generate(generate)
        .await
        .unwrap_err();
    let Error::SecretLost(SecretLost::Credential(credential)) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(credential.id.as_str(), "cred_1");
    assert_eq!(requests(&server).await.len(), 2);
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", schema_path = "schema.graphql")]
struct PortalQuery {
    portal: PortalName,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Portal", schema_path = "schema.graphql")]
struct PortalName {
    name: String,
}

#[derive(cynic::QueryVariables)]
struct SignOutVariables {
    token: String,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(
    graphql_type = "Mutation",
    schema_path = "schema.graphql",
    variables = "SignOutVariables"
)]
#[allow(dead_code)]
struct SignOut {
    #[arguments(input: { refreshToken: $token })]
    sign_out: Option<SignedOut>,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "SignOutPayload", schema_path = "schema.graphql")]
#[allow(dead_code)]
struct SignedOut {
    #[cynic(rename = "__typename")]
    type_name: String,
}

#[tokio::test]
async fn of_the_callers_own_operations_queries_alone_are_sent_again() {
    let answers = vec![refusal("UNAVAILABLE"), ok(json!({"portal": {"name": "Developers"}}))];
    let server = answering_in_turn(answers).await;
    let response = client(&server, quick()).run(PortalQuery::build(())).await.unwrap();
    assert_eq!(response.into_data().unwrap().portal.name, "Developers");

    let server = answering(refusal("UNAVAILABLE")).await;
    let response = client(&server, quick()).run(PortalQuery::build(())).await.unwrap();
    assert!(response.data.is_none() && response.errors[0].code.as_str() == "UNAVAILABLE");
    assert_eq!(requests(&server).await.len(), 4);

    let server = answering(ResponseTemplate::new(503)).await;
    let variables = SignOutVariables {
        token: "refresh".to_owned(),
    };
    let answered = client(&server, quick()).run(SignOut::build(variables)).await;
    answered.unwrap_err();
    assert_eq!(requests(&server).await.len(), 1);
}

/// The head comes at once, the body never ends: the timeout covers it, and the query is sent again.
#[tokio::test]
async fn an_answer_that_comes_too_slowly_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        for turn in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let body = r#"{"data":{"viewer":null}}"#;
            let shown = if turn == 0 { 5 } else { body.len() };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body.as_bytes()[..shown]).await.unwrap();
            open.push(stream);
        }
    });
    let portico = Portico::builder(format!("http://{address}/graphql"))
        .timeout(Duration::from_millis(300))
        .retry(quick())
        .build()
        .unwrap();
    assert_eq!(portico.viewer().await.unwrap(), None);
    server.await.unwrap();
}
