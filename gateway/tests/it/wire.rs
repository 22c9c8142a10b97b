//! A client that writes bytes and reads bytes.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longer than anything that a test waits for; only a hang takes as long.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// A response as it came over the wire.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to the end that its framing announced.
    pub(crate) is_whole: bool,
}

impl Response {
    /// The values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(one, _)| one == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The only value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "{name}: {values:?}");
        values.first().copied()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The gateway's own words; none when the upstream answered, or hyper by itself.
    pub(crate) fn message(&self) -> Option<String> {
        let json: Value = serde_json::from_slice(&self.body).ok()?;
        Some(json.get("message")?.as_str()?.to_owned())
    }
}

/// One connection to the gateway.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self {
            socket: TcpStream::connect(address).await.unwrap(),
            buffer: Vec::new(),
        }
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads more; false at the end, or when the connection is reset.
    async fn fill(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        let read = timeout(HANG, self.socket.read(&mut piece)).await.expect("hang");
        match read {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                true
            }
        }
    }

    /// Reads until these bytes have come, and takes all up to their end.
    pub(crate) async fn read_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                return Some(self.buffer.drain(..at + end.len()).collect());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    async fn read_exactly(&mut self, count: usize) -> (Vec<u8>, bool) {
        while self.buffer.len() < count {
            if !self.fill().await {
                return (std::mem::take(&mut self.buffer), false);
            }
        }
        (self.buffer.drain(..count).collect(), true)
    }

    /// Whether the gateway closes the connection without another byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        !self.fill().await && self.buffer.is_empty()
    }

    /// Reads to the end of the connection.
    pub(crate) async fn read_to_end(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Reads the head of a response, interim ones left out.
    pub(crate) async fn read_head(&mut self) -> Option<Response> {
        loop {
            let head = String::from_utf8(self.read_until(b"\r\n\r\n").await?).unwrap();
            let mut lines = head.split("\r\n");
            let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
            if status == 100 {
                continue;
            }
            let headers = lines
                .take_while(|line| !line.is_empty())
                .map(|line| {
                    let (name, value) = line.split_once(':').unwrap();
                    (name.to_ascii_lowercase(), value.trim().to_owned())
                })
                .collect();
            return Some(Response {
                status,
                headers,
                body: Vec::new(),
                is_whole: true,
            });
        }
    }

    /// Reads a response; `None` when the connection ends before its head.
    pub(crate) async fn read(&mut self, has_body: bool) -> Option<Response> {
        let mut response = self.read_head().await?;
        if !has_body || matches!(response.status, 204 | 304) {
            return Some(response);
        }
        if response.header("transfer-encoding").is_some() {
            (response.body, response.is_whole) = self.read_chunks().await;
        } else if let Some(length) = response.header("content-length").map(|length| length.parse().unwrap()) {
            (response.body, response.is_whole) = self.read_exactly(length).await;
        } else {
            response.body = self.read_to_end().await;
        }
        Some(response)
    }

    async fn read_chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let Some(line) = self.read_until(b"\r\n").await else {
                return (body, false);
            };
            let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
            let (mut chunk, is_whole) = self.read_exactly(size + 2).await;
            chunk.truncate(size);
            body.extend(chunk);
            if !is_whole || size == 0 {
                return (body, is_whole);
            }
        }
    }
}

/// Sends these bytes on a new connection and reads the response.
pub(crate) async fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Response {
    let mut client = Client::connect(address).await;
    client.write(&bytes).await;
    let has_body = !bytes.as_ref().starts_with(b"HEAD ");
    client
        .read(has_body)
        .await
        .unwrap_or_else(|| panic!("no response to {:?}", String::from_utf8_lossy(bytes.as_ref())))
}
