//! The bounds of one operation, as operators set them, and who may ask for the schema.

use portico::http::preparation::Introspection;
use portico_tests::{caller::Caller, graphql::code, server::TestServer};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

async fn send(caller: &Caller, document: &str) -> (StatusCode, Value) {
    let request = caller
        .request()
        .header(header::ACCEPT, "application/graphql-response+json");
    let answer = request.json(&json!({ "query": document })).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn each_bound_is_where_its_flag_says() {
    let server = TestServer::start_with(|options| {
        options.queries.max_query_depth = 3;
        options.queries.max_query_cost = 30;
        options.queries.max_query_aliases = 1;
        options.queries.max_query_directives = 1;
        options.queries.max_query_tokens = 25;
        options.queries.max_body_bytes = 1024;
        options.queries.max_admin_body_bytes = 2048;
        // Signing in costs more than this test allows.
        options.queries.query_budget.0 = None;
    })
    .await;
    let anyone = Caller::anonymous(&server);
    // (within, beyond, what the refusal says, whether what it costs is known)
    for (within, beyond, says, is_measured) in [
        (
            "{ products(first: 2) { nodes { id } } }",
            "{ products(first: 2) { nodes { portal: gatewayService { id } } } }",
            "4 deep; at most 3",
            true,
        ),
        (
            "{ products(first: 14) { nodes { id } } }",
            "{ products(first: 15) { nodes { id } } }",
            "costs 31; at most 30",
            true,
        ),
        (
            "{ a: portal { name } }",
            "{ a: portal { b: name } }",
            "2 aliases; at most 1",
            true,
        ),
        (
            "{ portal { name @include(if: true) } }",
            "{ portal @skip(if: false) { name @include(if: true) } }",
            "2 directives; at most 1",
            true,
        ),
        (
            "{ portal { name name name name name name name name name name name name name name name name name name name } }",
            "{ portal { name name name name name name name name name name name name name name name name name name name name name name } }",
            "more than 25 tokens",
            false,
        ),
    ] {
        let (status, answer) = send(&anyone, within).await;
        assert_eq!(status, StatusCode::OK, "{within}: {answer}");
        let (status, answer) = send(&anyone, beyond).await;
        assert_eq!(
            (status, code(&answer)),
            (StatusCode::BAD_REQUEST, Some("QUERY_TOO_COMPLEX")),
            "{beyond}: {answer}"
        );
        assert!(
            answer["errors"][0]["message"].as_str().unwrap().contains(says),
            "{answer}"
        );
        assert_eq!(
            answer["extensions"]["cost"]["requested"].is_number(),
            is_measured,
            "{beyond}: {answer}"
        );
        if is_measured {
            assert_eq!(answer["extensions"]["cost"]["actual"], 0);
            assert_eq!(answer["extensions"]["cost"]["limit"], 30);
        }
    }
    let padded = |size: usize| format!("{{ portal {{ name }} }} #{}", "x".repeat(size - 50));
    assert_eq!(send(&anyone, &padded(1024)).await.0, StatusCode::OK);
    assert_eq!(send(&anyone, &padded(1200)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    server.stop().await;
}

#[tokio::test]
async fn what_an_operation_costs_is_told_however_it_ends() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (anyone, admin) = (Caller::anonymous(&server), Caller::of(&server, "admin", &admin));
    for number in 0..3 {
        admin
            .done(
                "createProduct",
                "product { id }",
                json!({ "name": format!("Number {number}") }),
            )
            .await;
    }
    let costs = async |caller: &Caller, document: &str| send(caller, document).await.1["extensions"]["cost"].clone();
    let cost = |requested: u64, actual: u64| json!({ "requested": requested, "actual": actual, "limit": 10_000 });
    // Three of ten: executed, and kept.
    for _ in 0..2 {
        let page = "{ products(first: 10) { nodes { id name } } }";
        assert_eq!(costs(&admin, page).await, cost(31, 10));
    }
    // A mutation that a rule refuses has done its work.
    let create = "mutation { createProduct(input: { name: \"\" }) { product { id } userErrors { code } } }";
    assert_eq!(costs(&admin, create).await, cost(54, 53));
    // Fields that refuse their caller are executed; nothing below them is.
    assert_eq!(
        costs(&anyone, "{ developers(first: 10) { nodes { id } } }").await,
        cost(21, 1)
    );
    // What does not fit the schema is not.
    assert_eq!(costs(&anyone, "{ portal { name missing } }").await, cost(3, 0));
    assert_eq!(
        costs(&anyone, "query($id: ID!) { node(id: $id) { id } }").await,
        cost(2, 0)
    );
    // What cannot be measured has no cost.
    assert_eq!(costs(&anyone, "{").await, Value::Null);
    server.stop().await;
}

#[tokio::test]
async fn the_schema_is_shown_to_whom_the_operator_says() {
    for (introspection, to_developers, to_admins) in [
        (Introspection::Everyone, true, true),
        (Introspection::Admins, false, true),
        (Introspection::Nobody, false, false),
    ] {
        let server = TestServer::start_with(|options| options.queries.introspection = introspection).await;
        let admin = server.admin().await;
        let dana = server.developer(&admin, "dana").await;
        let callers = [
            (Caller::anonymous(&server), to_developers),
            (Caller::of(&server, "dana", &dana.client), to_developers),
            (Caller::of(&server, "admin", &admin), to_admins),
        ];
        for (caller, shown) in &callers {
            for document in [
                include_str!("../../api/src/http/standard_introspection.graphql"),
                "{ portal { name } ...F } fragment F on Query { a: __type(name: \"App\") { name } }",
            ] {
                let (status, answer) = send(caller, document).await;
                let expected = if *shown { None } else { Some("FORBIDDEN") };
                assert_eq!(code(&answer), expected, "{introspection:?} {}: {answer}", caller.name);
                assert_eq!(status == StatusCode::OK, *shown);
                assert_eq!(answer.get("data").is_some(), *shown, "nothing of it is executed");
            }
            let (_, answer) = send(caller, "{ __typename portal { __typename } }").await;
            assert_eq!(answer["data"]["__typename"], "Query", "names of types are always told");
        }
        let ended = Caller::with_token(&server, "ended", Some("junk".to_owned()));
        let (status, _) = send(&ended, "{ __schema { queryType { name } } }").await;
        assert_eq!(
            status,
            StatusCode::UNAUTHORIZED,
            "an admin with a new token may be shown it"
        );
        server.stop().await;
    }
}
