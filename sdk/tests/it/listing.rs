//! Lists read from page to page.

use futures_util::TryStreamExt;
use portico_sdk::{AppId, Error};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

use crate::server::client;

fn strategy(number: usize) -> Value {
    let id = format!("strat_{number}");
    json!({"__typename": "MutualTlsStrategy", "id": id, "name": id, "inUse": false})
}

/// A list of `length` objects, whose cursors are the objects' numbers.
async fn list_of(length: usize) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(move |request: &Request| {
            let body: Value = request.body_json().unwrap();
            let variables = &body["variables"];
            let cursor = |name: &str| variables[name].as_str().map(|text| text.parse::<usize>().unwrap());
            let count = |name: &str| variables[name].as_u64().map(|count| usize::try_from(count).unwrap());
            let (from, to) = match (count("last"), cursor("before")) {
                (None, None) => {
                    let from = cursor("after").map_or(0, |after| after + 1);
                    (from, (from + count("first").unwrap_or(20)).min(length))
                }
                (last, before) => {
                    let to = before.unwrap_or(length);
                    (to.saturating_sub(last.unwrap_or(20)), to)
                }
            };
            let nodes: Vec<_> = (from..to).map(strategy).collect();
            ResponseTemplate::new(200).set_body_json(page(
                &nodes,
                (from > 0, to < length),
                (&from.to_string(), &to.saturating_sub(1).to_string()),
            ))
        })
        .mount(&server)
        .await;
    server
}

fn page(nodes: &[Value], more: (bool, bool), cursors: (&str, &str)) -> Value {
    json!({"data": {"authStrategies": {
        "nodes": nodes,
        "totalCount": 7,
        "pageInfo": {
            "hasPreviousPage": more.0,
            "hasNextPage": more.1,
            "startCursor": cursors.0,
            "endCursor": cursors.1,
        },
    }}})
}

fn numbers(strategies: &[portico_sdk::AuthStrategy]) -> Vec<usize> {
    let number = |id: &str| id.trim_start_matches("strat_").parse().unwrap();
    strategies.iter().map(|one| number(one.id().as_str())).collect()
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_stream_has_every_object_once_and_asks_for_pages_as_it_goes() {
    let server = list_of(7).await;
    let portico = client(&server);
    let mut stream = portico.auth_strategies().list().page_size(3).stream();
    assert_eq!(asked(&server).await, 0, "nothing is sent before the first object");
    let mut read = Vec::new();
    for requests in [1, 1, 1, 2, 2, 2, 3] {
        read.push(stream.next().await.unwrap().unwrap());
        assert_eq!(asked(&server).await, requests);
    }
    assert!(stream.next().await.is_none() && stream.next().await.is_none());
    assert_eq!(numbers(&read), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(asked(&server).await, 3);
    let sent = server.received_requests().await.unwrap();
    let last: Value = sent[2].body_json().unwrap();
    assert_eq!(last["variables"], json!({"first": 3, "after": "5"}));

    // It outlives the handle, and is a stream for those who know streams.
    let list = portico.auth_strategies().list().first(2).after("4").stream();
    drop(portico);
    let rest: Vec<_> = TryStreamExt::try_collect(list).await.unwrap();
    assert_eq!(numbers(&rest), [5, 6]);
}

#[tokio::test]
async fn a_stream_from_the_end_runs_backwards() {
    let server = list_of(7).await;
    let list = client(&server).auth_strategies().list().last(3).stream();
    assert_eq!(numbers(&list.try_collect().await.unwrap()), [6, 5, 4, 3, 2, 1, 0]);
    let list = client(&server).auth_strategies().list().before("2").stream();
    assert_eq!(numbers(&list.try_collect().await.unwrap()), [1, 0]);
}

#[tokio::test]
async fn pages_come_whole() {
    let server = list_of(5).await;
    let mut pages = client(&server).auth_strategies().list().page_size(2).pages();
    let mut lengths = Vec::new();
    while let Some(page) = pages.next().await {
        lengths.push(page.unwrap().nodes.len());
    }
    assert_eq!(lengths, [2, 2, 1]);
    let empty = list_of(0).await;
    let list = client(&empty).auth_strategies().list().stream();
    assert_eq!(list.try_collect().await.unwrap(), []);
}

#[tokio::test]
async fn a_repeated_cursor_ends_the_stream_with_an_error() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(|request: &Request| {
            let body: Value = request.body_json().unwrap();
            // a, b, a, b, …
            let next = if body["variables"]["after"] == "a" { "b" } else { "a" };
            ResponseTemplate::new(200).set_body_json(page(&[strategy(1)], (false, true), (next, next)))
        })
        .mount(&server)
        .await;
    let mut stream = client(&server).auth_strategies().list().stream();
    for _ in 0..3 {
        stream.next().await.unwrap().unwrap();
    }
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(
        matches!(&error, Error::Decode(source) if source.to_string().contains("second time")),
        "{error:?}"
    );
    assert!(stream.next().await.is_none());
    assert_eq!(asked(&server).await, 3);
}

#[tokio::test]
async fn an_error_ends_the_stream() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(|request: &Request| {
            let body: Value = request.body_json().unwrap();
            if body["variables"]["after"].is_null() {
                return ResponseTemplate::new(200).set_body_json(page(&[strategy(1)], (false, true), ("a", "a")));
            }
            ResponseTemplate::new(500)
        })
        .mount(&server)
        .await;
    let mut stream = client(&server).auth_strategies().list().stream();
    stream.next().await.unwrap().unwrap();
    assert!(matches!(
        stream.next().await.unwrap().unwrap_err(),
        Error::Http { status: 500, .. }
    ));
    assert!(stream.next().await.is_none());

    let gone = crate::server::answering_graphql(json!({"data": {"node": null}})).await;
    let credentials = client(&gone).credentials().list(&AppId::new("app_1")).stream();
    assert!(matches!(
        credentials.try_collect().await.unwrap_err(),
        Error::NotFound { what: "App", .. }
    ));
}
