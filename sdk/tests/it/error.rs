//! Every way in which a call fails, and what the error tells.

use std::{error::Error as _, time::Duration};

use portico_sdk::{CreateAppInput, DeveloperStatus, Error, ErrorCode, Portico, RetryPolicy, UserErrorCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::ResponseTemplate;

use crate::server::{answering, answering_graphql, client};

async fn fails(answer: ResponseTemplate) -> Error {
    client(&answering(answer).await).portal().get().await.unwrap_err()
}

fn graphql_error(code: &str) -> Value {
    json!({"data": null, "errors": [{
        "message": "no",
        "path": ["apps", "nodes", 3],
        "locations": [{"line": 1, "column": 2}],
        "extensions": {"code": code, "requestId": "req-1", "cost": {"requested": 7}},
    }]})
}

#[tokio::test]
async fn requests_carry_what_the_specification_asks_for() {
    let server = answering_graphql(json!({"data": {"viewer": null}})).await;
    assert_eq!(client(&server).viewer().await.unwrap(), None);
    let named = Portico::builder(format!("{}/api", server.uri()))
        .user_agent("billing/2")
        .build()
        .unwrap();
    named.viewer().await.unwrap();

    let requests = server.received_requests().await.unwrap();
    let header = |index: usize, name: &str| requests[index].headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(requests[0].url.path(), "/graphql");
    assert_eq!(header(0, "content-type"), Some("application/json"));
    assert_eq!(
        header(0, "accept"),
        Some("application/graphql-response+json, application/json;q=0.9")
    );
    assert_eq!(
        header(0, "user-agent"),
        Some(concat!("portico-sdk/", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(header(0, "authorization"), None);
    assert_eq!(requests[1].url.path(), "/api");
    assert_eq!(header(1, "user-agent"), Some("billing/2"));
}

#[tokio::test]
async fn user_errors_keep_field_message_and_code() {
    let server = answering_graphql(json!({"data": {"createApp": {
        "app": null,
        "replayed": false,
        "userErrors": [
            {"field": ["referenceId"], "message": "is taken", "code": "TAKEN"},
            {"field": null, "message": "something newer", "code": "FROM_THE_FUTURE"},
        ],
    }}}))
    .await;
    let error = client(&server)
        .apps()
        .create(CreateAppInput::new("App", "ref"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("TAKEN"));
    assert!(error.has_user_code(&UserErrorCode::Taken));
    assert!(!error.is_retryable());
    let [taken, newer] = error.user_errors() else {
        panic!("{error:?}")
    };
    assert_eq!(taken.field.as_deref(), Some(&["referenceId".to_owned()][..]));
    assert_eq!(taken.message, "is taken");
    assert_eq!(newer.code, UserErrorCode::Unknown("FROM_THE_FUTURE".to_owned()));
    assert_eq!(
        error.to_string(),
        "referenceId: is taken (TAKEN); something newer (FROM_THE_FUTURE)"
    );
}

#[tokio::test]
async fn graphql_errors_keep_code_path_and_request_id_whatever_the_status() {
    for status in [200, 400, 403, 500] {
        let error = fails(ResponseTemplate::new(status).set_body_json(graphql_error("FORBIDDEN"))).await;
        let [only] = error.graphql_errors() else {
            panic!("{status}: {error:?}")
        };
        assert_eq!((&only.code, &*only.message), (&ErrorCode::Forbidden, "no"));
        assert_eq!(only.path, ["apps", "nodes", "3"]);
        assert_eq!(error.request_id(), Some("req-1"));
        assert_eq!(error.to_string(), "apps.nodes.3: no (FORBIDDEN, request req-1)");
    }
    let unknown = fails(ResponseTemplate::new(200).set_body_json(graphql_error("TEAPOT"))).await;
    assert!(unknown.has_code(&ErrorCode::Unknown("TEAPOT".to_owned())));
    let bare = fails(ResponseTemplate::new(200).set_body_json(json!({"errors": [{"message": "x"}]}))).await;
    assert_eq!((bare.code(), bare.request_id()), (Some(""), None));
}

#[tokio::test]
async fn the_specifications_media_type_is_read_with_its_parameters() {
    let body = graphql_error("TIMEOUT").to_string();
    let answer = ResponseTemplate::new(504).set_body_raw(body, "Application/GraphQL-Response+JSON; charset=utf-8");
    let error = fails(answer).await;
    assert!(error.has_code(&ErrorCode::Timeout), "{error:?}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn too_many_requests_say_how_long_to_wait() {
    let plain = ResponseTemplate::new(429)
        .insert_header("retry-after", "7")
        .insert_header("x-request-id", "req-2");
    let json = ResponseTemplate::new(429)
        .insert_header("retry-after", "7")
        .set_body_json(json!({"message": "slow"}));
    let graphql = ResponseTemplate::new(200)
        .insert_header("retry-after", "7")
        .set_body_json(graphql_error("RATE_LIMITED"));
    for answer in [plain, json, graphql] {
        let error = fails(answer).await;
        assert!(matches!(error, Error::RateLimited { retry_after: Some(wait), .. } if wait == Duration::from_secs(7)));
        assert_eq!(error.code(), Some("RATE_LIMITED"));
        assert!(error.is_retryable());
    }
    let error = fails(ResponseTemplate::new(429)).await;
    assert!(matches!(
        error,
        Error::RateLimited {
            retry_after: None,
            request_id: None,
            ..
        }
    ));
}

#[tokio::test]
async fn an_answer_without_graphql_is_its_status() {
    let page = ResponseTemplate::new(502)
        .insert_header("x-request-id", "edge-9")
        .set_body_raw("<html>bad gateway</html>", "text/html");
    let error = fails(page).await;
    assert!(matches!(error, Error::Http { status: 502, .. }), "{error:?}");
    assert_eq!(error.request_id(), Some("edge-9"));
    assert!(error.is_retryable());

    let elsewhere = ResponseTemplate::new(302).insert_header("location", "https://example.com/sign-in");
    let error = fails(elsewhere).await;
    assert!(
        matches!(error, Error::Http { status: 302, .. }),
        "a redirect is not followed: {error:?}"
    );
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_a_decode_error() {
    let raw = |body: &'static str, kind: &'static str| ResponseTemplate::new(200).set_body_raw(body, kind);
    for (answer, reason) in [
        (raw("{\"data\":", "application/json"), "ends too early"),
        (raw("not json", "application/json"), "no JSON"),
        (raw("<html></html>", "text/html"), "content type"),
        (raw("{\"data\":{\"portal\":{}}}", "text/plain"), "content type"),
        (raw("{}", "application/json"), "neither data nor errors"),
        (raw("{\"data\":null}", "application/json"), "neither data nor errors"),
        (raw("{\"data\":{}}", "application/json"), "missing field `portal`"),
        (
            raw("{\"data\":{\"portal\":\"hidden\"}}", "application/json"),
            "another type",
        ),
    ] {
        let error = fails(answer).await;
        let Error::Decode(source) = &error else {
            panic!("{error:?}")
        };
        assert!(source.to_string().contains(reason), "{source} lacks {reason:?}");
        assert!(
            !format!("{error:?}").contains("hidden"),
            "an answer's content stands in {error:?}"
        );
    }
}

#[tokio::test]
async fn a_payload_that_is_null_without_an_error_is_a_decode_error() {
    let server = answering_graphql(json!({"data": {"createApp": null}})).await;
    let error = client(&server)
        .apps()
        .create(CreateAppInput::new("App", "ref"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Decode(source) if source.to_string().contains("`createApp`")),
        "{error:?}"
    );
}

/// A body that ends before its announced length.
#[tokio::test]
async fn an_answer_that_breaks_off_is_a_transport_error() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 1024];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"data\":";
        stream.write_all(head.as_bytes()).await.unwrap();
    });
    let portico = Portico::builder(format!("http://{address}/graphql?token=hidden"))
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let error = portico.viewer().await.unwrap_err();
    server.await.unwrap();
    let Error::Transport(source) = &error else {
        panic!("{error:?}")
    };
    assert!(!source.is_connect() && !source.is_timeout());
    assert!(error.is_retryable());
    assert_eq!(
        source.to_string(),
        format!("http://{address}/graphql could not be reached")
    );
    assert!(source.source().is_some(), "the HTTP client's error is kept");
    assert!(
        !format!("{error:?}").contains("hidden"),
        "a query string stands in {error:?}"
    );
}

#[tokio::test]
async fn no_server_and_no_time_are_told_apart() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}/graphql", listener.local_addr().unwrap());
    let impatient = Portico::builder(&endpoint)
        .timeout(Duration::from_millis(50))
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let error = impatient.viewer().await.unwrap_err();
    assert!(
        matches!(&error, Error::Transport(source) if source.is_timeout()),
        "{error:?}"
    );

    drop(listener);
    let hasty = Portico::builder(&endpoint).retry(RetryPolicy::none()).build().unwrap();
    let error = hasty.viewer().await.unwrap_err();
    assert!(
        matches!(&error, Error::Transport(source) if source.is_connect()),
        "{error:?}"
    );
}

#[test]
fn an_endpoint_that_cannot_be_called_is_refused() {
    for endpoint in [
        "",
        "localhost:4000",
        "ftp://localhost/graphql",
        "http://user:pass@localhost/graphql",
    ] {
        let error = Portico::builder(endpoint).build().unwrap_err();
        assert!(!error.to_string().contains("pass@"));
    }
    assert!(
        Portico::builder("http://localhost")
            .user_agent("two\nlines")
            .build()
            .is_err()
    );
}

#[test]
fn an_enum_that_the_crate_does_not_know_goes_back_as_it_came() {
    let status: DeveloperStatus = serde_json::from_str("\"FROZEN\"").unwrap();
    assert_eq!(status, DeveloperStatus::Unknown("FROZEN".to_owned()));
    assert_eq!(serde_json::to_string(&status).unwrap(), "\"FROZEN\"");
    let known: DeveloperStatus = serde_json::from_str("\"APPROVED\"").unwrap();
    assert_eq!((known.as_str(), &known), ("APPROVED", &DeveloperStatus::Approved));
}
