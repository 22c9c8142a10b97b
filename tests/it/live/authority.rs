//! Who is connected stays so only for as long as they may.

use std::time::Duration;

use domain::Timestamp;
use portico_tests::{
    live::{EventStream, LiveSocket, StreamEvent},
    server::TestServer,
};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{REQUESTS, Scene, VIEWER, token};

#[tokio::test]
async fn a_revoked_developers_streams_end_at_once() {
    let scene = Scene::new().await;
    let (dana, other) = (token(&scene.dana.client), token(&scene.other.client));
    let mut socket = LiveSocket::ready(&scene.server, &dana).await;
    socket.subscribe("1", REQUESTS, json!({})).await;
    let mut stream = EventStream::open(&scene.server, &dana, REQUESTS, json!({})).await;
    let mut others = LiveSocket::ready(&scene.server, &other).await;
    others.subscribe("1", VIEWER, json!({})).await;

    scene.client.developers().revoke(&scene.dana.id, "left").await.unwrap();
    let (code, reason) = socket.closed().await;
    assert_eq!(code, 4403, "{reason}");
    assert_eq!(stream.next().await, StreamEvent::Cut);
    others.nothing_came().await;
    // Nor do they get in again.
    let mut again = LiveSocket::connect(&scene.server, Default::default()).await.unwrap();
    again.init(&dana).await;
    assert_eq!(again.closed().await.0, 4403);
    scene.server.stop().await;
}

#[tokio::test]
async fn signing_out_ends_the_sessions_connections_alone() {
    let server = TestServer::start().await;
    let (one, another) = (server.admin().await, server.admin().await);
    let mut ends = LiveSocket::ready(&server, &token(&one)).await;
    let mut stays = LiveSocket::ready(&server, &token(&another)).await;
    one.sign_out().await.unwrap();
    assert_eq!(
        ends.closed().await,
        (4403, "Forbidden: the session has ended".to_owned())
    );
    stays.nothing_came().await;
    server.stop().await;
}

#[tokio::test]
async fn a_connection_lasts_no_longer_than_its_token() {
    let server = TestServer::start().await;
    let tokens = &server.server().plane().access_tokens;
    let claims = tokens.verify(&token(&server.admin().await)).unwrap();
    // Of the same session, with two seconds to go.
    let lifetime = portico::session::access_token::LIFETIME - Duration::from_secs(2);
    let issued_at = Timestamp::from_millis(Timestamp::now().as_millis() - i64::try_from(lifetime.as_millis()).unwrap());
    let old = tokens.issue(claims.account, claims.session, issued_at).unwrap();
    let mut socket = LiveSocket::ready(&server, old.token.expose_secret()).await;
    let mut stream = EventStream::open(&server, old.token.expose_secret(), VIEWER, json!({})).await;
    let (code, reason) = socket.closed().await;
    assert_eq!(code, 4403);
    assert!(reason.contains("expired"), "{reason}");
    assert_eq!(stream.next().await, StreamEvent::Cut);
    server.stop().await;
}
