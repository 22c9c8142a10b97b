//! graphql-transport-ws: each close code, and what the socket takes besides subscriptions.

use std::time::Duration;

use portico_tests::{
    live::{Handshake, LiveSocket, Received},
    server::TestServer,
};
use serde_json::json;

use super::{REQUESTS, VIEWER, token};

#[tokio::test]
async fn each_fault_closes_with_its_code() {
    let server = TestServer::start_with(|options| {
        options.live.message_bytes = 4096;
    })
    .await;
    let admin = token(&server.admin().await);
    let begin = json!({ "type": "subscribe", "id": "1", "payload": { "query": VIEWER } });
    let init = json!({ "type": "connection_init" });

    // Before the acknowledgement.
    let mut early = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
    early.send(begin.clone()).await;
    assert_eq!(early.closed().await.0, 4401);
    for bad in ["hello", "{}", r#"{"type":"start"}"#, r#"{"type":"subscribe","id":"1"}"#] {
        let mut socket = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
        socket.send_text(bad).await;
        assert_eq!(socket.closed().await.0, 4400, "{bad}");
    }
    let mut binary = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
    binary.send_bytes(b"{\"type\":\"ping\"}").await;
    assert_eq!(binary.closed().await.0, 4400);
    let mut large = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
    large.send_text(&"x".repeat(5000)).await;
    assert_eq!(large.closed().await.0, 1009);

    // Nobody, somebody with a bad token.
    for payload in [
        json!({}),
        json!({ "Authorization": "Bearer nothing" }),
        json!({ "Authorization": "Basic x" }),
    ] {
        let mut socket = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
        socket
            .send(json!({ "type": "connection_init", "payload": payload }))
            .await;
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4403, "{payload}");
        assert!(reason.starts_with("Forbidden"), "{reason}");
    }
    let mut nobody = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
    nobody.send(init.clone()).await;
    assert_eq!(nobody.closed().await.0, 4403);

    // Twice.
    let mut twice = LiveSocket::ready(&server, &admin).await;
    twice.send(init).await;
    assert_eq!(twice.closed().await.0, 4429);
    let mut twice = LiveSocket::ready(&server, &admin).await;
    assert!(twice.subscribe("1", VIEWER, json!({})).await.is_empty());
    twice.send(begin).await;
    assert_eq!(
        twice.closed().await,
        (4409, "Subscriber for 1 already exists".to_owned())
    );

    // No protocol that is spoken. (This client hangs up itself where it offers another one and none is chosen.)
    let handshake = Handshake {
        subprotocol: None,
        ..Handshake::default()
    };
    let mut socket = LiveSocket::connect(&server, handshake).await.unwrap();
    assert_eq!(socket.closed().await.0, 4406);
    server.stop().await;
}

#[tokio::test]
async fn whoever_says_nothing_is_closed() {
    let server = TestServer::start_with(|options| options.live.init_timeout = Duration::from_millis(50)).await;
    let mut socket = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
    assert_eq!(socket.closed().await.0, 4408);
    server.stop().await;
}

#[tokio::test]
async fn only_own_pages_and_named_ones_connect() {
    let server = TestServer::start_with(|options| {
        options.allowed_origins = vec!["https://portal.example.com".parse().unwrap()];
    })
    .await;
    let own = format!("http://{}", server.server().listen());
    for (origin, may) in [
        (None, true),
        (Some("https://portal.example.com"), true),
        (Some(own.as_str()), true),
        (Some("https://evil.example"), false),
        (Some("null"), false),
    ] {
        let handshake = Handshake {
            origin,
            ..Handshake::default()
        };
        let connected = LiveSocket::connect(&server, handshake).await;
        assert_eq!(connected.map(|_| ()).err(), (!may).then_some(403), "{origin:?}");
    }
    let plain = reqwest::get(server.api("/graphql/ws")).await.unwrap();
    assert_eq!(plain.status(), 426);
    server.stop().await;
}

#[tokio::test]
async fn an_account_has_so_many_connections() {
    let server = TestServer::start_with(|options| options.queries.max_connections_per_subscriber = 1).await;
    let client = server.admin().await;
    let admin = token(&client);
    let mut first = LiveSocket::ready(&server, &admin).await;
    let mut second = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
    second.init(&admin).await;
    assert_eq!(second.closed().await.0, 1013);
    // Another account is not concerned, and a place comes back.
    let dana = server.developer(&client, "dana").await;
    LiveSocket::ready(&server, &token(&dana.client)).await;
    first.send_text("bye").await;
    assert_eq!(first.closed().await.0, 4400);
    LiveSocket::ready(&server, &admin).await;
    server.stop().await;

    let server = TestServer::start_with(|options| options.live.connections_per_address = 1).await;
    let _first = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
    let second = LiveSocket::connect(&server, Handshake::default()).await;
    assert_eq!(second.map(|_| ()).err(), Some(429));
    server.stop().await;
}

#[tokio::test]
async fn queries_and_mutations_are_taken_within_the_same_limits() {
    let server = TestServer::start().await;
    let mut socket = LiveSocket::ready(&server, &token(&server.admin().await)).await;
    socket
        .begin("q", "{ portal { name } viewer { __typename } }", json!({}))
        .await;
    let answer = socket.next("q").await;
    assert_eq!(answer["data"]["viewer"]["__typename"], "Admin", "{answer}");
    assert!(answer["extensions"]["cost"].is_object(), "{answer}");
    assert_eq!(socket.message().await, json!({ "type": "complete", "id": "q" }));
    // The id is free again.
    let create = "mutation($input: CreateProductInput!) { createProduct(input: $input) { product { name } } }";
    let input = json!({ "input": { "name": "Mock", "idempotencyKey": "once" } });
    socket.begin("q", create, input).await;
    let answer = socket.next("q").await;
    assert_eq!(answer["data"]["createProduct"]["product"]["name"], "Mock", "{answer}");
    assert_eq!(socket.message().await, json!({ "type": "complete", "id": "q" }));

    let deep = format!("{}{}", "{ a ".repeat(40), "}".repeat(40));
    let deep_subscription = format!("subscription {deep}");
    let two = "subscription { viewerChanged { id } credentialChanged { deletedId } }";
    let spread = "subscription { ...F } fragment F on Subscription { viewerChanged { id } }";
    for (document, code) in [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        (deep.as_str(), "QUERY_TOO_COMPLEX"),
        (deep_subscription.as_str(), "QUERY_TOO_COMPLEX"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        (two, "GRAPHQL_VALIDATION_FAILED"),
        (spread, "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription { viewerChanged @skip(if: true) { id } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "subscription { accessRequestChanged(id: \"app_x\") { deletedId } }",
            "BAD_USER_INPUT",
        ),
        (
            "subscription { accessRequestChanged(id: \"req_x\", filter: {}) { deletedId } }",
            "BAD_USER_INPUT",
        ),
    ] {
        socket.begin("e", document, json!({})).await;
        let message = socket.message().await;
        assert_eq!(message["type"], "error", "{document}: {message}");
        assert_eq!(message["id"], "e");
        let extensions = &message["payload"][0]["extensions"];
        assert_eq!(extensions["code"], code, "{document}: {message}");
        assert!(extensions["requestId"].is_string(), "{message}");
    }
    socket.nothing_came().await;
    server.stop().await;
}

#[tokio::test]
async fn a_connection_has_so_many_operations() {
    let server = TestServer::start_with(|options| options.live.operations_per_connection = 2).await;
    let mut socket = LiveSocket::ready(&server, &token(&server.admin().await)).await;
    socket.subscribe("1", REQUESTS, json!({})).await;
    socket.subscribe("2", VIEWER, json!({})).await;
    let refused = socket.subscribe("3", VIEWER, json!({})).await;
    assert_eq!(refused[0]["type"], "error");
    assert_eq!(
        refused[0]["payload"][0]["extensions"]["code"], "RATE_LIMITED",
        "{refused:?}"
    );
    socket.send(json!({ "type": "complete", "id": "1" })).await;
    assert!(socket.subscribe("3", VIEWER, json!({})).await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_developers_subscriptions_may_cost_so_much_together() {
    let server = TestServer::start_with(|options| {
        options.live.cost_per_developer = 50;
    })
    .await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    let mut socket = LiveSocket::ready(&server, &token(&dana.client)).await;
    let mut begun = 0;
    let refused = loop {
        let came = socket.subscribe(&begun.to_string(), VIEWER, json!({})).await;
        match came.into_iter().next() {
            Some(refused) => break refused,
            None => begun += 1,
        }
        assert!(begun <= 50, "each costs something");
    };
    assert!(begun > 0);
    assert_eq!(refused["payload"][0]["extensions"]["code"], "RATE_LIMITED", "{refused}");
    // Another connection is no way around it, and what has ended counts no more.
    let mut another = LiveSocket::ready(&server, &token(&dana.client)).await;
    assert_eq!(another.subscribe("a", VIEWER, json!({})).await.len(), 1);
    socket.send(json!({ "type": "complete", "id": "0" })).await;
    assert!(socket.subscribe("again", VIEWER, json!({})).await.is_empty());
    let mut admins = LiveSocket::ready(&server, &token(&admin)).await;
    for id in 0..60 {
        assert!(admins.subscribe(&id.to_string(), VIEWER, json!({})).await.is_empty());
    }
    server.stop().await;
}

#[tokio::test]
async fn who_has_not_said_who_it_is_gets_few_places_and_short_messages() {
    let server = TestServer::start_with(|options| {
        options.live.newcomers_per_address = 1;
    })
    .await;
    let admin = token(&server.admin().await);
    let mut first = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
    let refused = LiveSocket::connect(&server, Handshake::default()).await;
    assert_eq!(refused.err(), Some(429));
    first.init(&admin).await;
    assert_eq!(first.message().await, json!({ "type": "connection_ack" }));
    let mut second = LiveSocket::connect(&server, Handshake::default()).await.unwrap();
    let long = json!({ "type": "ping", "payload": { "long": "x".repeat(20_000) } });
    second.send(long.clone()).await;
    assert_eq!(second.closed().await.0, 1009);
    first.send(long).await;
    assert_eq!(first.closed().await.0, 4400);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let server = TestServer::start().await;
    let mut socket = LiveSocket::ready(&server, &token(&server.admin().await)).await;
    socket.subscribe("1", REQUESTS, json!({})).await;
    let (closed, ()) = tokio::join!(socket.receive(), server.stop());
    assert!(matches!(closed, Received::Closed(1001, _)), "{closed:?}");
}
