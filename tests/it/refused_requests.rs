//! Requests that are refused, against a whole server: by their token, body, method or bounds, and what errors tell.

use std::convert::Infallible;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;
use portico_tests::{
    caller::Caller,
    graphql::code,
    server::{DEVELOPER_PASSWORD, TestServer},
};
use reqwest::{Method, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const PORTAL: &str = "{ portal { name } }";

/// Status, body and the headers that matter of a request that is built by hand.
struct Answer {
    status: u16,
    headers: header::HeaderMap,
    body: Value,
}

async fn send(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} without JSON: {text:?}")),
    }
}

/// That the answer is one coded error, without data, that repeats nothing of the server's inside.
fn assert_refused(answer: &Answer, status: u16, expected: &str) {
    assert_eq!(
        (answer.status, code(&answer.body)),
        (status, Some(expected)),
        "{}",
        answer.body
    );
    assert_eq!(answer.body.get("data"), None, "{}", answer.body);
    assert_plain(&answer.body);
}

/// That every error has a code and the request's id, and no detail of the server's inside.
fn assert_plain(body: &Value) {
    for error in body["errors"].as_array().unwrap() {
        assert!(error["extensions"]["code"].is_string(), "{body}");
        assert!(error["extensions"]["requestId"].is_string(), "{body}");
    }
    let text = body.to_string();
    for inside in [
        "sea_orm", "sqlx", "SELECT", "sqlite", "panicked", "src/", ".rs", "Refused(", "DbErr", "eyJ",
    ] {
        assert!(!text.contains(inside), "{inside}: {text}");
    }
}

async fn bad_tokens(server: &TestServer) -> Vec<(&'static str, String)> {
    let admin = server.admin().await;
    let ended = server.developer(&admin, "ended").await;
    let ended_token = ended.client.tokens().unwrap().access_token.expose_secret().to_owned();
    ended.client.sign_out().await.unwrap();
    let of_admin = admin.tokens().unwrap().access_token.expose_secret().to_owned();
    let elsewhere = TestServer::start().await;
    let foreign = elsewhere.admin().await;
    let foreign = foreign.tokens().unwrap().access_token.expose_secret().to_owned();
    elsewhere.stop().await;
    // The portal realm's claims below the admin realm's signature, and the other way round.
    let of_developer = server.developer(&admin, "olga").await.client;
    let of_developer = of_developer.tokens().unwrap().access_token.expose_secret().to_owned();
    let splice = |one: &str, other: &str| {
        let (one, other): (Vec<&str>, Vec<&str>) = (one.split('.').collect(), other.split('.').collect());
        format!("{}.{}.{}", one[0], other[1], one[2])
    };
    vec![
        ("of an ended session", ended_token),
        ("of another server", foreign),
        ("of both realms", splice(&of_admin, &of_developer)),
        ("of both realms, the other way", splice(&of_developer, &of_admin)),
        ("cut", of_admin[..of_admin.len() - 4].to_owned()),
        ("junk", "junk".to_owned()),
        ("empty", String::new()),
    ]
}

#[tokio::test]
async fn a_bad_token_fails_the_whole_request_except_where_sessions_begin_and_end() {
    let server = TestServer::start().await;
    for (what, token) in bad_tokens(&server).await {
        let caller = Caller::with_token(&server, what, Some(token));
        for document in [
            PORTAL,
            "{ __typename }",
            "{ viewer { id } portal { name } }",
            "mutation { createApp(input: { name: \"a\", referenceId: \"a\" }) { app { id } } }",
            "mutation { changePassword(input: { currentPassword: \"a\", newPassword: \"b\" }) { userErrors { code } } }",
            // One mutation that ignores tokens does not carry another that minds them.
            "mutation { signOut(input: { refreshToken: \"a\" }) { userErrors { code } }
                updatePortal(input: { name: \"a\" }) { portal { name } } }",
        ] {
            let answer = send(caller.request().json(&json!({ "query": document }))).await;
            assert_refused(&answer, 401, "UNAUTHENTICATED");
            assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE));
        }
        for (mutation, input) in [
            ("signIn", json!({ "email": "nobody@example.com", "password": "x" })),
            (
                "signUp",
                json!({ "email": "nobody", "password": DEVELOPER_PASSWORD, "fullName": "N" }),
            ),
            ("refreshSession", json!({ "refreshToken": "x" })),
            ("signOut", json!({ "refreshToken": "x" })),
            (
                "resetPassword",
                json!({ "resetToken": "x", "newPassword": DEVELOPER_PASSWORD }),
            ),
        ] {
            let answer = caller.mutate(mutation, "", input).await;
            assert_eq!(
                answer.get("errors"),
                None,
                "{mutation} with a token that is {what}: {answer}"
            );
            assert_eq!(answer["data"][mutation]["userErrors"].as_array().unwrap().len(), 1);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_graphql_request_is_refused_with_its_status() {
    let server = TestServer::start().await;
    let anyone = Caller::anonymous(&server);
    let json_body = |body: &'static str| {
        anyone
            .request()
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
    };
    for body in [
        "",
        "{",
        "nonsense",
        "\"{ portal { name } }\"",
        "3",
        "null",
        "{}",
        r#"{"query": 3}"#,
        r#"{"query": null}"#,
        r#"{"query": "{ portal { name } }", "variables": []}"#,
        r#"{"query": "{ portal { name } }", "variables": "{}"}"#,
        r#"{"query": "{ portal { name } }", "operationName": 3}"#,
        "[]",
        r#"[{"query": "{ portal { name } }"}]"#,
        r#"[{"query": "{ portal { name } }"}, {"query": "{ portal { name } }"}]"#,
    ] {
        assert_refused(&send(json_body(body)).await, 400, "BAD_USER_INPUT");
    }
    let not_utf8 = anyone
        .request()
        .header(header::CONTENT_TYPE, "application/json")
        .body(vec![0x22, 0xff, 0x22]);
    assert_refused(&send(not_utf8).await, 400, "BAD_USER_INPUT");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "application/graphql",
        "application/json; charset=utf-16",
        "nonsense",
    ] {
        let request = anyone.request().header(header::CONTENT_TYPE, content_type);
        let answer = send(request.body(r#"{"query": "{ portal { name } }"}"#)).await;
        assert_refused(&answer, 415, "BAD_USER_INPUT");
    }
    assert_refused(&send(anyone.request().body("{}")).await, 415, "BAD_USER_INPUT");
    for (document, expected) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ portal { name }", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ portal }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($a: Nothing) { portal { name } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...a } fragment a on Query { ...a }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "query a { portal { name } } query b { portal { name } }",
            "BAD_USER_INPUT",
        ),
    ] {
        let request = anyone
            .request()
            .header(header::ACCEPT, "application/graphql-response+json");
        let answer = send(request.json(&json!({ "query": document }))).await;
        assert_refused(&answer, 400, expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_have_a_limit_and_an_admins_is_wider() {
    const MIB: usize = 1024 * 1024;
    let server = TestServer::start().await;
    let client = server.admin().await;
    let developer = server.developer(&client, "olga").await;
    let admin = Caller::of(&server, "admin", &client);
    let developer = Caller::of(&server, "developer", &developer.client);
    let anyone = Caller::anonymous(&server);
    for (caller, limit) in [(&anyone, MIB), (&developer, MIB), (&admin, 6 * MIB)] {
        let frame = json!({ "query": PORTAL, "extensions": { "padding": "" } }).to_string();
        let padded = |size: usize| {
            let padding = "a".repeat(size - frame.len());
            frame.replace("\"padding\":\"\"", &format!("\"padding\":\"{padding}\""))
        };
        let followed_by_space = |size: usize| format!("{frame}{}", " ".repeat(size - frame.len()));
        let request = |body: String| {
            caller
                .request()
                .header(header::CONTENT_TYPE, "application/json")
                .body(body)
        };
        for fitting in [padded(limit), followed_by_space(limit)] {
            let fits = send(request(fitting)).await;
            assert_eq!(fits.status, 200, "{}: {}", caller.name, fits.body);
        }
        for larger in [padded(limit + 1), followed_by_space(limit + 1)] {
            assert_refused(&send(request(larger)).await, 413, "BAD_USER_INPUT");
        }
        // Without a length beforehand too.
        let sent: Vec<Result<Frame<Bytes>, Infallible>> = padded(limit + MIB)
            .as_bytes()
            .chunks(64 * 1024)
            .map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk))))
            .collect();
        let stream = reqwest::Body::wrap(StreamBody::new(futures_util::stream::iter(sent)));
        let request = caller
            .request()
            .header(header::CONTENT_TYPE, "application/json")
            .body(stream);
        assert_refused(&send(request).await, 413, "BAD_USER_INPUT");
    }
    server.stop().await;
}

#[tokio::test]
async fn only_queries_come_by_get() {
    let server = TestServer::start().await;
    let http = reqwest::Client::new();
    let url = |query: &str| reqwest::Url::parse_with_params(&server.endpoint(), [("query", query)]).unwrap();
    let get = |query: &str| http.get(url(query));
    let answer = send(get(PORTAL)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body["data"]["portal"]["name"].is_string());
    let mutation = "mutation { signOut(input: { refreshToken: \"a\" }) { userErrors { code } } }";
    let answer = send(get(mutation)).await;
    assert_refused(&answer, 405, "BAD_USER_INPUT");
    assert_eq!(answer.headers[header::ALLOW], "POST");
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = send(http.request(method, server.endpoint())).await;
        assert_refused(&answer, 405, "BAD_USER_INPUT");
        assert_eq!(answer.headers[header::ALLOW], "GET, POST");
    }
    assert_refused(&send(http.get(server.endpoint())).await, 400, "BAD_USER_INPUT");
    let unacceptable = get(PORTAL).header(header::ACCEPT, "text/html");
    assert_refused(
        &send(unacceptable).await,
        StatusCode::NOT_ACCEPTABLE.as_u16(),
        "BAD_USER_INPUT",
    );
    server.stop().await;
}

#[tokio::test]
async fn operations_have_bounds_that_standard_introspection_keeps() {
    let server = TestServer::start().await;
    let anyone = Caller::anonymous(&server);
    let deep = |levels: usize| {
        let (open, close) = ("product { versions { nodes { ".repeat(levels), "} } } ".repeat(levels));
        format!("{{ products {{ nodes {{ versions {{ nodes {{ {open} id {close} }} }} }} }} }}")
    };
    let aliases: String = (0..51).map(|number| format!("a{number}: portal {{ name }} ")).collect();
    let directives = format!("{{ portal {} {{ name }} }}", "@include(if: true) ".repeat(51));
    let dear = "{ products(first: 100) { nodes { versions(first: 100) { nodes { name lifecycle } } } } }";
    let tokens = format!("{{ portal {{ {} }} }}", "name ".repeat(10_001));
    let nested = format!(
        "{{ node(id: \"x\") {{ {} id {} }} }}",
        "... on Developer { apps { nodes { developer { id".repeat(5),
        "}".repeat(20)
    );
    let bomb = (0..25).fold(
        "{ ...F0 } fragment F25 on Query { portal { id } } ".to_owned(),
        |document, level| {
            format!(
                "{document} fragment F{level} on Query {{ ...F{n} ...F{n} }}",
                n = level + 1
            )
        },
    );
    let brackets = format!(
        "{{ node(id: {}{}) {{ id }} }}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let unclosed = "{".repeat(20_000);
    let documents = [deep(4), format!("{{ {aliases} }}"), directives, dear.to_owned(), tokens];
    for document in documents.into_iter().chain([nested, bomb, brackets, unclosed]) {
        let answer = anyone.post(&document, json!({})).await;
        let shown: String = document.chars().take(60).collect();
        assert_eq!(code(&answer), Some("QUERY_TOO_COMPLEX"), "{shown}: {answer}");
        assert_plain(&answer);
        // To whom the status says something, too.
        let request = anyone
            .request()
            .header(header::ACCEPT, "application/graphql-response+json");
        let answer = send(request.json(&json!({ "query": document }))).await;
        assert_refused(&answer, 400, "QUERY_TOO_COMPLEX");
    }
    // What a list costs is counted with the variable that says how long it is.
    let by_variable =
        "query($first: Int) { products(first: $first) { nodes { versions(first: $first) { nodes { name } } } } }";
    let few = anyone.post(by_variable, json!({ "first": 2 })).await;
    assert_eq!(few.get("errors"), None, "{few}");
    assert!(few["extensions"]["cost"]["requested"].is_number(), "{few}");
    let many = anyone.post(by_variable, json!({ "first": 100 })).await;
    assert_eq!(code(&many), Some("QUERY_TOO_COMPLEX"), "{many}");
    let as_tools_ask = include_str!("../../api/src/http/standard_introspection.graphql");
    for introspection in [INTROSPECTION, as_tools_ask] {
        let introspected = anyone.post(introspection, json!({})).await;
        assert_eq!(introspected.get("errors"), None, "{introspected}");
        let types = introspected["data"]["__schema"]["types"].as_array().unwrap();
        assert!(types.len() > 100);
        assert!(types.iter().any(|one| one["name"] == "AccessRequest"));
        let cost = introspected["extensions"]["cost"]["requested"].as_u64().unwrap();
        assert!(cost < 5000, "{cost}");
    }
    server.stop().await;
}

/// As GraphiQL and code generators ask.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description
    queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
    fragment FullType on __Type { kind name description specifiedByURL
        fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue }
            type { ...TypeRef } isDeprecated deprecationReason }
        inputFields(includeDeprecated: true) { ...InputValue }
        interfaces { ...TypeRef }
        enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
        possibleTypes { ...TypeRef } }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
        ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[tokio::test]
async fn a_request_is_found_again_by_its_id() {
    let body = json!({ "query": "{ developers { totalCount } }" });
    // Whoever is no proxy of ours does not choose: it might be the id of somebody else's request.
    let direct = TestServer::start().await;
    let request = Caller::anonymous(&direct)
        .request()
        .header("x-request-id", "somebody-elses");
    let answer = send(request.json(&body)).await;
    assert_ne!(answer.headers["x-request-id"], "somebody-elses");
    assert_ne!(answer.body["errors"][0]["extensions"]["requestId"], "somebody-elses");
    direct.stop().await;

    let server =
        TestServer::start_with(|options| options.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let client = server.admin().await;
    let admin = Caller::of(&server, "admin", &client);
    let anyone = Caller::anonymous(&server);
    let answer = send(anyone.request().header("x-request-id", "its-own-id").json(&body)).await;
    assert_eq!(answer.headers["x-request-id"], "its-own-id");
    assert_eq!(answer.body["errors"][0]["extensions"]["requestId"], "its-own-id");
    // One that would garble a log is not taken over.
    for unusable in ["a b", "not safe to log", &"a".repeat(129)] {
        let answer = send(anyone.request().header("x-request-id", unusable).json(&body)).await;
        let given = answer.headers["x-request-id"].to_str().unwrap();
        assert_ne!(given, unusable);
        assert_eq!(answer.body["errors"][0]["extensions"]["requestId"], given);
    }
    for malformed in ["{", "{}"] {
        let malformed = anyone
            .request()
            .header(header::CONTENT_TYPE, "application/json")
            .body(malformed);
        let answer = send(malformed.header("x-request-id", "malformed")).await;
        assert_eq!(answer.headers["x-request-id"], "malformed");
        assert_eq!(answer.body["errors"][0]["extensions"]["requestId"], "malformed");
    }
    // And it is what the audit event of a change has.
    let create = json!({ "query": "mutation { createProduct(input: { name: \"Billing\" }) { product { id } } }" });
    let created = send(admin.request().header("x-request-id", "creates").json(&create)).await;
    let id = created.body["data"]["createProduct"]["product"]["id"].clone();
    let events = "query($id: ID!) { auditEvents(filter: { subjectId: $id }) { nodes { requestId action } } }";
    let events = admin.post(events, json!({ "id": id })).await;
    let expected = json!([{ "requestId": "creates", "action": "product.create" }]);
    assert_eq!(events["data"]["auditEvents"]["nodes"], expected);
    server.stop().await;
}
