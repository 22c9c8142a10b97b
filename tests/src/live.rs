//! Clients of live updates that send exactly what they are told to.

use std::collections::VecDeque;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest as _, protocol::CloseFrame},
};

use crate::server::{PATIENCE, TestServer};

/// A websocket at `/graphql/ws`.
pub struct LiveSocket {
    socket: WebSocketStream<TcpStream>,
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// A message.
    Message(Value),
    /// The end, with its code and reason; 1006 when the connection broke off.
    Closed(u16, String),
}

/// How to connect.
#[derive(Clone, Copy, Debug)]
pub struct Handshake<'a> {
    /// The subprotocols that are offered.
    pub subprotocol: Option<&'a str>,
    /// The page that connects.
    pub origin: Option<&'a str>,
    /// Bytes that the system receives ahead of the client.
    pub receive_buffer: Option<u32>,
}

impl Default for Handshake<'_> {
    fn default() -> Self {
        Self {
            subprotocol: Some("graphql-transport-ws"),
            origin: None,
            receive_buffer: None,
        }
    }
}

impl LiveSocket {
    /// Connects and says nothing.
    ///
    /// # Errors
    /// The status with which the server refuses.
    pub async fn connect(server: &TestServer, handshake: Handshake<'_>) -> Result<Self, u16> {
        let address = server.server().listen();
        let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
        let headers = request.headers_mut();
        if let Some(subprotocol) = handshake.subprotocol {
            headers.insert("sec-websocket-protocol", subprotocol.parse().unwrap());
        }
        if let Some(origin) = handshake.origin {
            headers.insert("origin", origin.parse().unwrap());
        }
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = handshake.receive_buffer {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        let stream = socket.connect(address).await.unwrap();
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self { socket }),
            // A server may leave the choice of a subprotocol out, and close.
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects and is acknowledged.
    pub async fn ready(server: &TestServer, token: &str) -> Self {
        Self::ready_with(server, token, Handshake::default()).await
    }

    /// As [`Self::ready`].
    pub async fn ready_with(server: &TestServer, token: &str, handshake: Handshake<'_>) -> Self {
        let mut socket = Self::connect(server, handshake).await.unwrap();
        socket.init(token).await;
        assert_eq!(socket.message().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// Says who it is.
    pub async fn init(&mut self, token: &str) {
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        self.send(json!({ "type": "connection_init", "payload": payload }))
            .await;
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    /// Sends a text.
    pub async fn send_text(&mut self, text: &str) {
        // When the server has closed, receiving tells why.
        let _ = self.socket.send(Message::text(text)).await;
    }

    /// Sends bytes.
    pub async fn send_bytes(&mut self, bytes: &'static [u8]) {
        let _ = self.socket.send(Message::binary(bytes)).await;
    }

    /// Sends a request.
    pub async fn begin(&mut self, id: &str, document: &str, variables: Value) {
        let payload = json!({ "query": document, "variables": variables });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload }))
            .await;
    }

    /// Subscribes, and returns when the server hears of every change from then on. Answers what came before that.
    pub async fn subscribe(&mut self, id: &str, document: &str, variables: Value) -> VecDeque<Value> {
        self.begin(id, document, variables).await;
        self.send(json!({ "type": "ping" })).await;
        let mut before = VecDeque::new();
        loop {
            let message = self.message().await;
            if message["type"] == "pong" {
                return before;
            }
            before.push_back(message);
        }
    }

    /// What the server sends next.
    pub async fn receive(&mut self) -> Received {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match next.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => return Received::Message(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => {
                    return Received::Closed(code.into(), reason.to_string());
                }
                Some(Ok(Message::Close(None))) => return Received::Closed(1005, String::new()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Received::Closed(1006, String::new()),
            }
        }
    }

    /// The next message.
    pub async fn message(&mut self) -> Value {
        match self.receive().await {
            Received::Message(message) => message,
            closed @ Received::Closed(..) => panic!("{closed:?}"),
        }
    }

    /// The payload of the next message, which must be a result of this operation.
    pub async fn next(&mut self, id: &str) -> Value {
        let mut message = self.message().await;
        assert_eq!(
            (&message["type"], &message["id"]),
            (&json!("next"), &json!(id)),
            "{message}"
        );
        message["payload"].take()
    }

    /// The close code and its reason; messages that come before are left out.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Received::Closed(code, reason) = self.receive().await {
                return (code, reason);
            }
        }
    }

    /// Checks that nothing has come that was not received: what a ping is answered with comes next.
    pub async fn nothing_came(&mut self) {
        self.send(json!({ "type": "ping", "payload": { "nothing": "came" } }))
            .await;
        assert_eq!(
            self.message().await,
            json!({ "type": "pong", "payload": { "nothing": "came" } })
        );
    }
}

/// An event stream at `/graphql/stream`.
pub struct EventStream {
    answer: reqwest::Response,
    buffer: String,
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamEvent {
    /// A result.
    Next(Value),
    /// It is over.
    Complete,
    /// A comment.
    KeepAlive,
    /// It was cut off.
    Cut,
}

impl EventStream {
    /// Asks for a stream by POST.
    pub async fn post(server: &TestServer, token: Option<&str>, document: &str, variables: Value) -> reqwest::Response {
        let mut request = reqwest::Client::new()
            .post(server.api("/graphql/stream"))
            .header("accept", "text/event-stream")
            .json(&json!({ "query": document, "variables": variables }));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap()
    }

    /// Subscribes, and returns when the server hears of every change from then on.
    pub async fn open(server: &TestServer, token: &str, document: &str, variables: Value) -> Self {
        let mut stream = Self::of(Self::post(server, Some(token), document, variables).await);
        assert_eq!(stream.event().await, StreamEvent::KeepAlive);
        stream
    }

    /// Reads the events of an answer.
    pub fn of(answer: reqwest::Response) -> Self {
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
        Self {
            answer,
            buffer: String::new(),
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> StreamEvent {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.buffer = rest;
                return match event.split_once('\n') {
                    None => {
                        assert_eq!(event, ":");
                        StreamEvent::KeepAlive
                    }
                    Some(("event: complete", data)) => {
                        assert_eq!(data, "data: ");
                        StreamEvent::Complete
                    }
                    Some(("event: next", data)) => {
                        StreamEvent::Next(serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap())
                    }
                    Some(other) => panic!("{other:?}"),
                };
            }
            let chunk = tokio::time::timeout(PATIENCE, self.answer.chunk()).await;
            match chunk.expect("nothing comes") {
                Ok(Some(bytes)) => self.buffer.push_str(std::str::from_utf8(&bytes).unwrap()),
                Ok(None) | Err(_) => return StreamEvent::Cut,
            }
        }
    }

    /// The next event that is no keep-alive.
    pub async fn next(&mut self) -> StreamEvent {
        loop {
            match self.event().await {
                StreamEvent::KeepAlive => {}
                event => return event,
            }
        }
    }
}
