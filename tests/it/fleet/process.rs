//! Processes of their own: killed, stopped, and short of disk.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::Router;
use portico_sdk::{CreateAppInput, GenerateCredentialInput, RequestAccessInput};
use portico_tests::{scrape::scrape, server::PATIENCE};
use tokio::{net::TcpListener, sync::Notify};

use super::*;
use crate::process::Process;

fn address_of(url: &str) -> SocketAddr {
    let after_scheme = url.strip_prefix("http://").unwrap();
    after_scheme.split('/').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_plane_killed_and_started_again_fails_no_call() {
    let directory = tempfile::tempdir().unwrap();
    let upstream = Upstream::start().await;
    let process = Process::start(directory.path());
    let version = process.prepare(upstream.url()).await;
    let dana = process.dana().await;
    let app = dana
        .apps()
        .create(CreateAppInput::new("Load", "load"))
        .await
        .unwrap()
        .into_inner();
    let request = RequestAccessInput::new(&app.id, &version);
    dana.access_requests().request(request).await.unwrap();
    let generated = dana
        .credentials()
        .generate(GenerateCredentialInput::new(&app.id))
        .await
        .unwrap();
    let key = generated.secret.expose().to_owned();
    let (_, token) = gateway::token(&process.admin().await, "edge").await;

    let relay = Relay::to(address_of(process.endpoint())).await;
    let gateway = Arc::new(TestGateway::start(&relay.url(), &token).await);
    let (over, passed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (gateway, key) = (Arc::clone(&gateway), key.clone());
            let (over, passed) = (Arc::clone(&over), Arc::clone(&passed));
            tokio::spawn(async move {
                let client = reqwest::Client::new();
                while !over.load(Ordering::Relaxed) {
                    let call = client.get(gateway.url("/mock")).header("apikey", &key);
                    assert_eq!(call.send().await.unwrap().status(), 200);
                    passed.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let hundred_more = async || {
        let goal = passed.load(Ordering::Relaxed) + 100;
        while passed.load(Ordering::Relaxed) < goal {
            tokio::task::yield_now().await;
        }
    };
    for _ in 0..2 {
        hundred_more().await;
    }
    process.kill();
    gateway
        .wait_until_ready(|status, body| status == 200 && body["controlPlane"] == "away")
        .await;
    hundred_more().await;
    let process = Process::start(directory.path());
    relay.cut();
    relay.mend(address_of(process.endpoint()));
    gateway
        .wait_until_ready(|status, body| status == 200 && body["controlPlane"] == "connected")
        .await;
    hundred_more().await;
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("every call must pass");
    }
    process
        .dana()
        .await
        .credentials()
        .revoke(&generated.credential.id)
        .await
        .unwrap();
    gateway.wait_for_status("/mock", &key, 401).await;
    process.kill();
}

/// `portico gateway` as a process of its own.
struct GatewayChild {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
    listen: String,
    health: String,
    /// Where it is scraped, if it is.
    metrics: Option<String>,
}

impl GatewayChild {
    /// Starts it by `program`, whose last argument is the binary.
    fn start(program: &[&str], url: &str, token: &GatewayToken, directory: &Path) -> Self {
        let mut words = program
            .iter()
            .copied()
            .chain([env!("CARGO_BIN_EXE_portico-under-test")]);
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .args(["gateway", "--control-plane", url, "--listen", "127.0.0.1:0"])
            .args(["--health-listen", "127.0.0.1:0", "--name", "child"])
            .env("PORTICO_GATEWAY_TOKEN", token.expose())
            .env("PORTICO_DATA_DIR", directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        // By its fields: a line on the copy, which may come before, has the same word.
        while !line.contains("health_listen") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended before it served");
        }
        let addresses = std::fs::read(directory.join("addresses.json")).unwrap();
        let addresses: Value = serde_json::from_slice(&addresses).unwrap();
        let url = |name: &str| format!("http://{}", addresses[name].as_str().unwrap());
        Self {
            child,
            log,
            listen: url("gateway_listen"),
            health: url("health_listen"),
            metrics: addresses["metrics_listen"].as_str().map(str::to_owned),
        }
    }

    async fn call(&self, key: &str) -> Result<u16, reqwest::Error> {
        let call = reqwest::Client::new()
            .get(format!("{}/mock", self.listen))
            .header("apikey", key);
        Ok(call.send().await?.status().as_u16())
    }

    /// Scrapes it until the samples are as wanted.
    async fn wait_for_samples(&self, wanted: impl Fn(&BTreeMap<String, f64>) -> bool) -> BTreeMap<String, f64> {
        let address = self.metrics.as_deref().unwrap();
        let mut samples = BTreeMap::new();
        let waiting = async {
            loop {
                samples = scrape(address).await;
                if wanted(&samples) {
                    return;
                }
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "the samples must become as wanted: {samples:#?}");
        samples
    }

    async fn readyz(&self) -> (u16, Value) {
        let answer = reqwest::get(format!("{}/readyz", self.health)).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

impl Drop for GatewayChild {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_loses_no_call_that_is_under_way() {
    let scene = Scene::new().await;
    // An upstream that answers when it is told to.
    let (arrived, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = format!("http://{}", listener.local_addr().unwrap());
    let (counted, released) = (Arc::clone(&arrived), Arc::clone(&release));
    let answer = move || {
        let (counted, released) = (Arc::clone(&counted), Arc::clone(&released));
        async move {
            let waiting = released.notified();
            counted.fetch_add(1, Ordering::SeqCst);
            waiting.await;
            "late"
        }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let service = portico_sdk::SetGatewayServiceInput::new(
        &scene.published.version.id,
        slow,
        [portico_sdk::RouteInput::path("/mock")],
    );
    scene.client.gateway_services().set(service).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let url = format!("http://{}", scene.address());
    let mut gateway = GatewayChild::start(&[], &url, &scene.token, directory.path());
    wait_for_node(&scene.client, "child", |node| node.is_confirmed).await;

    let calls: Vec<_> = (0..20)
        .map(|_| {
            let call = reqwest::Client::new()
                .get(format!("{}/mock", gateway.listen))
                .header("apikey", &scene.key);
            tokio::spawn(async move {
                let answer = call.send().await.unwrap();
                (answer.status().as_u16(), answer.text().await.unwrap())
            })
        })
        .collect();
    while arrived.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    let sent = Command::new("kill")
        .args(["-TERM", &gateway.child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    // It takes no more calls, and says so, while the old ones go on.
    while gateway.readyz().await.0 != 503 {}
    while !gateway.call(&scene.key).await.is_err_and(|error| error.is_connect()) {}
    assert_eq!(gateway.readyz().await.1["status"], "stopping");
    release.notify_waiters();
    for call in calls {
        assert_eq!(call.await.unwrap(), (200, "late".to_owned()));
    }
    let log = tokio::task::spawn_blocking(move || {
        let mut rest = String::new();
        gateway.log.read_to_string(&mut rest).unwrap();
        assert!(gateway.child.wait().unwrap().success(), "{rest}");
        rest
    });
    let log = tokio::time::timeout(PATIENCE, log).await.expect("it must end").unwrap();
    assert!(log.contains("stopping") && log.contains("stopped"), "{log}");
    assert!(!log.contains(scene.token.expose()), "{log}");
    wait_for_node(&scene.client, "child", |node| node.stopped_at.is_some()).await;
    scene.server.stop().await;
}

/// A number that is not the default one on any machine: one thread more than there are cores.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_has_as_many_threads_as_it_is_told() {
    let scene = Scene::new().await;
    let directory = tempfile::tempdir().unwrap();
    let url = format!("http://{}", scene.address());
    let workers = std::thread::available_parallelism().unwrap().get() + 1;
    let variable = format!("PORTICO_GATEWAY_WORKERS={workers}");
    let gateway = GatewayChild::start(&["env", &variable], &url, &scene.token, directory.path());
    // Calls are answered once all threads are there.
    assert_eq!(gateway.call(&scene.key).await.unwrap(), 200);
    let threads = std::fs::read_dir(format!("/proc/{}/task", gateway.child.id())).unwrap();
    let names = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap());
    assert_eq!(
        names.filter(|name| name.trim_end() == "portico-gateway").count(),
        workers
    );
    scene.server.stop().await;
}

const METRICS: &str = "PORTICO_METRICS_LISTEN=127.0.0.1:0";
const CONNECTED: &str = "portico_gateway_control_plane_connected";
const COPY_FAILING: &str = "portico_gateway_copy_failing";
const AGE: &str = "portico_gateway_snapshot_age_seconds";
const LOADED: &str = "portico_gateway_snapshot_loaded";
const PUBLISHED: &str = "portico_gateway_snapshots_published_total";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_gauges_tell_of_the_control_plane() {
    let scene = Scene::new().await;
    let relay = Relay::to(scene.address()).await;
    let directory = tempfile::tempdir().unwrap();
    // The shortest that there is.
    let program = ["env", METRICS, "PORTICO_MAX_STALENESS=10"];
    let gateway = GatewayChild::start(&program, &relay.url(), &scene.token, directory.path());
    let connected = gateway
        .wait_for_samples(|samples| samples[CONNECTED] == 1.0 && samples[AGE] < 2.0)
        .await;
    assert_eq!((connected[LOADED], connected[COPY_FAILING]), (1.0, 0.0));
    assert_eq!(gateway.call(&scene.key).await.unwrap(), 200);
    let passed = r#"portico_gateway_requests_total{status="200"}"#;
    gateway
        .wait_for_samples(|samples| samples.get(passed) == Some(&1.0))
        .await;

    // A change is a snapshot more.
    fixture::app(&scene.dana, "another").await;
    gateway
        .wait_for_samples(|samples| samples[PUBLISHED] > connected[PUBLISHED])
        .await;

    // Cut off, it grows old, and too old; and young again.
    relay.cut();
    let away = gateway
        .wait_for_samples(|samples| samples[CONNECTED] == 0.0 && samples[AGE] >= 2.0)
        .await;
    assert_eq!(away[LOADED], 1.0);
    let old = gateway.wait_for_samples(|samples| samples[LOADED] == 0.0).await;
    assert!(old[AGE] >= 10.0, "{old:#?}");
    assert_eq!(gateway.call(&scene.key).await.unwrap(), 503);
    relay.mend(scene.address());
    let back = gateway
        .wait_for_samples(|samples| samples[CONNECTED] == 1.0 && samples[AGE] < 2.0)
        .await;
    assert_eq!(back[LOADED], 1.0);
    assert_eq!(gateway.call(&scene.key).await.unwrap(), 200);
    scene.server.stop().await;
}

/// The system refuses every byte of a file beyond the first block, as it does when the disk is full.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_room_for_the_copy_it_serves_and_says_so() {
    let scene = Scene::new().await;
    // More than a block of snapshot.
    for number in 0..20 {
        fixture::app(&scene.dana, &format!("app-{number}")).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let url = format!("http://{}", scene.address());
    let limited = [
        "env",
        METRICS,
        "sh",
        "-c",
        "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"",
    ];
    let gateway = GatewayChild::start(&limited, &url, &scene.token, directory.path());
    let waiting = async {
        loop {
            let (status, ready) = gateway.readyz().await;
            assert_eq!(status, 200, "{ready}");
            if let Some(failure) = ready["copyFailure"].as_str() {
                return failure.to_owned();
            }
        }
    };
    let failure = tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("the copy must fail");
    assert!(failure.contains("too large") || failure.contains("large"), "{failure}");
    assert_eq!(gateway.call(&scene.key).await.unwrap(), 200);
    assert!(!gateway::copy_in(directory.path()).exists());
    let samples = gateway.wait_for_samples(|samples| samples[CONNECTED] == 1.0).await;
    assert_eq!((samples[COPY_FAILING], samples[LOADED]), (1.0, 1.0));
    scene.client.apps().suspend(&scene.app.id, "misuse").await.unwrap();
    let waiting = async { while gateway.call(&scene.key).await.unwrap() != 403 {} };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it must follow");
    scene.server.stop().await;
}

#[test]
fn mistakes_are_told_and_no_token_is_repeated() {
    let token = "pgt_0123456789012345678901234567890123456789012345678";
    let run = |arguments: &[&str]| {
        let directory = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_portico-under-test"))
            .arg("gateway")
            .args(arguments)
            .env_clear()
            .env("PORTICO_DATA_DIR", directory.path().join("data"))
            .output()
            .unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!message.contains(token), "{message}");
        message
    };
    for (arguments, told) in [
        (&[][..], "--control-plane"),
        (&["--control-plane", "http://portico.example.com"], "https"),
        (&["--control-plane", "http://127.0.0.1:1"], "PORTICO_GATEWAY_TOKEN"),
        (
            &["--control-plane", "http://127.0.0.1:1", "--token", token],
            "form of a gateway token",
        ),
        (
            &[
                "--control-plane",
                "http://127.0.0.1:1",
                "--token-file",
                "/nowhere/token",
            ],
            "/nowhere/token",
        ),
        (
            &["--control-plane", "http://127.0.0.1:1", "--max-staleness", "5"],
            "at least 10",
        ),
    ] {
        let message = run(arguments);
        assert!(message.contains(told), "{arguments:?}: {message}");
    }
}
