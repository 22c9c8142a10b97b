//! What a call costs beyond a bare reqwest call with the same bytes, in CPU time of the calling thread.
//!
//! `cargo xtask bench sdk` runs it and reports. A server in a thread of its own gives every request the same answer, so
//! that nothing but the client is measured; the kinds of calls take turns. Prints JSON: nanoseconds a call, a round each.
//!
//! cargo run --release --example overhead -- [rounds] [calls a round]

#![allow(clippy::print_stdout)]

use std::{
    env,
    error::Error,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use bytes::Bytes;
use portico_sdk::{Portico, SecretString, SessionTokens, Timestamp};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use serde_json::{Value, json};

type Failure = Box<dyn Error + Send + Sync>;

/// A call to measure, and the answer to it.
#[derive(Clone, Copy)]
enum Call {
    /// `viewer`: an answer of some hundred bytes.
    Viewer,
    /// `apps`: a page of 20, some ten kilobytes.
    Apps,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Apps => "apps",
        }
    }

    fn answer(self) -> Value {
        let at = "2026-01-31T09:30:00.000Z";
        let id = |kind: &str, number: usize| format!("{kind}_01kz8fz5dwf7n8ne3ewnvpjk{number:02}");
        match self {
            Self::Viewer => json!({"data": {"viewer": {
                "__typename": "Admin", "id": id("adm", 1), "email": "admin@example.com", "fullName": "Ada", "createdAt": at,
            }}}),
            Self::Apps => {
                let app = |number: usize| {
                    json!({
                        "id": id("app", number),
                        "name": format!("Mobile banking {number}"),
                        "referenceId": format!("mobile-banking-{number}"),
                        "description": "What our customers have on their phones, and some on their watches.",
                        "status": "ACTIVE",
                        "suspension": null,
                        "createdAt": at,
                        "updatedAt": at,
                        "developer": {"id": id("dev", 1), "email": "dev@example.com", "fullName": "Dana Developer"},
                        "allowedActions": ["UPDATE", "DELETE", "REQUEST_ACCESS", "GENERATE_CREDENTIAL"],
                    })
                };
                let page_info =
                    json!({"hasNextPage": true, "hasPreviousPage": false, "startCursor": "a", "endCursor": "b"});
                let nodes: Vec<_> = (0..20).map(app).collect();
                json!({"data": {"apps": {"nodes": nodes, "pageInfo": page_info, "totalCount": 400}}})
            }
        }
    }

    async fn by_sdk(self, portico: &Portico) -> Result<(), Failure> {
        match self {
            Self::Viewer => drop(portico.viewer().await?),
            Self::Apps => drop(portico.apps().list().page().await?),
        }
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let rounds: usize = arguments.next().map_or(Ok(9), |text| text.parse())?;
    let calls: u32 = arguments.next().map_or(Ok(2000), |text| text.parse())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut report = serde_json::Map::new();
    for call in [Call::Viewer, Call::Apps] {
        let measured = runtime.block_on(measure(call, rounds, calls))?;
        report.insert(call.name().to_owned(), measured);
    }
    println!("{}", Value::Object(report));
    Ok(())
}

async fn measure(call: Call, rounds: usize, calls: u32) -> Result<Value, Failure> {
    let last = Arc::new(Mutex::new(Vec::new()));
    let address = serve(call.answer().to_string(), Arc::clone(&last))?;
    let endpoint = format!("http://{address}/graphql");
    let hour = Timestamp::from_unix_milliseconds(Timestamp::now().unix_milliseconds() + 3_600_000)?;
    let token = "e".repeat(400);
    let tokens = SessionTokens::new(SecretString::from(token.as_str()), hour, SecretString::from("r"), hour);
    let portico = Portico::builder(&endpoint).session(tokens).build()?;
    let http = reqwest::Client::new();

    // What the SDK sends is what the bare call sends.
    call.by_sdk(&portico).await?;
    let body = Bytes::from(last.lock().map_err(|_| "the server is gone")?.clone());
    let bare = || {
        let request = http.post(&endpoint).body(body.clone());
        request
            .header(ACCEPT, "application/graphql-response+json, application/json;q=0.9")
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "portico-sdk/0.1.0")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .send()
    };

    let (mut sdk, mut bytes, mut value) = (Vec::new(), Vec::new(), Vec::new());
    // The first round warms up, and does not count.
    for round in 0..=rounds {
        let start = cpu_nanoseconds()?;
        for _ in 0..calls {
            call.by_sdk(&portico).await?;
        }
        let after_sdk = cpu_nanoseconds()?;
        for _ in 0..calls {
            bare().await?.bytes().await?;
        }
        let after_bytes = cpu_nanoseconds()?;
        for _ in 0..calls {
            bare().await?.json::<Value>().await?;
        }
        let after_value = cpu_nanoseconds()?;
        if round > 0 {
            sdk.push((after_sdk - start) / u64::from(calls));
            bytes.push((after_bytes - after_sdk) / u64::from(calls));
            value.push((after_value - after_bytes) / u64::from(calls));
        }
    }
    Ok(json!({"sdk": sdk, "bare": bytes, "bare_json": value}))
}

/// What this thread has used: it does all that the client does. The server's threads do not count.
fn cpu_nanoseconds() -> Result<u64, Failure> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().ok_or("no schedstat")?.parse()?)
}

/// A server of one answer; keeps the body of the last request.
fn serve(answer: String, last: Arc<Mutex<Vec<u8>>>) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/graphql-response+json; charset=utf-8\r\ncontent-length: {}\r\n\
         x-request-id: 01kz8fz5dwf7n8ne3ewnvpjkaa\r\n\r\n{answer}",
        answer.len()
    );
    let answer: Arc<[u8]> = answer.into_bytes().into();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answer, last) = (Arc::clone(&answer), Arc::clone(&last));
            thread::spawn(move || answer_all(stream, &answer, &last));
        }
    });
    Ok(address)
}

fn answer_all(mut stream: TcpStream, answer: &[u8], last: &Mutex<Vec<u8>>) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let (mut received, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        received.extend_from_slice(&chunk[..read]);
        let Some(head) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&received[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.ok_or("no length")?.parse()?;
        if received.len() < head + 4 + length {
            continue;
        }
        *last.lock().map_err(|_| "poisoned")? = received.split_off(head + 4);
        received.clear();
        stream.write_all(answer)?;
    }
}
