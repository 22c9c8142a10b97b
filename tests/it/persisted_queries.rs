//! Documents that are sent once with their hash and named by it afterwards, as Apollo's clients and urql do.

use portico::http::document_hash::DocumentHash;
use portico_tests::{caller::Caller, graphql::code, server::TestServer};
use reqwest::{Response, StatusCode, Url, header};
use serde_json::{Value, json};

const CATALOG: &str = "query Catalog { portal { name } products(first: 2) { nodes { id name } } }";

fn persisted(document: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": DocumentHash::of(document).to_string() } })
}

async fn read(answer: Response) -> (StatusCode, Value) {
    (answer.status(), answer.json().await.unwrap())
}

async fn post(caller: &Caller, parameters: &Value) -> (StatusCode, Value) {
    read(caller.request().json(parameters).send().await.unwrap()).await
}

async fn get(server: &TestServer, parameters: &[(&str, &str)]) -> Response {
    reqwest::get(Url::parse_with_params(&server.endpoint(), parameters).unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_document_is_sent_once_and_named_afterwards() {
    let server = TestServer::start().await;
    let anyone = Caller::anonymous(&server);
    let by_hash = json!({ "extensions": persisted(CATALOG) });
    // As Apollo's clients look for it: by message or by code, in an answer of 200 where they accept JSON alone.
    let (status, answer) = post(&anyone, &by_hash).await;
    assert_eq!(
        (status, code(&answer)),
        (StatusCode::OK, Some("PERSISTED_QUERY_NOT_FOUND"))
    );
    assert_eq!(answer["errors"][0]["message"], "PersistedQueryNotFound");
    assert!(answer["errors"][0]["extensions"]["requestId"].is_string());
    assert_eq!(answer.get("data"), None);
    let request = anyone
        .request()
        .header(header::ACCEPT, "application/graphql-response+json");
    assert_eq!(
        request.json(&by_hash).send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    // Its text alone teaches the server nothing.
    assert_eq!(post(&anyone, &json!({ "query": CATALOG })).await.1.get("errors"), None);
    assert_eq!(
        code(&post(&anyone, &by_hash).await.1),
        Some("PERSISTED_QUERY_NOT_FOUND")
    );
    let (_, sent) = post(&anyone, &json!({ "query": CATALOG, "extensions": persisted(CATALOG) })).await;
    assert_eq!(sent.get("errors"), None, "{sent}");
    for parameters in [by_hash, json!({ "documentId": DocumentHash::of(CATALOG).to_string() })] {
        let (_, answer) = post(&anyone, &parameters).await;
        assert_eq!(answer["data"], sent["data"], "{answer}");
    }
    // Everybody finds it.
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    let dana = Caller::of(&server, "dana", &dana.client);
    let (_, answer) = post(&dana, &json!({ "extensions": persisted(CATALOG) })).await;
    assert_eq!(answer["data"]["products"]["nodes"], json!([]), "{answer}");
    // Variables and the operation's name go with it.
    let named = "query One($n: Int!) { products(first: $n) { totalCount } } query Two { portal { name } }";
    let with = |operation: &str, query: Option<&str>| json!({ "query": query, "operationName": operation, "variables": { "n": 1 }, "extensions": persisted(named) });
    assert_eq!(
        post(&dana, &with("One", Some(named))).await.1["data"]["products"]["totalCount"],
        0
    );
    assert!(post(&dana, &with("Two", None)).await.1["data"]["portal"]["name"].is_string());
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_kept_that_is_not_what_it_says_or_does_not_fit() {
    let server = TestServer::start().await;
    let anyone = Caller::anonymous(&server);
    let (status, answer) = post(
        &anyone,
        &json!({ "query": CATALOG, "extensions": persisted("{ portal { id } }") }),
    )
    .await;
    assert_eq!(
        (status, code(&answer)),
        (StatusCode::BAD_REQUEST, Some("BAD_USER_INPUT"))
    );
    for document in [CATALOG, "{ portal { id } }"] {
        let (_, answer) = post(&anyone, &json!({ "extensions": persisted(document) })).await;
        assert_eq!(code(&answer), Some("PERSISTED_QUERY_NOT_FOUND"), "{document}");
    }
    let deep = format!(
        "{{ node(id: \"x\") {{ {} id {} }} }}",
        "... on App { developer { ".repeat(9),
        "} }".repeat(9)
    );
    for invalid in ["{", "{ missing }", "{ portal }", &deep] {
        let (_, answer) = post(&anyone, &json!({ "query": invalid, "extensions": persisted(invalid) })).await;
        assert_ne!(code(&answer), None, "{invalid}");
        let (_, answer) = post(&anyone, &json!({ "extensions": persisted(invalid) })).await;
        assert_eq!(code(&answer), Some("PERSISTED_QUERY_NOT_FOUND"), "{invalid}");
    }
    for extensions in [
        json!({ "persistedQuery": { "version": 1, "sha256Hash": "00" } }),
        json!({ "persistedQuery": { "version": 2, "sha256Hash": DocumentHash::of(CATALOG).to_string() } }),
        json!({ "persistedQuery": [] }),
    ] {
        let (status, answer) = post(&anyone, &json!({ "extensions": extensions })).await;
        assert_eq!(
            (status, code(&answer)),
            (StatusCode::BAD_REQUEST, Some("BAD_USER_INPUT")),
            "{extensions}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn where_none_are_kept_clients_are_told_to_send_texts() {
    let server = TestServer::start_with(|options| options.queries.persisted_query_bytes = 0).await;
    let anyone = Caller::anonymous(&server);
    let (_, sent) = post(&anyone, &json!({ "query": CATALOG, "extensions": persisted(CATALOG) })).await;
    assert_eq!(sent.get("errors"), None);
    let (_, answer) = post(&anyone, &json!({ "extensions": persisted(CATALOG) })).await;
    assert_eq!(code(&answer), Some("PERSISTED_QUERY_NOT_SUPPORTED"));
    assert_eq!(answer["errors"][0]["message"], "PersistedQueryNotSupported");
    server.stop().await;
}

#[tokio::test]
async fn queries_come_by_get_with_their_hash_and_caches_keep_what_is_everybodys() {
    let cached = |answer: &Response| {
        let text = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        (text("cache-control"), text("vary"))
    };
    let never = ("no-store".to_owned(), "accept".to_owned());
    let minute = ("public, max-age=60".to_owned(), "accept, authorization".to_owned());
    for (max_age, expected) in [(0, &never), (60, &minute)] {
        let server = TestServer::start_with(|options| options.queries.public_max_age = max_age).await;
        let anyone = Caller::anonymous(&server);
        let extensions = persisted(CATALOG).to_string();
        let unknown = get(&server, &[("extensions", &extensions)]).await;
        assert_eq!(cached(&unknown), never, "what is not found may be found in a moment");
        assert_eq!(code(&read(unknown).await.1), Some("PERSISTED_QUERY_NOT_FOUND"));
        // By GET, too, it can be sent with its text; the second time it is an answer that was kept.
        for parameters in [
            &[("extensions", extensions.as_str()), ("query", CATALOG)][..],
            &[("extensions", extensions.as_str())],
            &[("extensions", extensions.as_str())],
        ] {
            let answer = get(&server, parameters).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(cached(&answer), *expected);
            assert!(read(answer).await.1["data"]["portal"]["name"].is_string());
        }
        // What is somebody's, what failed, and what comes by POST is nobody else's.
        for document in [
            "{ viewer { id } portal { name } }",
            "{ developers { totalCount } }",
            "{ missing }",
        ] {
            assert_eq!(cached(&get(&server, &[("query", document)]).await), never, "{document}");
        }
        let posted = anyone
            .request()
            .json(&json!({ "query": CATALOG }))
            .send()
            .await
            .unwrap();
        assert_eq!(cached(&posted), never);
        let admin = server.admin().await;
        let token = admin.tokens().unwrap().access_token;
        let url = Url::parse_with_params(&server.endpoint(), [("query", CATALOG)]).unwrap();
        for _ in 0..2 {
            let request = reqwest::Client::new().get(url.clone());
            let request = request.bearer_auth(secrecy::ExposeSecret::expose_secret(&token));
            assert_eq!(cached(&request.send().await.unwrap()), never, "an admin sees more");
        }
        // No mutation comes by GET, whatever names it.
        let mutation =
            "mutation ($token: String!) { signOut(input: { refreshToken: $token }) { userErrors { code } } }";
        let (extensions, variables) = (persisted(mutation), json!({ "token": "a" }));
        let (_, sent) = post(
            &anyone,
            &json!({ "query": mutation, "variables": variables, "extensions": extensions }),
        )
        .await;
        assert_eq!(sent.get("errors"), None);
        let (by_hash, with) = (extensions.to_string(), variables.to_string());
        let refused = get(&server, &[("extensions", &by_hash), ("variables", &with)]).await;
        assert_eq!(
            (refused.status(), &refused.headers()["allow"]),
            (
                StatusCode::METHOD_NOT_ALLOWED,
                &header::HeaderValue::from_static("POST")
            )
        );
        assert_eq!(
            post(&anyone, &json!({ "variables": variables, "extensions": extensions }))
                .await
                .1["data"],
            sent["data"]
        );
        // What is written into the text may be a secret: such a text is not kept.
        let literal = "mutation { signOut(input: { refreshToken: \"a\" }) { userErrors { code } } }";
        let extensions = persisted(literal);
        post(&anyone, &json!({ "query": literal, "extensions": extensions })).await;
        let (_, forgotten) = post(&anyone, &json!({ "extensions": extensions })).await;
        assert_eq!(code(&forgotten), Some("PERSISTED_QUERY_NOT_FOUND"));
        server.stop().await;
    }
}
