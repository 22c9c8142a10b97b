//! Upstreams: one that tells what it saw, and ones that misbehave as a test says.

use std::{convert::Infallible, future::Future, net::SocketAddr};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// An upstream that answers with what it was asked: method, target, headers in order, body.
pub(crate) async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(tell)));
        }
    });
    address
}

pub(crate) async fn tell(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().map_or(0, http::HeaderMap::len);
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let seen = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": headers,
        "trailers": trailers,
        "body": String::from_utf8_lossy(&collected.to_bytes()),
    });
    let response = Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(seen.to_string())));
    Ok(response.unwrap())
}

/// The upstream's side of one connection.
pub(crate) struct Peer {
    pub(crate) socket: TcpStream,
    buffer: Vec<u8>,
}

impl Peer {
    /// Reads a request's head; `None` when the gateway closes.
    pub(crate) async fn read_head(&mut self) -> Option<String> {
        let end = b"\r\n\r\n";
        loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == end) {
                let head: Vec<u8> = self.buffer.drain(..at + 4).collect();
                return Some(String::from_utf8(head).unwrap());
            }
            self.fill().await?;
        }
    }

    /// Reads until these bytes have come.
    pub(crate) async fn read_until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some(at) = self
                .buffer
                .windows(end.len())
                .position(|window| window == end.as_bytes())
            {
                let bytes: Vec<u8> = self.buffer.drain(..at + end.len()).collect();
                return Some(String::from_utf8(bytes).unwrap());
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Option<()> {
        let mut piece = [0; 4096];
        let count = self.socket.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        self.buffer.extend_from_slice(&piece[..count]);
        Some(())
    }

    pub(crate) async fn write(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    /// Waits until the gateway has closed this connection.
    pub(crate) async fn closed(&mut self) {
        while self.fill().await.is_some() {}
    }
}

/// An upstream whose every connection is served by `script`; what the script returns arrives in the channel.
pub(crate) async fn scripted<F, T>(
    script: impl Fn(Peer) -> F + Send + 'static,
) -> (SocketAddr, mpsc::UnboundedReceiver<T>)
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let peer = Peer {
                socket,
                buffer: Vec::new(),
            };
            let (served, sender) = (script(peer), sender.clone());
            tokio::spawn(async move {
                let _ = sender.send(served.await);
            });
        }
    });
    (address, receiver)
}
