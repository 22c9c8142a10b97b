//! A control plane that is newer than the gateway: what it says that the gateway does not know closes what it is about,
//! and nothing that was known is forgotten for it.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse as _,
    routing::{get, post},
};
use futures_util::stream;
use portico_sdk::{CreateKeyAuthStrategyInput, EnableRegistrationInput, UpdateAppInput, UpdateKeyAuthStrategyInput};
use tokio::{net::TcpListener, sync::mpsc};

use super::*;

/// What a newer version writes in place of a record of this one.
type Rewrite = Box<dyn Fn(&mut Value) + Send>;

/// The real control plane, with the records of its stream rewritten.
#[derive(Clone)]
struct Newer {
    real: SocketAddr,
    own: SocketAddr,
    rewrite: Arc<Mutex<Rewrite>>,
    /// How many streams have begun: each brings a full snapshot.
    streams: Arc<AtomicUsize>,
}

impl Newer {
    /// Until it is told otherwise, it is not newer at all.
    async fn than(real: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let newer = Self {
            real,
            own: listener.local_addr().unwrap(),
            rewrite: Arc::new(Mutex::new(Box::new(|_| {}))),
            streams: Arc::default(),
        };
        let routes = Router::new()
            .route("/gateway/v1/stream", get(stream_rewritten))
            .route("/gateway/v1/report", post(report))
            .with_state(newer.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        newer
    }

    fn writes(&self, rewrite: impl Fn(&mut Value) + Send + 'static) {
        *self.rewrite.lock().unwrap() = Box::new(rewrite);
    }

    fn rewritten(&self, line: &[u8]) -> Vec<u8> {
        let mut frame: Value = serde_json::from_slice(line).unwrap();
        for kind in ["records", "change"] {
            let records = frame.get_mut(kind).and_then(|frame| frame["records"].as_array_mut());
            records
                .into_iter()
                .flatten()
                .for_each(|record| (self.rewrite.lock().unwrap())(record));
        }
        let mut line = serde_json::to_vec(&frame).unwrap();
        line.push(b'\n');
        line
    }
}

async fn stream_rewritten(State(newer): State<Newer>, headers: HeaderMap) -> axum::response::Response {
    let request = reqwest::Client::new().get(format!("http://{}/gateway/v1/stream", newer.real));
    let answer = request
        .header(header::AUTHORIZATION, headers[header::AUTHORIZATION].clone())
        .send()
        .await;
    let Ok(mut answer) = answer else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    assert_eq!(answer.status(), 200);
    newer.streams.fetch_add(1, Ordering::SeqCst);
    let (lines, taken) = mpsc::channel::<Vec<u8>>(16);
    tokio::spawn(async move {
        let mut buffer = Vec::new();
        while let Ok(Some(piece)) = answer.chunk().await {
            buffer.extend_from_slice(&piece);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                if lines.send(newer.rewritten(&line)).await.is_err() {
                    return;
                }
            }
        }
    });
    let lines = stream::unfold(taken, |mut taken| async move {
        let line = taken.recv().await?;
        Some((Ok::<_, Infallible>(line), taken))
    });
    Body::from_stream(lines).into_response()
}

async fn report(State(newer): State<Newer>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let request = reqwest::Client::new().post(format!("http://{}/gateway/v1/report", newer.real));
    let names = [header::AUTHORIZATION, header::CONTENT_TYPE];
    let sent = names
        .into_iter()
        .filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
    match request.headers(sent.collect()).body(body).send().await {
        Ok(answer) => answer.status(),
        Err(_) => StatusCode::BAD_GATEWAY,
    }
}

/// Whether the upstream sees `x-partner-key` with this value, along with a call that passes.
async fn upstream_sees(gateway: &TestGateway, scene: &Scene, value: &str) -> bool {
    let call = reqwest::Client::new().get(gateway.url("/mock"));
    let call = call.header("apikey", &scene.key).header("x-partner-key", value);
    let answer = call.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let seen: Value = answer.json().await.unwrap();
    seen["headers"].get("x-partner-key").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_headers_stay_from_upstreams_when_their_strategy_cannot_be_read() {
    let scene = Scene::new().await;
    let strategies = scene.client.auth_strategies();
    let input = CreateKeyAuthStrategyInput::new("partner keys").key_names(["x-partner-key"]);
    let partner = strategies.create_key_auth(input).await.unwrap().into_inner();
    let other = fixture::publish(&scene.client, &scene.upstream, "other", true).await;
    let enable = EnableRegistrationInput::new(&other.version.id).auth_strategy_id(&partner.id);
    scene.client.registrations().enable(enable).await.unwrap();

    let newer = Newer::than(scene.address()).await;
    let relay = Relay::to(newer.own).await;
    let mut gateway = TestGateway::start(&relay.url(), &scene.token).await;
    let wait_for_other = async |gateway: &TestGateway, status: u16| {
        let call = || {
            reqwest::Client::new()
                .get(gateway.url("/other"))
                .header("x-partner-key", &scene.key)
        };
        let waiting = async { while call().send().await.unwrap().status() != status {} };
        let waited = tokio::time::timeout(portico_tests::server::PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("/other must come to answer {status}"));
    };
    let words = "in no key's form";
    wait_for_other(&gateway, 403).await;
    assert!(!upstream_sees(&gateway, &scene, words).await);

    // The newer version calls the headers something else, and has told so in a change.
    let id = partner.id.to_string();
    newer.writes(move |record| {
        if record["auth_strategy"]["id"] == id.as_str() {
            // Without a state it is gone, which every version says alike.
            if let Some(state) = record["auth_strategy"]["state"].as_object_mut() {
                let names = state.remove("key_names").unwrap();
                state.insert("credentials".to_owned(), json!({ "headers": names }));
            }
        }
    });
    let names = ["x-partner-key", "x-second-key"].map(str::to_owned).to_vec();
    let input = UpdateKeyAuthStrategyInput::new(&partner.id).key_names(names);
    strategies.update_key_auth(input).await.unwrap();
    wait_for_other(&gateway, 401).await;
    assert!(!upstream_sees(&gateway, &scene, words).await);

    // In a full snapshot.
    relay.cut();
    gateway.wait_until_ready(|_, body| body["controlPlane"] == "away").await;
    relay.mend(newer.own);
    gateway
        .wait_until_ready(|_, body| body["controlPlane"] == "connected")
        .await;
    wait_for_other(&gateway, 401).await;
    assert!(!upstream_sees(&gateway, &scene, words).await);

    // After a restart, from what the control plane says and the copy knew, and from the copy alone.
    gateway.pause().await;
    gateway.resume().await;
    wait_for_other(&gateway, 401).await;
    assert!(!upstream_sees(&gateway, &scene, words).await);
    gateway.pause().await;
    relay.cut();
    gateway.resume().await;
    wait_for_other(&gateway, 401).await;
    assert!(!upstream_sees(&gateway, &scene, words).await);

    // Where they were never known, a key is known by its form.
    gateway.pause().await;
    std::fs::remove_file(gateway.copy()).unwrap();
    relay.mend(newer.own);
    gateway.resume().await;
    wait_for_other(&gateway, 401).await;
    assert!(upstream_sees(&gateway, &scene, words).await);
    assert!(!upstream_sees(&gateway, &scene, &scene.key).await);
    assert!(!upstream_sees(&gateway, &scene, &format!("Newer {}", scene.key)).await);

    // A strategy that is gone has no headers.
    strategies.delete_forced(&partner.id).await.unwrap();
    let forgotten = async { while !upstream_sees(&gateway, &scene, &scene.key).await {} };
    tokio::time::timeout(portico_tests::server::PATIENCE, forgotten)
        .await
        .expect("it must be forgotten");
    gateway.stop().await;
    scene.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_can_be_read_again_has_its_requests_and_keys() {
    let scene = Scene::new().await;
    let newer = Newer::than(scene.address()).await;
    let gateway = TestGateway::start(&format!("http://{}", newer.own), &scene.token).await;
    assert_eq!(gateway.status("/mock", &scene.key).await, 200);
    let rename = async |name: &str| {
        let input = UpdateAppInput::new(&scene.app.id).name(name);
        scene.dana.client.apps().update(input).await.unwrap();
    };
    newer.writes(|record| {
        if let Some(state) = record.get_mut("app").and_then(|app| app["state"].as_object_mut()) {
            state.insert("tier".to_owned(), json!("gold"));
        }
    });
    rename("of a newer version").await;
    gateway.wait_for_status("/mock", &scene.key, 401).await;
    newer.writes(|_| {});
    rename("of this version").await;
    gateway.wait_for_status("/mock", &scene.key, 200).await;
    assert_eq!(newer.streams.load(Ordering::SeqCst), 1, "no full snapshot was needed");
    gateway.stop().await;
    scene.server.stop().await;
}
