//! graphql-sse in its distinct connections mode.

use std::time::Duration;

use portico_tests::{
    live::{EventStream, StreamEvent},
    server::TestServer,
};
use serde_json::json;

use super::{REQUEST, REQUESTS, Scene, VIEWER, gone, shown, token};

#[tokio::test]
async fn updates_come_as_events_until_the_end() {
    let scene = Scene::new().await;
    let dana = token(&scene.dana.client);
    let mut all = EventStream::open(&scene.server, &dana, REQUESTS, json!({})).await;
    let (app, id) = scene.request(&scene.dana, "banking").await;
    let StreamEvent::Next(submitted) = all.next().await else {
        panic!("no event");
    };
    assert_eq!(submitted["data"], shown(&id, "PENDING"));
    // By GET, too.
    let query = [("query", REQUEST), ("variables", &json!({ "id": id }).to_string())];
    let answer = reqwest::Client::new()
        .get(reqwest::Url::parse_with_params(&scene.server.api("/graphql/stream"), query).unwrap())
        .bearer_auth(&dana)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store, no-transform");
    let mut one = EventStream::of(answer);
    let StreamEvent::Next(first) = one.next().await else {
        panic!("no event");
    };
    assert_eq!(first["data"], shown(&id, "PENDING"));
    scene.client.apps().delete(&app.id).await.unwrap();
    for stream in [&mut all, &mut one] {
        let StreamEvent::Next(deleted) = stream.next().await else {
            panic!("no event");
        };
        assert_eq!(deleted["data"], gone(&id));
    }
    assert_eq!(one.next().await, StreamEvent::Complete);
    assert_eq!(one.next().await, StreamEvent::Cut, "nothing follows");
    scene.server.stop().await;
}

#[tokio::test]
async fn queries_are_answered_and_refusals_told() {
    let server = TestServer::start().await;
    let client = server.admin().await;
    let admin = token(&client);
    let mut query = EventStream::of(EventStream::post(&server, Some(&admin), "{ viewer { id } }", json!({})).await);
    assert!(matches!(query.next().await, StreamEvent::Next(answer) if answer["data"]["viewer"]["id"].is_string()));
    assert_eq!(query.next().await, StreamEvent::Complete);
    // What is wrong with a document is an answer of the stream.
    for (document, code) in [
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        (
            "subscription { accessRequestChanged(id: \"x\") { deletedId } }",
            "BAD_USER_INPUT",
        ),
    ] {
        let mut stream = EventStream::of(EventStream::post(&server, Some(&admin), document, json!({})).await);
        let StreamEvent::Next(answer) = stream.next().await else {
            panic!("no event");
        };
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
        assert_eq!(answer.get("data"), None);
        assert_eq!(stream.next().await, StreamEvent::Complete);
    }
    // What is wrong with the request is a status.
    let post = |token: Option<String>| {
        let server = &server;
        async move { EventStream::post(server, token.as_deref(), VIEWER, json!({})).await }
    };
    for refused in [post(None).await, post(Some("nothing".to_owned())).await] {
        assert_eq!(refused.status(), 401);
        let body: serde_json::Value = refused.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }
    let http = reqwest::Client::new();
    let url = server.api("/graphql/stream");
    let text = http.post(&url).bearer_auth(&admin).body("{}").send().await.unwrap();
    assert_eq!(text.status(), 415);
    let empty = http
        .post(&url)
        .bearer_auth(&admin)
        .json(&json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(empty.status(), 400);
    let mutation = http
        .get(format!(
            "{url}?query=mutation+%7B+signOut+%7B+userErrors+%7B+code+%7D+%7D+%7D"
        ))
        .bearer_auth(&admin)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (mutation.status().as_u16(), &mutation.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );
    // Where answers come in one piece, there are no subscriptions.
    let plain = portico_tests::graphql::post(&server.endpoint(), Some(&admin), VIEWER, json!({})).await;
    assert_eq!(portico_tests::graphql::code(&plain), Some("BAD_USER_INPUT"), "{plain}");
    server.stop().await;
}

#[tokio::test]
async fn a_quiet_stream_is_kept_alive_and_bounded() {
    let server = TestServer::start_with(|options| {
        options.live.keep_alive = Duration::from_millis(20);
        options.queries.max_connections_per_subscriber = 1;
    })
    .await;
    let admin = token(&server.admin().await);
    let mut stream = EventStream::open(&server, &admin, VIEWER, json!({})).await;
    assert_eq!(stream.event().await, StreamEvent::KeepAlive);
    let second = EventStream::post(&server, Some(&admin), VIEWER, json!({})).await;
    assert_eq!(second.status(), 429);
    let (end, ()) = tokio::join!(stream.next(), server.stop());
    assert_eq!(end, StreamEvent::Cut);
}
