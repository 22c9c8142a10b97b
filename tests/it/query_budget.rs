//! What callers may ask for over time: a budget in what their operations cost.

use std::{num::NonZeroU64, time::Duration};

use domain::budget::Budget;
use portico::query_options::QueryBudget;
use portico_sdk::{Realm, SecretString};
use portico_tests::{
    caller::Caller,
    graphql::code,
    server::{DEVELOPER_PASSWORD, TestServer},
};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

/// As dear as it looks, and quickly answered: nothing is published.
const CATALOG: &str = "{ products(first: 50) { nodes { id name slug } } }";
/// What [`CATALOG`] costs when it is asked for, and what an empty page costs.
const REQUESTED: u64 = 1 + 50 * 4;
const ACTUAL: u64 = 1;

/// A budget that does not come back while a test runs.
fn of(cost: u64) -> QueryBudget {
    QueryBudget(NonZeroU64::new(cost).map(|cost| Budget::new(cost, Duration::from_secs(86_400))))
}

async fn server_with(budget: u64) -> TestServer {
    TestServer::start_with(|options| {
        options.queries.max_query_cost = 1000;
        options.queries.query_budget = of(budget);
        options.answer_cache_bytes = 0;
    })
    .await
}

async fn ask(caller: &Caller, document: &str) -> (StatusCode, Option<u64>, Value) {
    read(
        caller
            .request()
            .json(&json!({ "query": document }))
            .send()
            .await
            .unwrap(),
    )
    .await
}

async fn read(answer: Response) -> (StatusCode, Option<u64>, Value) {
    let retry_after = answer.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().parse().unwrap());
    (answer.status(), retry_after, answer.json().await.unwrap())
}

#[tokio::test]
async fn nothing_long_is_read_for_who_has_nothing_left_but_a_sign_in_is() {
    let server = server_with(1000).await;
    let anyone = Caller::anonymous(&server);
    let long = format!("{{ {} ", "portal ".repeat(3000));
    assert_eq!(
        ask(&anyone, &long).await.0,
        StatusCode::OK,
        "a parse error, by its media type"
    );
    // Each refusal takes 10 of 1,000.
    for _ in 0..100 {
        ask(&anyone, &long).await;
    }
    let (status, retry_after, answer) = ask(&anyone, &long).await;
    assert_eq!(
        (status, code(&answer)),
        (StatusCode::TOO_MANY_REQUESTS, Some("RATE_LIMITED"))
    );
    assert!(retry_after.is_some());
    server.admin().await;
}

#[tokio::test]
async fn who_has_spent_too_much_is_told_when_to_come_back() {
    let server = server_with(1000).await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    let (anyone, dana, admin) = (
        Caller::anonymous(&server),
        Caller::of(&server, "dana", &dana.client),
        Caller::of(&server, "admin", &admin),
    );
    for (caller, limited) in [(&anyone, true), (&dana, true), (&admin, false)] {
        let mut answered = 0;
        let refused = loop {
            let (status, retry_after, body) = ask(caller, CATALOG).await;
            if status != StatusCode::OK {
                break Some((status, retry_after, body));
            }
            assert_eq!(retry_after, None);
            let cost = json!({ "requested": REQUESTED, "actual": ACTUAL, "limit": 1000 });
            assert_eq!(body["extensions"]["cost"], cost, "{body}");
            answered += 1;
            if answered == 850 {
                break None;
            }
        };
        assert_eq!(refused.is_some(), limited, "{}", caller.name);
        let Some((status, retry_after, body)) = refused else {
            continue;
        };
        // What was not used was given back, or it would have been over after five. Dana has signed in and up, which
        // goes on the account of the address.
        assert!(answered > 700, "{}: {answered}", caller.name);
        assert_eq!(
            (status, code(&body)),
            (StatusCode::TOO_MANY_REQUESTS, Some("RATE_LIMITED"))
        );
        assert_eq!(body.get("data"), None);
        let error = &body["errors"][0];
        assert_eq!(error.get("path"), None);
        assert!(error["extensions"]["requestId"].is_string());
        assert_eq!(error["extensions"]["retryAfterSeconds"].as_u64(), retry_after);
        assert!((1..86_400).contains(&retry_after.unwrap()));
        let cost = json!({ "requested": REQUESTED, "actual": 0, "limit": 1000 });
        assert_eq!(body["extensions"]["cost"], cost);
    }
    // Beginning a session is limited by itself: nobody at this address is kept from signing in.
    server
        .anonymous()
        .sign_in(
            Realm::Portal,
            "dana@example.com",
            SecretString::from(DEVELOPER_PASSWORD),
        )
        .await
        .unwrap();
    server.stop().await;
}

#[tokio::test]
async fn what_is_refused_costs_something_too() {
    let server = server_with(1000).await;
    let anyone = Caller::anonymous(&server);
    // Ten each, and most of the thousand: what remains is less than a page may cost.
    for document in [
        "{",
        "{ portal { name } ",
        "query A { portal { id } } query B { portal { id } }",
    ]
    .repeat(28)
    {
        let (status, _, body) = ask(&anyone, document).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert!(code(&body).is_some());
    }
    let (status, _, body) = ask(&anyone, CATALOG).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{body}");
    // What is cheap may still go.
    assert_eq!(ask(&anyone, "{ portal { name } }").await.0, StatusCode::OK);
    // A document that does not fit the schema costs what it asked for.
    let server_of_another = server_with(1000).await;
    let anyone = Caller::anonymous(&server_of_another);
    for number in 0..4 {
        let (status, _, body) = ask(&anyone, "{ products(first: 50) { nodes { id name missing } } }").await;
        assert_eq!(status, StatusCode::OK, "{number}");
        assert_eq!(code(&body), Some("GRAPHQL_VALIDATION_FAILED"));
        let cost = json!({ "requested": REQUESTED, "actual": 0, "limit": 1000 });
        assert_eq!(body["extensions"]["cost"], cost, "{body}");
    }
    assert_eq!(ask(&anyone, CATALOG).await.0, StatusCode::TOO_MANY_REQUESTS);
    server.stop().await;
    server_of_another.stop().await;
}

#[tokio::test]
async fn addresses_are_those_that_trusted_proxies_name() {
    let server = TestServer::start_with(|options| {
        options.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        options.queries.max_query_cost = 1000;
        options.queries.query_budget = of(1000);
        options.answer_cache_bytes = 0;
    })
    .await;
    let anyone = Caller::anonymous(&server);
    let from = async |address: &str, document: &str| {
        let request = anyone.request().header("x-forwarded-for", address);
        read(request.json(&json!({ "query": document })).send().await.unwrap())
            .await
            .0
    };
    let invalid = "{ products(first: 100) { nodes { id name missing } } }";
    for _ in 0..2 {
        assert_eq!(from("2001:db8:1:2::1", invalid).await, StatusCode::OK);
    }
    for (address, status) in [
        ("2001:db8:1:2::1", StatusCode::TOO_MANY_REQUESTS),
        ("2001:db8:1:2:ffff::9", StatusCode::TOO_MANY_REQUESTS),
        ("2001:db8:1:3::1", StatusCode::OK),
        ("192.0.2.1", StatusCode::OK),
    ] {
        assert_eq!(from(address, CATALOG).await, status, "{address}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_was_kept_costs_next_to_nothing() {
    let server = TestServer::start_with(|options| {
        options.queries.max_query_cost = 1000;
        options.queries.query_budget = of(1000);
    })
    .await;
    let anyone = Caller::anonymous(&server);
    // Asked for by the hundred, though five would be the whole budget if each were executed at what it asks for.
    for _ in 0..300 {
        assert_eq!(ask(&anyone, CATALOG).await.0, StatusCode::OK);
    }
    assert!(server.server().plane().answers.as_ref().unwrap().given() > 250);
    server.stop().await;
}

/// What a page of a portal asks for, with people reloading it, and GraphiQL for each of them.
#[tokio::test]
async fn nobody_who_works_meets_the_default() {
    let server = TestServer::start_with(|options| options.answer_cache_bytes = 0).await;
    let introspection = include_str!("../../api/src/http/standard_introspection.graphql");
    let anyone = Caller::anonymous(&server);
    for _ in 0..10 {
        assert_eq!(ask(&anyone, introspection).await.0, StatusCode::OK);
        for _ in 0..20 {
            let page = "{ portal { name isPublic } viewer { __typename }
                products(first: 20) { nodes { id name description versions(first: 5) { nodes { id name lifecycle } } } } }";
            assert_eq!(ask(&anyone, page).await.0, StatusCode::OK);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_budget_nobody_is_limited_and_one_that_is_too_small_is_no_start() {
    let server = TestServer::start_with(|options| {
        options.queries.max_query_cost = 1000;
        options.queries.query_budget = QueryBudget(None);
    })
    .await;
    let anyone = Caller::anonymous(&server);
    for _ in 0..50 {
        let (status, _, _) = ask(&anyone, "{ products(first: 50) { nodes { id name missing } } }").await;
        assert_eq!(status, StatusCode::OK);
    }
    let mut options = server.options().clone();
    server.stop().await;
    options.queries.query_budget = of(999);
    let refused = portico::server::Server::start(&options)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        refused.contains("--query-budget is less than --max-query-cost (1000)"),
        "{refused}"
    );
}
