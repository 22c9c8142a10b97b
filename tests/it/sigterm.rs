//! SIGTERM while requests come without a pause: none that was taken is lost.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use portico_sdk::{CreateAppInput, GenerateCredentialInput, RequestAccessInput};
use portico_tests::{server::PATIENCE, upstream::Upstream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};

use crate::process::Process;

/// For each kind of request.
const CLIENTS: usize = 8;
/// Answers before the signal.
const BEFORE: usize = 2_000;

/// What one client saw.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Connections that ended, or answers that did not come, without a word that it was the last.
    lost: Vec<String>,
    /// Connections whose last answer said so.
    ended: usize,
}

/// Sends the same request again and again, on a connection that is kept for as long as the server says, and on a new one
/// after that, until none can be had any more.
async fn ask(address: String, request: String, is_over: Arc<AtomicBool>, answered: mpsc::UnboundedSender<()>) -> Seen {
    let mut seen = Seen::default();
    loop {
        let mut socket = match TcpStream::connect(&address).await {
            Ok(socket) => socket,
            Err(error) => {
                if !is_over.load(Ordering::SeqCst) {
                    seen.lost.push(format!("not connected before the end: {error}"));
                }
                return seen;
            }
        };
        loop {
            match exchange(&mut socket, &request).await {
                Ok(head) => {
                    let _ = answered.send(());
                    if head.contains("connection: close") {
                        seen.ended += 1;
                        break;
                    }
                }
                Err(error) => {
                    seen.lost.push(error);
                    break;
                }
            }
        }
    }
}

/// One request and the answer's head, in lower case. Everything but a whole answer of 200 is an error.
async fn exchange(socket: &mut TcpStream, request: &str) -> Result<String, String> {
    socket
        .write_all(request.as_bytes())
        .await
        .map_err(|error| format!("not sent: {error}"))?;
    let mut bytes = Vec::new();
    loop {
        let count = timeout(PATIENCE, socket.read_buf(&mut bytes)).await.unwrap();
        match count {
            Ok(0) => return Err(format!("closed after {} bytes", bytes.len())),
            Err(error) => return Err(format!("broken after {} bytes: {error}", bytes.len())),
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("an answer with a length").parse().unwrap();
        if body.len() == length {
            return if head.starts_with("http/1.1 200 ") {
                Ok(head.to_owned())
            } else {
                Err(text)
            };
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_on_either_port() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path());
    let upstream = Upstream::start().await;
    let version = process.prepare(upstream.url()).await;
    let dana = process.dana().await;
    let app = dana.apps().create(CreateAppInput::new("Load", "load")).await.unwrap();
    let app = app.into_inner().id;
    let request = RequestAccessInput::new(&app, &version);
    dana.access_requests().request(request).await.unwrap();
    let generated = dana.credentials().generate(GenerateCredentialInput::new(&app)).await;
    let key = generated.unwrap().secret;

    let gateway = process.gateway.trim_start_matches("http://").to_owned();
    let api = process.endpoint().trim_start_matches("http://").replace("/graphql", "");
    let head = format!("Host: localhost\r\napikey: {}\r\n", key.expose());
    let query = r#"{"query":"{ portal { name } }"}"#;
    let kinds = [
        (&gateway, format!("GET /mock HTTP/1.1\r\n{head}\r\n")),
        (
            &gateway,
            format!("POST /mock HTTP/1.1\r\n{head}Content-Length: 2\r\n\r\nok"),
        ),
        (&api, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
        (
            &api,
            format!(
                "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{query}",
                query.len()
            ),
        ),
    ];
    let is_over = Arc::new(AtomicBool::new(false));
    let (answered, mut answers) = mpsc::unbounded_channel();
    let mut clients = JoinSet::new();
    for (address, request) in &kinds {
        for _ in 0..CLIENTS {
            let asking = ask(
                (*address).clone(),
                request.clone(),
                Arc::clone(&is_over),
                answered.clone(),
            );
            clients.spawn(asking);
        }
    }
    for _ in 0..BEFORE {
        timeout(PATIENCE, answers.recv()).await.unwrap().unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    process.terminate();
    let mut ended = 0;
    while let Some(seen) = timeout(PATIENCE, clients.join_next()).await.unwrap() {
        let seen = seen.unwrap();
        assert_eq!(seen.lost, [""; 0]);
        ended += seen.ended;
    }
    // Every connection that was open at the signal had a last answer.
    assert!(ended >= kinds.len() * CLIENTS, "{ended}");
    assert!(process.end().await.success());
}
