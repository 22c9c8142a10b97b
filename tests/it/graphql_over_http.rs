//! The API's port as a client sees it: the audit of the GraphQL-over-HTTP specification, and what stands beside
//! `/graphql`.

use std::ops::RangeInclusive;

use portico_tests::server::TestServer;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

async fn body(answer: Response) -> Value {
    answer.json().await.unwrap()
}

fn post(server: &TestServer) -> RequestBuilder {
    Client::new().post(server.endpoint()).header(header::CONTENT_TYPE, JSON)
}

async fn query(server: &TestServer, accept: &str, parameters: &Value) -> Response {
    post(server)
        .header(header::ACCEPT, accept)
        .body(parameters.to_string())
        .send()
        .await
        .unwrap()
}

/// The audits of npm's `graphql-http` 1.23 (`serverAudits`), by their ids: MUST, SHOULD and MAY.
#[tokio::test]
async fn the_specifications_audit_passes() {
    let server = TestServer::start().await;
    let ok = 200..=200;
    let bad_request = 400..=400;
    let typename = json!({ "query": "{ __typename }" });
    let named = json!({ "query": "query Query { __typename }", "operationName": "Query" });
    let with_variable = json!({
        "query": "query Type($name: String!) { __type(name: $name) { name } }",
        "variables": { "name": "sometype" },
    });
    let uncoercible = json!({ "query": "query CoerceFailure($id: ID!){ __typename }", "variables": { "id": null } });

    // (audits, Accept, parameters, status, whether errors may be there)
    let mut posts: Vec<(String, &str, Value, RangeInclusive<u16>, bool)> = vec![
        ("22EB 34A2".into(), GRAPHQL, typename.clone(), ok.clone(), false),
        (
            "4655 03D4 2C94 13EE 78D5 82A3".into(),
            JSON,
            typename.clone(),
            ok.clone(),
            false,
        ),
        ("47DE".into(), "*/*", typename.clone(), ok.clone(), false),
        (
            "BF61".into(),
            JSON,
            json!({ "query": "{ __type(name: \"Run🏃Swim🏊\") { name } }" }),
            ok.clone(),
            false,
        ),
        (
            "423L".into(),
            GRAPHQL,
            json!({ "notquery": "{ __typename }" }),
            bad_request.clone(),
            true,
        ),
        (
            "8764 3E3A".into(),
            JSON,
            json!({ "qeury": "{ __typename }" }),
            bad_request.clone(),
            true,
        ),
        ("8161".into(), GRAPHQL, named.clone(), ok.clone(), false),
        ("B8B3".into(), JSON, named, ok.clone(), false),
        ("2EA1".into(), GRAPHQL, with_variable.clone(), ok.clone(), false),
        ("28B9".into(), JSON, with_variable, ok.clone(), false),
        ("572B".into(), JSON, json!({ "query": "{" }), ok.clone(), true),
        ("FDE2".into(), JSON, json!({ "query": "{ missing }" }), ok.clone(), true),
        ("7B9B".into(), JSON, uncoercible.clone(), ok.clone(), true),
        (
            "865D 556A D586".into(),
            GRAPHQL,
            json!({ "query": "{" }),
            bad_request.clone(),
            true,
        ),
        (
            "51FE 74FF 5E5B".into(),
            GRAPHQL,
            json!({ "query": "{ missing }" }),
            bad_request.clone(),
            true,
        ),
        ("86EE".into(), GRAPHQL, uncoercible, bad_request.clone(), true),
    ];
    for (index, invalid) in [json!({ "obj": "ect" }), json!(0), json!(false), json!(["array"])]
        .into_iter()
        .enumerate()
    {
        posts.push((
            format!("LKJ{index}"),
            JSON,
            json!({ "query": invalid }),
            bad_request.clone(),
            true,
        ));
        let parameters = json!({ "query": "{ __typename }", "operationName": invalid });
        posts.push((format!("6C0{index}"), JSON, parameters, bad_request.clone(), true));
    }
    for (index, invalid) in [json!("string"), json!(0), json!(false), json!(["array"])]
        .into_iter()
        .enumerate()
    {
        for (id, name) in [("476", "variables"), ("58B", "extensions")] {
            let parameters = json!({ "query": "{ __typename }", name: invalid });
            posts.push((format!("{id}{index}"), JSON, parameters, bad_request.clone(), true));
        }
    }
    for (index, name) in ["variables", "operationName", "extensions"].into_iter().enumerate() {
        let parameters = json!({ "query": "{ __typename }", name: null });
        posts.push((format!("94B{index}"), GRAPHQL, parameters.clone(), ok.clone(), false));
        posts.push((format!("022{index}"), JSON, parameters, ok.clone(), false));
    }
    let extensions = json!({ "query": "{ __typename }", "extensions": { "some": "value" } });
    posts.push(("428F".into(), GRAPHQL, extensions.clone(), ok.clone(), false));
    posts.push(("1B7A".into(), JSON, extensions, ok.clone(), false));

    for (audit, accept, parameters, status, may_fail) in posts {
        let answer = query(&server, accept, &parameters).await;
        assert!(
            status.contains(&answer.status().as_u16()),
            "{audit}: {}",
            answer.status()
        );
        let expected = if accept == GRAPHQL { GRAPHQL } else { JSON };
        assert_eq!(
            answer.headers()["content-type"],
            format!("{expected}; charset=utf-8"),
            "{audit}"
        );
        let body = body(answer).await;
        assert_eq!(body.get("errors").is_some(), may_fail, "{audit}: {body}");
        assert_eq!(body.get("data").is_some(), !may_fail, "{audit}: {body}");
    }
    the_audits_of_raw_requests_pass(&server).await;
}

async fn the_audits_of_raw_requests_pass(server: &TestServer) {
    let typename = json!({ "query": "{ __typename }" }).to_string();
    let status = async |request: RequestBuilder| request.send().await.unwrap().status().as_u16();
    let client = Client::new();
    let raw = || client.post(server.endpoint());
    let get = |parameters: &[(&str, &str)], accept: &str| {
        let mut url = reqwest::Url::parse(&server.endpoint()).unwrap();
        url.query_pairs_mut().extend_pairs(parameters);
        client.get(url).header(header::ACCEPT, accept)
    };
    assert_eq!(status(post(server).body(typename.clone())).await, 200, "80D8");
    assert_eq!(status(raw().body(typename)).await, 415, "9ABE");
    assert_eq!(status(post(server)).await, 400, "A5BF");
    for accept in [JSON, GRAPHQL] {
        let broken = post(server).header(header::ACCEPT, accept).body("{ \"not a JSON");
        assert_eq!(status(broken).await, 400, "B6DC BCF8 B7N8");
        let variables = ("variables", "{\"name\":\"sometype\"}");
        let document = ("query", "query Type($name: String!) { __type(name: $name) { name } }");
        assert_eq!(status(get(&[document, variables], accept)).await, 200, "D6D5 6A70");
    }
    assert_eq!(status(get(&[("query", "{ __typename }")], "*/*")).await, 200, "5A70");
    assert_eq!(
        status(get(&[("query", "mutation { __typename }")], GRAPHQL)).await,
        405,
        "9C48"
    );
}

#[tokio::test]
async fn what_stands_beside_graphql_answers() {
    let server = TestServer::start().await;
    let get = async |path: &str| Client::new().get(server.api(path)).send().await.unwrap();
    assert_eq!(get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(body(get("/readyz").await).await, json!({ "status": "ready" }));
    let page = get("/graphiql").await;
    assert!(
        page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'none'")
    );
    assert!(page.text().await.unwrap().contains("GraphiQL"));
    let portal = body(get("/.well-known/portal/jwks.json").await).await;
    assert_eq!(portal, body(get("/.well-known/jwks.json").await).await);
    assert_eq!(
        get("/metrics/../graphiql/../etc/passwd").await.status(),
        StatusCode::NOT_FOUND
    );
    let missing = get("/nothing").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(missing.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn only_named_origins_may_call_from_a_browser() {
    const PORTAL: &str = "https://portal.example.com";
    let closed = TestServer::start().await;
    let open = TestServer::start_with(|options| options.allowed_origins = vec![PORTAL.parse().unwrap()]).await;
    let preflight = async |server: &TestServer, origin: &str| {
        let request = Client::new().request(Method::OPTIONS, server.endpoint());
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let answer = request
            .header("access-control-request-headers", "authorization,content-type")
            .send()
            .await;
        answer.unwrap().headers().get("access-control-allow-origin").cloned()
    };
    assert_eq!(preflight(&closed, PORTAL).await, None);
    assert_eq!(preflight(&open, PORTAL).await.unwrap(), PORTAL);
    assert_eq!(preflight(&open, "https://evil.example.com").await, None);
}
