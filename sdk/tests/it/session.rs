//! Sessions: whose token a call carries, and how it is renewed.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::join_all;
use portico_sdk::{Error, ErrorCode, Portico, Realm, RetryPolicy, SecretString};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

use crate::server::{
    admin, answering, answering_graphql, bearer, client, client_with, count, operation_name, session_answer, tokens,
};

fn unauthenticated() -> Value {
    json!({"errors": [{"message": "sign in", "extensions": {"code": "UNAUTHENTICATED", "requestId": "req-1"}}]})
}

/// A server that knows one access token, `fresh`, and gives it for any refresh token.
async fn knows_fresh() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(|request: &Request| {
            let answer = match (operation_name(request).as_str(), bearer(request).as_deref()) {
                ("RefreshSession", None) => session_answer("refreshSession", "fresh", "next"),
                (_, Some("fresh")) => json!({"data": {"viewer": admin()}}),
                (_, None) => json!({"data": {"viewer": null}}),
                (_, Some(_)) => unauthenticated(),
            };
            ResponseTemplate::new(200).set_body_json(answer)
        })
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn signing_in_and_out_changes_what_calls_carry() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(|request: &Request| {
            let answer = match operation_name(request).as_str() {
                "SignIn" => session_answer("signIn", "access", "refresh"),
                "SignOut" => json!({"data": {"signOut": {"userErrors": []}}}),
                _ => json!({"data": {"viewer": null}}),
            };
            ResponseTemplate::new(200).set_body_json(answer)
        })
        .mount(&server)
        .await;
    let portico = client(&server);
    let account = portico
        .sign_in(Realm::Admin, "admin@example.com", SecretString::from("pw"))
        .await
        .unwrap();
    assert_eq!(account.as_admin().unwrap().id.as_str(), "adm_1");
    portico.clone().viewer().await.unwrap();
    portico.without_session().viewer().await.unwrap();
    portico.sign_out().await.unwrap();
    assert!(portico.tokens().is_none());
    portico.viewer().await.unwrap();
    portico.sign_out().await.unwrap();

    let requests = server.received_requests().await.unwrap();
    let carried: Vec<_> = requests
        .iter()
        .map(|request| (operation_name(request), bearer(request)))
        .collect();
    let call = |name: &str, token: Option<&str>| (name.to_owned(), token.map(str::to_owned));
    let expected = [
        call("SignIn", None),
        call("Viewer", Some("access")),
        call("Viewer", None),
        call("SignOut", None),
        call("Viewer", None),
    ];
    assert_eq!(carried, expected);
    let sign_out: Value = requests[3].body_json().unwrap();
    assert_eq!(sign_out["variables"]["input"]["refreshToken"], "refresh");
}

#[tokio::test]
async fn signing_out_of_a_session_that_the_server_has_ended_succeeds() {
    let refusal = json!({"data": {"signOut": {"userErrors": [
        {"field": ["refreshToken"], "message": "is unknown", "code": "INVALID_CREDENTIALS"},
    ]}}});
    let server = answering_graphql(refusal).await;
    let portico = client_with(&server, tokens("gone", "gone", 3600));
    portico.sign_out().await.unwrap();
    assert!(portico.tokens().is_none());
}

#[tokio::test]
async fn signing_out_without_an_answer_keeps_the_session() {
    let server = answering(ResponseTemplate::new(503)).await;
    let portico = client_with(&server, tokens("access", "refresh", 3600));
    assert!(matches!(
        portico.sign_out().await.unwrap_err(),
        Error::Http { status: 503, .. }
    ));
    assert!(portico.tokens().is_some());
}

#[tokio::test]
async fn a_token_about_to_run_out_is_renewed_once_for_all_calls() {
    let server = knows_fresh().await;
    let portico = client_with(&server, tokens("stale", "first", 5));
    let accounts = join_all((0..20).map(|_| portico.viewer())).await;
    assert!(accounts.into_iter().all(|account| account.unwrap().is_some()));
    assert_eq!(count(&server, "RefreshSession").await, 1);
    assert_eq!(count(&server, "Viewer").await, 20);
    let tokens = portico.tokens().unwrap();
    assert_eq!(secrecy_of(&tokens.refresh_token), "next");
}

/// The clocks differ, or the keys were changed: the server refuses what the client thinks is good.
#[tokio::test]
async fn a_token_that_the_server_refuses_is_renewed_once_for_all_calls() {
    let server = knows_fresh().await;
    let portico = client_with(&server, tokens("refused", "first", 3600));
    let accounts = join_all((0..20).map(|_| portico.viewer())).await;
    assert!(accounts.into_iter().all(|account| account.unwrap().is_some()));
    assert_eq!(count(&server, "RefreshSession").await, 1);
}

#[tokio::test]
async fn a_field_that_is_not_for_the_caller_renews_nothing() {
    let refusal = json!({"data": {"apps": null}, "errors": [
        {"message": "sign in", "path": ["apps"], "extensions": {"code": "UNAUTHENTICATED"}},
    ]});
    let server = answering_graphql(refusal).await;
    let error = client_with(&server, tokens("good", "first", 3600))
        .apps()
        .list()
        .page()
        .await
        .unwrap_err();
    assert!(error.has_code(&ErrorCode::Unauthenticated));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_signed_in_is_told_so_and_nothing_is_renewed() {
    let server = answering_graphql(unauthenticated()).await;
    let error = client(&server).apps().list().page().await.unwrap_err();
    assert!(error.has_code(&ErrorCode::Unauthenticated));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_that_the_server_ended_stays_ended_until_somebody_signs_in() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(|request: &Request| {
            let answer = match operation_name(request).as_str() {
                "RefreshSession" => json!({"data": {"refreshSession": {"session": null, "userErrors": [
                    {"field": ["refreshToken"], "message": "was used before", "code": "INVALID_CREDENTIALS"},
                ]}}}),
                "SignIn" => session_answer("signIn", "fresh", "next"),
                _ => json!({"data": {"viewer": admin()}}),
            };
            ResponseTemplate::new(200).set_body_json(answer)
        })
        .mount(&server)
        .await;
    let portico = client_with(&server, tokens("stale", "used", 5));
    for error in join_all((0..3).map(|_| portico.viewer())).await {
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Session { ended: true, .. }), "{error:?}");
        assert_eq!(error.code(), Some("INVALID_CREDENTIALS"));
    }
    assert!(matches!(
        portico.viewer().await.unwrap_err(),
        Error::Session { ended: true, .. }
    ));
    assert_eq!(
        count(&server, "RefreshSession").await,
        1,
        "a refused token is not tried again"
    );
    assert_eq!(
        count(&server, "Viewer").await,
        0,
        "nothing goes out as if nobody had signed in"
    );

    portico
        .sign_in(Realm::Portal, "dev@example.com", SecretString::from("pw"))
        .await
        .unwrap();
    assert!(portico.viewer().await.unwrap().is_some());
}

#[tokio::test]
async fn a_server_that_is_away_for_a_moment_costs_no_session() {
    let server = MockServer::start().await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    Mock::given(method("POST"))
        .respond_with(move |request: &Request| match operation_name(request).as_str() {
            "RefreshSession" if counted.fetch_add(1, Ordering::SeqCst) == 0 => ResponseTemplate::new(503),
            "RefreshSession" => {
                ResponseTemplate::new(200).set_body_json(session_answer("refreshSession", "fresh", "next"))
            }
            _ => ResponseTemplate::new(200).set_body_json(json!({"data": {"viewer": admin()}})),
        })
        .mount(&server)
        .await;
    let portico = client_with(&server, tokens("stale", "first", 5));
    let error = portico.viewer().await.unwrap_err();
    assert!(matches!(error, Error::Session { ended: false, .. }), "{error:?}");
    assert!(error.is_retryable());
    assert!(portico.viewer().await.unwrap().is_some());
    assert_eq!(attempts.load(Ordering::SeqCst), 2);
}

/// The refresh token counts once, so an exchange that the server has begun must not be lost with the call that began it.
#[tokio::test]
async fn a_call_dropped_while_it_renews_loses_no_tokens() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}/graphql", listener.local_addr().unwrap());
    let (seen, mut asked) = mpsc::unbounded_channel();
    let (release, released) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        seen.send(read_operation(&mut stream).await).unwrap();
        released.await.unwrap();
        write_json(&mut stream, session_answer("refreshSession", "fresh", "next")).await;
        seen.send(read_operation(&mut stream).await).unwrap();
        write_last_json(stream, json!({"data": {"viewer": admin()}})).await;
    });
    let portico = Portico::builder(endpoint)
        .retry(RetryPolicy::none())
        .session(tokens("stale", "first", 5))
        .build()
        .unwrap();
    tokio::select! {
        _ = portico.viewer() => panic!("nobody has answered"),
        name = asked.recv() => assert_eq!(name.as_deref(), Some("RefreshSession")),
    }
    release.send(()).unwrap();
    assert!(portico.viewer().await.unwrap().is_some());
    server.await.unwrap();
    assert_eq!(
        asked.recv().await.as_deref(),
        Some("Viewer"),
        "the session was not renewed twice"
    );
    assert_eq!(secrecy_of(&portico.tokens().unwrap().access_token), "fresh");
}

pub(crate) async fn read_operation(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    loop {
        assert!(stream.read_buf(&mut received).await.unwrap() > 0, "the client hung up");
        let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&received[..end]).to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap();
        let body = &received[end + 4..];
        if body.len() >= length.parse().unwrap() {
            let body: Value = serde_json::from_slice(body).unwrap();
            return body["operationName"].as_str().unwrap().to_owned();
        }
    }
}

async fn write_json(stream: &mut TcpStream, body: Value) {
    write_with(stream, "", body).await;
}

/// The last answer on this connection: whatever comes next comes on another one.
pub(crate) async fn write_last_json(mut stream: TcpStream, body: Value) {
    write_with(&mut stream, "connection: close\r\n", body).await;
}

async fn write_with(stream: &mut TcpStream, header: &str, body: Value) {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{header}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

fn secrecy_of(secret: &SecretString) -> &str {
    use secrecy::ExposeSecret;
    secret.expose_secret()
}
