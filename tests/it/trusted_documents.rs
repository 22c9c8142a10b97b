//! A list of the documents that developers and strangers may send, while admins send what they like.

use std::path::Path;

use portico::{http::document_hash::DocumentHash, server::Server};
use portico_sdk::ExposeSecret as _;
use portico_tests::{
    caller::Caller,
    graphql::code,
    live::{EventStream, LiveSocket, StreamEvent},
    server::{DEVELOPER_PASSWORD, TestServer},
};
use reqwest::{Response, StatusCode, Url, header};
use serde_json::{Value, json};
use tempfile::TempDir;

const LISTED: &str = "query Listed { portal { name } }";
const OTHER: &str = "query Other { portal { id } }";

fn hash(document: &str) -> String {
    DocumentHash::of(document).to_string()
}

/// A list in a file of its own.
fn list(documents: &[&str]) -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("documents.json");
    write(&file, documents);
    (directory, file)
}

fn write(file: &Path, documents: &[&str]) {
    let list: Value = documents
        .iter()
        .map(|text| (hash(text), json!(text)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    std::fs::write(file, list.to_string()).unwrap();
}

async fn body(answer: Response) -> (StatusCode, Value) {
    (answer.status(), answer.json().await.unwrap())
}

async fn send(caller: &Caller, parameters: &Value) -> (StatusCode, Value) {
    let request = caller
        .request()
        .header(header::ACCEPT, "application/graphql-response+json");
    body(request.json(parameters).send().await.unwrap()).await
}

/// Each way in which a request can name a document, by POST.
fn ways(document: &str) -> [Value; 6] {
    let hash = hash(document);
    let persisted = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    [
        json!({ "query": document }),
        json!({ "query": document, "extensions": persisted }),
        json!({ "extensions": persisted }),
        json!({ "documentId": format!("sha256:{hash}") }),
        json!({ "documentId": hash }),
        json!({ "doc_id": hash }),
    ]
}

#[tokio::test]
async fn developers_and_strangers_send_what_is_listed_and_admins_anything() {
    let (_directory, file) = list(&[LISTED]);
    let mut server = TestServer::start().await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    server
        .restart_with(|options| options.queries.trusted_documents = Some(file))
        .await;
    let (anyone, dana, admin) = (
        Caller::anonymous(&server),
        Caller::of(&server, "dana", &dana.client),
        Caller::of(&server, "admin", &admin),
    );
    for caller in [&anyone, &dana, &admin] {
        for parameters in ways(LISTED) {
            let (status, answer) = send(caller, &parameters).await;
            assert_eq!(status, StatusCode::OK, "{} {parameters}: {answer}", caller.name);
            assert!(answer["data"]["portal"]["name"].is_string());
        }
    }
    for caller in [&anyone, &dana] {
        for parameters in ways(OTHER) {
            let (status, answer) = send(caller, &parameters).await;
            assert_eq!(
                (status, code(&answer)),
                (StatusCode::BAD_REQUEST, Some("DOCUMENT_NOT_TRUSTED")),
                "{} {parameters}",
                caller.name
            );
            assert_eq!(answer.get("data"), None);
            assert!(answer["errors"][0]["extensions"]["requestId"].is_string());
        }
        // A name is no document, nor is what reads the same.
        for document in [
            "query Listed { portal { name } }\n",
            "{ portal { name } }",
            "query Listed { portal { id } }",
        ] {
            let (_, answer) = send(caller, &json!({ "query": document, "operationName": "Listed" })).await;
            assert_eq!(code(&answer), Some("DOCUMENT_NOT_TRUSTED"), "{document}");
        }
        let forged =
            json!({ "query": OTHER, "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash(LISTED) } } });
        assert_eq!(code(&send(caller, &forged).await.1), Some("BAD_USER_INPUT"));
    }
    let (status, answer) = send(&admin, &json!({ "query": OTHER })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let introspection = json!({ "query": "{ __schema { queryType { name } } }" });
    assert_eq!(send(&admin, &introspection).await.0, StatusCode::OK);
    assert_eq!(code(&send(&dana, &introspection).await.1), Some("DOCUMENT_NOT_TRUSTED"));
    // Whoever would be an admin with a good token is told that about the token.
    let ended = Caller::with_token(&server, "ended", Some("junk".to_owned()));
    for document in [LISTED, OTHER] {
        let (status, answer) = send(&ended, &json!({ "query": document })).await;
        assert_eq!(
            (status, code(&answer)),
            (StatusCode::UNAUTHORIZED, Some("UNAUTHENTICATED")),
            "{document}"
        );
    }
    // By GET, too.
    let get = async |name: &str, value: &str| {
        let url = Url::parse_with_params(&server.endpoint(), [(name, value)]).unwrap();
        body(reqwest::get(url).await.unwrap()).await.1
    };
    for (name, value, expected) in [
        ("query", LISTED.to_owned(), None),
        ("documentId", format!("sha256:{}", hash(LISTED)), None),
        ("query", OTHER.to_owned(), Some("DOCUMENT_NOT_TRUSTED")),
        ("doc_id", hash(OTHER), Some("DOCUMENT_NOT_TRUSTED")),
    ] {
        assert_eq!(code(&get(name, &value).await), expected, "{name}={value}");
    }
    server.stop().await;
}

/// Files as the tools themselves wrote them.
#[tokio::test]
async fn what_is_not_listed_is_refused_over_live_connections_too() {
    let listed = "subscription Listed { viewerChanged { id } }";
    let (_directory, file) = list(&[listed]);
    let mut server = TestServer::start().await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    server
        .restart_with(|options| options.queries.trusted_documents = Some(file))
        .await;
    let tokens = dana.client.tokens().unwrap();
    let token = tokens.access_token.expose_secret();
    let unlisted = "subscription { viewerChanged { id } }";
    let mut socket = LiveSocket::ready(&server, token).await;
    socket.begin("1", unlisted, json!({})).await;
    let refused = socket.message().await;
    assert_eq!(
        refused["payload"][0]["extensions"]["code"], "DOCUMENT_NOT_TRUSTED",
        "{refused}"
    );
    assert!(socket.subscribe("2", listed, json!({})).await.is_empty());
    let mut stream = EventStream::of(EventStream::post(&server, Some(token), unlisted, json!({})).await);
    let StreamEvent::Next(refused) = stream.next().await else {
        panic!("a refusal comes as an event");
    };
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "DOCUMENT_NOT_TRUSTED",
        "{refused}"
    );
    EventStream::open(&server, token, listed, json!({})).await;
}

#[tokio::test]
async fn lists_are_read_as_codegen_and_relay_write_them() {
    for (tool, list) in [
        ("graphql-codegen", include_str!("trusted_documents/codegen.json")),
        ("relay-compiler", include_str!("trusted_documents/relay.json")),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("documents.json");
        std::fs::write(&file, list).unwrap();
        let server = TestServer::start_with(|options| options.queries.trusted_documents = Some(file)).await;
        let anyone = Caller::anonymous(&server);
        let list: serde_json::Map<String, Value> = serde_json::from_str(list).unwrap();
        assert!(!list.is_empty());
        let variables =
            json!({ "input": { "realm": "PORTAL", "email": "nobody@example.com", "password": DEVELOPER_PASSWORD } });
        for (hash, text) in list {
            let persisted = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
            for parameters in [
                json!({ "extensions": persisted }),
                json!({ "doc_id": hash }),
                json!({ "query": text }),
            ] {
                let mut parameters = parameters;
                parameters["variables"] = variables.clone();
                let (status, answer) = send(&anyone, &parameters).await;
                assert_eq!(status, StatusCode::OK, "{tool} {text}: {answer}");
                assert!(answer["data"].is_object(), "{tool} {text}: {answer}");
            }
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_bad_list_is_no_start_and_another_one_takes_its_place() {
    let (_directory, file) = list(&[LISTED]);
    let server = TestServer::start_with(|options| options.queries.trusted_documents = Some(file.clone())).await;
    let anyone = Caller::anonymous(&server);
    let answered = async |document: &str| {
        let (_, answer) = send(&anyone, &json!({ "query": document })).await;
        code(&answer).map(str::to_owned)
    };
    let not_trusted = Some("DOCUMENT_NOT_TRUSTED".to_owned());
    assert_eq!(
        (answered(LISTED).await, answered(OTHER).await),
        (None, not_trusted.clone())
    );
    // A bad one changes nothing.
    std::fs::write(&file, json!({ hash(OTHER): LISTED }).to_string()).unwrap();
    let refused = server.server().read_trusted_documents().unwrap_err().to_string();
    assert!(refused.contains("changed by hand"), "{refused}");
    assert_eq!(
        (answered(LISTED).await, answered(OTHER).await),
        (None, not_trusted.clone())
    );
    // A good one is the list from now on, also for what was answered and kept before.
    write(&file, &[OTHER]);
    assert_eq!(server.server().read_trusted_documents().unwrap(), Some(1 + own()));
    assert_eq!((answered(LISTED).await, answered(OTHER).await), (not_trusted, None));
    let options = server.options().clone();
    server.stop().await;
    for bad in [
        "",
        "[]",
        "{\"da39a3ee5e6b4b0d3255bfef95601890afd80709\": \"{ portal { name } }\"}",
    ] {
        std::fs::write(&file, bad).unwrap();
        let refused = Server::start(&options).await.err().unwrap().to_string();
        assert!(refused.contains("cannot use the trusted documents in"), "{refused}");
    }
}

/// How many documents the product trusts by itself.
fn own() -> usize {
    portico::http::graphiql::own_documents().count()
}
