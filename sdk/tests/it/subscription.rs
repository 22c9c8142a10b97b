//! Subscriptions, before a server that follows a script.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use portico_sdk::{
    AccessRequestFilter, AccessRequestId, AccessRequestStatus, AppId, Change, Error, ErrorCode, LiveEvent, Portico,
    RetryPolicy,
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        protocol::CloseFrame,
    },
};

use crate::{
    operation::Sent,
    server::{session_answer, tokens},
    session::{read_operation, write_last_json},
    waiting::access_request,
};

type Socket = WebSocketStream<TcpStream>;

async fn listen() -> (TcpListener, Portico) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let portico = Portico::builder(format!("http://{}/graphql", listener.local_addr().unwrap()))
        .session(tokens("access", "refresh", 3600))
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    (listener, portico)
}

#[allow(clippy::result_large_err)]
fn handshake(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    assert_eq!(request.uri().path(), "/graphql/ws");
    let protocol = request.headers()["sec-websocket-protocol"].clone();
    assert_eq!(protocol, "graphql-transport-ws");
    response.headers_mut().insert("sec-websocket-protocol", protocol);
    Ok(response)
}

async fn websocket(stream: TcpStream) -> Socket {
    accept_hdr_async(stream, handshake).await.unwrap()
}

async fn hear(socket: &mut Socket) -> Value {
    loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

async fn tell(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// Takes a connection up to its operation, which it answers with.
async fn begin(stream: TcpStream, token: &str) -> (Socket, Value) {
    let mut socket = websocket(stream).await;
    let init = hear(&mut socket).await;
    assert_eq!(init["type"], "connection_init");
    assert_eq!(init["payload"]["Authorization"], format!("Bearer {token}"));
    tell(&mut socket, json!({"type": "connection_ack"})).await;
    let subscribe = hear(&mut socket).await;
    assert_eq!(
        (&subscribe["type"], &subscribe["id"]),
        (&json!("subscribe"), &json!("1"))
    );
    assert_eq!(hear(&mut socket).await["type"], "ping");
    tell(&mut socket, json!({"type": "pong"})).await;
    (socket, subscribe["payload"].clone())
}

async fn next_change(socket: &mut Socket, change: Value) {
    let payload = json!({"data": {"accessRequestChanged": change}});
    tell(socket, json!({"id": "1", "type": "next", "payload": payload})).await;
}

async fn close(mut socket: Socket, code: u16, reason: &'static str) {
    let frame = CloseFrame {
        code: code.into(),
        reason: reason.into(),
    };
    socket.close(Some(frame)).await.unwrap();
    // Until the other end has closed, too.
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
}

fn present(status: &str) -> Value {
    json!({"accessRequest": access_request(status), "deletedId": null})
}

fn gone() -> Value {
    json!({"accessRequest": null, "deletedId": "req_1"})
}

#[tokio::test]
async fn changes_arrive_as_they_are_told() {
    let (listener, portico) = listen().await;
    let server = tokio::spawn(async move {
        let (mut socket, operation) = begin(listener.accept().await.unwrap().0, "access").await;
        assert_eq!(operation["operationName"], "AccessRequestChanged");
        assert_eq!(operation["variables"], json!({"filter": {"status": ["PENDING"]}}));
        tell(&mut socket, json!({"type": "ping"})).await;
        assert_eq!(hear(&mut socket).await["type"], "pong");
        tell(&mut socket, json!({"type": "something newer"})).await;
        next_change(&mut socket, present("PENDING")).await;
        next_change(&mut socket, gone()).await;
        tell(&mut socket, json!({"id": "1", "type": "complete"})).await;
        socket.next().await
    });
    let waiting = AccessRequestFilter::new().status([AccessRequestStatus::Pending]);
    let mut changes = portico.access_requests().changes(waiting);
    assert!(matches!(changes.next().await, Some(Ok(LiveEvent::Connected))));
    let Some(Ok(LiveEvent::Update(Change::Present(request)))) = changes.next().await else {
        panic!("no change")
    };
    assert_eq!(request.status, AccessRequestStatus::Pending);
    let Some(Ok(Change::Gone(id))) = changes.next_update().await else {
        panic!("no end")
    };
    assert_eq!(id.as_str(), "req_1");
    assert!(changes.next().await.is_none() && changes.next().await.is_none());
    drop(changes);
    // The connection goes with the subscription.
    assert!(!matches!(server.await.unwrap(), Some(Ok(Message::Text(_)))));
}

#[tokio::test]
async fn a_lost_connection_is_made_anew_and_told() {
    let (listener, portico) = listen().await;
    let server = tokio::spawn(async move {
        // Gone without a word; closed by a server that stops; closed because it was too slow.
        drop(begin(listener.accept().await.unwrap().0, "access").await);
        let (socket, _) = begin(listener.accept().await.unwrap().0, "access").await;
        close(socket, 1001, "going away").await;
        let (socket, _) = begin(listener.accept().await.unwrap().0, "access").await;
        close(socket, 4410, "too slow").await;
        let (mut socket, _) = begin(listener.accept().await.unwrap().0, "access").await;
        next_change(&mut socket, gone()).await;
        socket
    });
    let mut changes = portico.access_requests().changes_of(&AccessRequestId::new("req_1"));
    for _ in 0..3 {
        assert!(matches!(changes.next().await, Some(Ok(LiveEvent::Connected))));
        assert!(matches!(changes.next().await, Some(Ok(LiveEvent::Disconnected(_)))));
    }
    assert!(matches!(changes.next().await, Some(Ok(LiveEvent::Connected))));
    assert!(matches!(
        changes.next().await,
        Some(Ok(LiveEvent::Update(Change::Gone(_))))
    ));
    drop(server.await.unwrap());
}

#[tokio::test]
async fn a_connection_that_ends_with_its_token_is_made_anew_with_another() {
    let (listener, portico) = listen().await;
    let server = tokio::spawn(async move {
        // Refused at once.
        let mut socket = websocket(listener.accept().await.unwrap().0).await;
        hear(&mut socket).await;
        close(socket, 4403, "Forbidden").await;
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_eq!(read_operation(&mut stream).await, "RefreshSession");
        write_last_json(stream, session_answer("refreshSession", "second", "next")).await;
        // Ended when its time was over.
        let (socket, _) = begin(listener.accept().await.unwrap().0, "second").await;
        close(socket, 4403, "the access token has reached its end").await;
        // The client tries the token that it has, is refused, and renews.
        let mut socket = websocket(listener.accept().await.unwrap().0).await;
        hear(&mut socket).await;
        close(socket, 4403, "Forbidden").await;
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_eq!(read_operation(&mut stream).await, "RefreshSession");
        write_last_json(stream, session_answer("refreshSession", "third", "next")).await;
        let (socket, _) = begin(listener.accept().await.unwrap().0, "third").await;
        socket
    });
    let mut changes = portico.access_requests().changes(AccessRequestFilter::new());
    assert!(matches!(changes.next().await, Some(Ok(LiveEvent::Connected))));
    assert!(matches!(changes.next().await, Some(Ok(LiveEvent::Disconnected(_)))));
    assert!(matches!(changes.next().await, Some(Ok(LiveEvent::Connected))));
    drop(server.await.unwrap());
}

#[tokio::test]
async fn a_token_that_is_refused_after_it_was_renewed_ends_the_subscription() {
    let (listener, portico) = listen().await;
    let server = tokio::spawn(async move {
        let mut socket = websocket(listener.accept().await.unwrap().0).await;
        hear(&mut socket).await;
        close(socket, 4403, "Forbidden").await;
        let (mut stream, _) = listener.accept().await.unwrap();
        read_operation(&mut stream).await;
        write_last_json(stream, session_answer("refreshSession", "second", "next")).await;
        let mut socket = websocket(listener.accept().await.unwrap().0).await;
        hear(&mut socket).await;
        close(socket, 4403, "Forbidden").await;
    });
    let mut changes = portico.credentials().changes(Some(&AppId::new("app_1")));
    let error = changes.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Closed { code: 4403, .. }), "{error:?}");
    assert!(changes.next().await.is_none());
    server.await.unwrap();
}

#[tokio::test]
async fn what_no_other_connection_helps_against_ends_the_subscription() {
    let (listener, portico) = listen().await;
    let server = tokio::spawn(async move {
        let (mut socket, _) = begin(listener.accept().await.unwrap().0, "access").await;
        let error = json!({"message": "no", "extensions": {"code": "FORBIDDEN", "requestId": "req-1"}});
        tell(&mut socket, json!({"id": "1", "type": "error", "payload": [error]})).await;
        drop(socket);
        let (socket, _) = begin(listener.accept().await.unwrap().0, "access").await;
        close(socket, 4400, "Invalid message").await;
        let (mut socket, _) = begin(listener.accept().await.unwrap().0, "access").await;
        tell(&mut socket, json!(["not", "of", "the", "protocol"])).await;
        drop(socket);
    });
    let mut changes = portico.viewer_changes();
    assert!(matches!(changes.next().await, Some(Ok(LiveEvent::Connected))));
    let error = changes.next().await.unwrap().unwrap_err();
    assert!(
        error.has_code(&ErrorCode::Forbidden) && error.request_id() == Some("req-1"),
        "{error:?}"
    );
    assert!(changes.next().await.is_none());

    let mut changes = portico.viewer_changes();
    let error = changes.next_update().await.unwrap().unwrap_err();
    assert!(
        matches!(&error, Error::Closed { code: 4400, reason, .. } if reason == "Invalid message"),
        "{error:?}"
    );

    let mut changes = portico.viewer_changes();
    assert!(matches!(
        changes.next_update().await.unwrap().unwrap_err(),
        Error::Decode(_)
    ));
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_without_subscriptions_is_told_as_what_it_answers() {
    let server = wiremock::MockServer::start().await;
    let portico = crate::server::client(&server);
    let mut changes = portico.viewer_changes();
    let error = changes.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Http { status: 404, .. }), "{error:?}");

    drop(server);
    let nobody = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let portico = Portico::builder(endpoint).retry(RetryPolicy::none()).build().unwrap();
    let error = portico.viewer_changes().next().await.unwrap().unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn a_decision_is_told_to_who_waits_for_it() {
    let (listener, portico) = listen().await;
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut verb = [0];
            stream.peek(&mut verb).await.unwrap();
            if verb == *b"G" {
                let (mut following, operation) = begin(stream, "access").await;
                assert_eq!(operation["variables"], json!({"id": "req_1"}));
                next_change(&mut following, present("PENDING")).await;
                next_change(&mut following, present("APPROVED")).await;
                open.push(following);
                continue;
            }
            // However often it is asked, it is the subscription that tells.
            assert_eq!(read_operation(&mut stream).await, "GetAccessRequest");
            write_last_json(stream, json!({"data": {"node": access_request("PENDING")}})).await;
        }
    });
    let id = AccessRequestId::new("req_1");
    let requests = portico.access_requests();
    let waiting = requests.wait_until_decided(&id, Duration::from_secs(60));
    assert_eq!(waiting.await.unwrap().status, AccessRequestStatus::Approved);
    server.abort();
}

/// Every subscription of the crate, as it is sent.
pub(crate) async fn all_operations() -> Vec<Sent> {
    let (listener, portico) = listen().await;
    let server = tokio::spawn(async move {
        let mut sent = Vec::new();
        for _ in 0..3 {
            let (_, operation) = begin(listener.accept().await.unwrap().0, "access").await;
            sent.push(Sent::of(&operation));
        }
        sent
    });
    let requests = portico.access_requests();
    let filter = AccessRequestFilter::new().app_id(AppId::new("app_1"));
    let connected = |event: Option<bool>| assert_eq!(event, Some(true));
    let mut changes = requests.changes(filter);
    connected(changes.next().await.map(|event| event.is_ok()));
    let mut changes = portico.credentials().changes(Some(&AppId::new("app_1")));
    connected(changes.next().await.map(|event| event.is_ok()));
    let mut changes = portico.viewer_changes();
    connected(changes.next().await.map(|event| event.is_ok()));
    server.await.unwrap()
}
