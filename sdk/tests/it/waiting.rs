//! Waiting for the decision on a request, by asking again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use portico_sdk::{AccessRequestId, AccessRequestStatus, AppId, Error, RequestAccessInput, VersionId};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

use crate::server::{client, operation_name};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn access_request(status: &str) -> Value {
    let developer = json!({"id": "dev_1", "email": "dev@example.com", "fullName": "Dev"});
    json!({
        "__typename": "AccessRequest",
        "id": "req_1",
        "app": {"id": "app_1", "name": "Banking", "referenceId": "banking", "developer": developer},
        "version": {"id": "ver_1", "name": "v1", "product": {"id": "prod_1", "slug": "mock", "name": "Mock"}},
        "status": status,
        "justification": null,
        "decision": null,
        "createdAt": "2026-01-31T09:30:00.000Z",
        "updatedAt": "2026-01-31T09:30:00.000Z",
        "allowedActions": [],
    })
}

/// A server that takes a request, and answers with one of these each time that it is asked for it.
async fn server(submitted: &'static str, answers: Vec<ResponseTemplate>) -> (MockServer, Arc<AtomicUsize>) {
    let server = MockServer::start().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    Mock::given(method("POST"))
        .respond_with(move |request: &Request| {
            if operation_name(request) == "RequestAccess" {
                return ResponseTemplate::new(200).set_body_json(json!({"data": {"requestAccess": {
                    "replayed": false, "userErrors": [], "accessRequest": access_request(submitted),
                }}}));
            }
            let turn = counted.fetch_add(1, Ordering::SeqCst);
            answers[turn.min(answers.len() - 1)].clone()
        })
        .mount(&server)
        .await;
    (server, asked)
}

fn found(status: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"data": {"node": access_request(status)}}))
}

#[tokio::test]
async fn a_request_is_waited_for_through_what_passes() {
    let answers = vec![found("PENDING"), ResponseTemplate::new(503), found("APPROVED")];
    let (server, asked) = server("PENDING", answers).await;
    let portico = client(&server);
    let input = RequestAccessInput::new(AppId::new("app_1"), VersionId::new("ver_1"));
    let submitted = portico.access_requests().request(input).await.unwrap();
    assert_eq!(submitted.status, AccessRequestStatus::Pending);
    let decided = submitted.wait_until_decided(PATIENCE).await.unwrap();
    assert_eq!(decided.status, AccessRequestStatus::Approved);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_was_approved_at_once_is_not_asked_for() {
    let (server, asked) = server("APPROVED", vec![ResponseTemplate::new(500)]).await;
    let portico = client(&server);
    let input = RequestAccessInput::new(AppId::new("app_1"), VersionId::new("ver_1"));
    let submitted = portico.access_requests().request(input).await.unwrap();
    let decided = submitted.wait_until_decided(Duration::ZERO).await.unwrap();
    assert_eq!(decided.status, AccessRequestStatus::Approved);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn waiting_ends_with_the_time_or_with_the_request() {
    let id = AccessRequestId::new("req_1");
    let time = Duration::from_millis(100);
    let (pending, _) = server("PENDING", vec![found("PENDING")]).await;
    let portico = client(&pending);
    let error = portico
        .access_requests()
        .wait_until_decided(&id, time)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Undecided { waited, .. } if waited == time),
        "{error:?}"
    );
    assert!(error.is_retryable());

    let none = ResponseTemplate::new(200).set_body_json(json!({"data": {"node": null}}));
    let (gone, _) = server("PENDING", vec![found("PENDING"), none]).await;
    let portico = client(&gone);
    let error = portico
        .access_requests()
        .wait_until_decided(&id, PATIENCE)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotFound {
                what: "AccessRequest",
                ..
            }
        ),
        "{error:?}"
    );

    let (failing, asked) = server("PENDING", vec![ResponseTemplate::new(500)]).await;
    let portico = client(&failing);
    let error = portico
        .access_requests()
        .wait_until_decided(&id, PATIENCE)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Http { status: 500, .. }), "{error:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn cancelled_and_unknown_states_are_decisions_too() {
    for status in ["REJECTED", "CANCELLED", "REVOKED", "ESCALATED"] {
        let (server, _) = server("PENDING", vec![found(status)]).await;
        let portico = client(&server);
        let id = AccessRequestId::new("req_1");
        let decided = portico
            .access_requests()
            .wait_until_decided(&id, PATIENCE)
            .await
            .unwrap();
        assert_eq!(decided.status.as_str(), status);
    }
}
