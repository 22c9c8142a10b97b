//! The binary from outside: killed, stopped, started twice, backed up.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, mpsc as sync_mpsc},
    time::Duration,
};

use axum::Router;
use portico_sdk::{
    AccessRequestStatus, AppId, CreateAppInput, CredentialId, CredentialStatus, GenerateCredentialInput, Portico,
    Realm, RequestAccessInput, SecretString, SignUpInput, VersionId,
};
use portico_tests::{
    fixture,
    server::{ADMIN_PASSWORD, DEVELOPER_PASSWORD},
    upstream::Upstream,
};
use tokio::sync::{Notify, mpsc};

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico-under-test"));
    command
        .env_clear()
        .env("PORTICO_DATA_DIR", directory)
        .env("PORTICO_ADMIN_EMAIL", "admin@example.com")
        .env("PORTICO_ADMIN_PASSWORD", ADMIN_PASSWORD)
        .stdin(Stdio::null());
    command
}

/// The server as a process of its own.
struct Process {
    child: Child,
    log: sync_mpsc::Receiver<String>,
    endpoint: String,
    gateway: String,
}

impl Process {
    fn start(directory: &Path) -> Self {
        let mut command = command(directory);
        command.args(["--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = sync_mpsc::channel();
        // Reads to the end, so that the server never waits for room in the pipe.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut process = Self {
            child,
            log,
            endpoint: String::new(),
            gateway: String::new(),
        };
        process.wait_for_line("serving");
        let addresses = fs::read(directory.join("addresses.json")).unwrap();
        let addresses: serde_json::Value = serde_json::from_slice(&addresses).unwrap();
        process.endpoint = format!("http://{}/graphql", addresses["listen"].as_str().unwrap());
        process.gateway = format!("http://{}", addresses["gateway_listen"].as_str().unwrap());
        process
    }

    /// Waits until the log has a line with `text`; the end of the log before that is the process's end.
    fn wait_for_line(&self, text: &str) {
        let mut seen = Vec::new();
        loop {
            let line = self.log.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("no {text:?} in the log: {error}; {seen:?}"));
            if line.contains(text) {
                return;
            }
            seen.push(line);
        }
    }

    /// `kill -9`.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn terminate(&self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    async fn end(mut self) -> ExitStatus {
        let waited = tokio::task::spawn_blocking(move || self.child.wait().unwrap());
        tokio::time::timeout(PATIENCE, waited)
            .await
            .expect("the process must end")
            .unwrap()
    }

    async fn sign_in(&self, realm: Realm, email: &str, password: &str) -> Portico {
        let client = Portico::builder(&self.endpoint).build().unwrap();
        client
            .sign_in(realm, email, SecretString::from(password))
            .await
            .unwrap();
        client
    }

    async fn admin(&self) -> Portico {
        self.sign_in(Realm::Admin, "admin@example.com", ADMIN_PASSWORD).await
    }

    async fn dana(&self) -> Portico {
        self.sign_in(Realm::Portal, "dana@example.com", DEVELOPER_PASSWORD)
            .await
    }

    /// An approved developer and a version that approves automatically.
    async fn prepare(&self, upstream: &str) -> VersionId {
        let admin = self.admin().await;
        let first = Upstream::start().await;
        let published = fixture::publish(&admin, &first, "mock", true).await;
        let service = portico_sdk::SetGatewayServiceInput::new(
            &published.version.id,
            upstream,
            [portico_sdk::RouteInput::path("/mock")],
        );
        admin.gateway_services().set(service).await.unwrap();
        let anonymous = Portico::builder(&self.endpoint).build().unwrap();
        let input = SignUpInput::new("dana@example.com", SecretString::from(DEVELOPER_PASSWORD), "Dana");
        let developer = anonymous.sign_up(input).await.unwrap();
        admin.developers().approve(&developer.id, None).await.unwrap();
        published.version.id
    }

    async fn verdict(&self, key: &str) -> u16 {
        let request = reqwest::Client::new()
            .get(format!("{}/mock", self.gateway))
            .header("apikey", key);
        request.send().await.unwrap().status().as_u16()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Without effect on a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the server has acknowledged of one app.
#[derive(Default)]
struct Acknowledged {
    app: Option<AppId>,
    requested: bool,
    key: Option<(CredentialId, String)>,
    revoked: bool,
}

/// Writes without end, telling `count` of each acknowledgement, until a write gets no answer.
async fn write(
    client: Portico,
    version: VersionId,
    name: String,
    count: mpsc::UnboundedSender<()>,
) -> Vec<Acknowledged> {
    let mut written = Vec::new();
    loop {
        let number = written.len();
        let mut acknowledged = Acknowledged::default();
        let writes = async {
            let input = CreateAppInput::new("Load", format!("{name}-{number}"));
            let app = client.apps().create(input).await?.into_inner().id;
            acknowledged.app = Some(app.clone());
            let _ = count.send(());
            client
                .access_requests()
                .request(RequestAccessInput::new(&app, &version))
                .await?;
            acknowledged.requested = true;
            let _ = count.send(());
            let generated = client
                .credentials()
                .generate(GenerateCredentialInput::new(&app))
                .await?;
            let id = generated.credential.id;
            acknowledged.key = Some((id.clone(), generated.secret.unwrap().expose().to_owned()));
            let _ = count.send(());
            if number % 2 == 1 {
                client.credentials().revoke(&id).await?;
                acknowledged.revoked = true;
                let _ = count.send(());
            }
            Ok::<(), portico_sdk::Error>(())
        };
        let result = writes.await;
        written.push(acknowledged);
        if let Err(error) = result {
            assert!(error.code().is_none(), "the load itself must not be refused: {error:?}");
            return written;
        }
    }
}

/// Starts four writers and waits until `acknowledgements` have come.
async fn load(
    process: &Process,
    version: &VersionId,
    acknowledgements: usize,
) -> Vec<tokio::task::JoinHandle<Vec<Acknowledged>>> {
    let dana = process.dana().await;
    let (sender, mut count) = mpsc::unbounded_channel();
    let writers = (0..4)
        .map(|writer| {
            tokio::spawn(write(
                dana.clone(),
                version.clone(),
                format!("writer-{writer}"),
                sender.clone(),
            ))
        })
        .collect();
    for _ in 0..acknowledgements {
        tokio::time::timeout(PATIENCE, count.recv()).await.unwrap().unwrap();
    }
    writers
}

/// Asserts that all that was acknowledged is there, and that the gateway's verdicts are the database's.
async fn assert_kept(process: &Process, version: &VersionId, written: &[Acknowledged]) {
    let dana = process.dana().await;
    let mut opened = 0;
    for one in written {
        let Some(app) = &one.app else { continue };
        assert!(dana.apps().get(app).await.unwrap().is_some(), "{app} was acknowledged");
        let filter = portico_sdk::AccessRequestFilter::new().app_id(app);
        let requests = dana.access_requests().list().filter(filter).page().await.unwrap().nodes;
        if one.requested {
            assert_eq!(requests.len(), 1);
            assert_eq!(requests[0].version.id, *version);
            assert_eq!(requests[0].status, AccessRequestStatus::Approved);
        }
        let Some((credential, key)) = &one.key else { continue };
        let credential = dana
            .credentials()
            .get(credential)
            .await
            .unwrap()
            .expect("the key was acknowledged");
        assert!(!one.revoked || credential.status == CredentialStatus::Revoked);
        let verdict = if credential.status == CredentialStatus::Active {
            200
        } else {
            401
        };
        assert_eq!(process.verdict(key).await, verdict);
        opened += usize::from(verdict == 200);
    }
    assert!(opened > 0, "the load was too short to show anything");
}

async fn joined(writers: Vec<tokio::task::JoinHandle<Vec<Acknowledged>>>) -> Vec<Acknowledged> {
    let mut written = Vec::new();
    for writer in writers {
        written.extend(writer.await.unwrap());
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let upstream = Upstream::start().await;
    let process = Process::start(&data);
    let version = process.prepare(upstream.url()).await;
    let writers = load(&process, &version, 40).await;
    process.kill();
    let written = joined(writers).await;
    let restarted = Process::start(&data);
    assert_kept(&restarted, &version, &written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_what_is_under_way_finish() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let (arrived, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let held = {
        let (arrived, release) = (Arc::clone(&arrived), Arc::clone(&release));
        Router::new().fallback(move || async move {
            arrived.notify_one();
            release.notified().await;
            "finished"
        })
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, held).await.unwrap() });

    let process = Process::start(&data);
    let version = process.prepare(&upstream).await;
    let dana = process.dana().await;
    let app = dana
        .apps()
        .create(CreateAppInput::new("Caller", "caller"))
        .await
        .unwrap()
        .into_inner();
    dana.access_requests()
        .request(RequestAccessInput::new(&app.id, &version))
        .await
        .unwrap();
    let generated = dana
        .credentials()
        .generate(GenerateCredentialInput::new(&app.id))
        .await
        .unwrap();
    let key = generated.secret.unwrap().expose().to_owned();
    let request = reqwest::Client::new()
        .get(format!("{}/mock", process.gateway))
        .header("apikey", &key);
    let under_way = tokio::spawn(request.send());
    tokio::time::timeout(PATIENCE, arrived.notified()).await.unwrap();
    let writers = load(&process, &version, 8).await;

    process.terminate();
    process.wait_for_line("stopping");
    release.notify_one();
    let answer = under_way.await.unwrap().unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.unwrap().as_str()),
        (200, "finished")
    );
    assert_eq!(process.end().await.code(), Some(0));
    let written = joined(writers).await;

    let restarted = Process::start(&data);
    let open = Upstream::start().await;
    let admin = restarted.admin().await;
    let service =
        portico_sdk::SetGatewayServiceInput::new(&version, open.url(), [portico_sdk::RouteInput::path("/mock")]);
    admin.gateway_services().set(service).await.unwrap();
    assert_kept(&restarted, &version, &written).await;
    assert_eq!(restarted.verdict(&key).await, 200);
}

/// Runs the binary to its end, which must come by itself.
fn run(directory: &Path, arguments: &[&str]) -> Output {
    command(directory).args(arguments).output().unwrap()
}

#[test]
fn a_taken_port_is_told_with_the_flag_that_helps() {
    let directory = tempfile::tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for (listen, gateway, flag) in [
        (taken.as_str(), "127.0.0.1:0", "--listen"),
        ("127.0.0.1:0", taken.as_str(), "--gateway-listen"),
    ] {
        let output = run(directory.path(), &["--listen", listen, "--gateway-listen", gateway]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        assert!(
            told.contains(&taken) && told.contains(&format!("with {flag} ")),
            "{told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_serves_one_server() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::start(directory.path());
    let output = run(
        directory.path(),
        &["--listen", "127.0.0.1:0", "--gateway-listen", "off"],
    );
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        told.contains("another portico server") && told.contains("--data-dir"),
        "{told}"
    );
    process.admin().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_server_serves() {
    let directory = tempfile::tempdir().unwrap();
    let (data, other): (PathBuf, PathBuf) = (directory.path().join("data"), directory.path().join("other"));
    let upstream = Upstream::start().await;
    let process = Process::start(&data);
    let version = process.prepare(upstream.url()).await;
    let writers = load(&process, &version, 20).await;
    let before: Vec<AppId> = process
        .dana()
        .await
        .apps()
        .list()
        .page()
        .await
        .unwrap()
        .nodes
        .into_iter()
        .map(|app| app.id)
        .collect();
    fs::create_dir(&other).unwrap();
    let file = other.join("portico.db");
    let output = run(&data, &["backup", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let again = run(&data, &["backup", file.to_str().unwrap()]);
    assert!(!again.status.success());
    process.kill();
    let written = joined(writers).await;

    let restored = Process::start(&other);
    let dana = restored.dana().await;
    assert!(!before.is_empty());
    for app in &before {
        assert!(
            dana.apps().get(app).await.unwrap().is_some(),
            "{app} was there before the backup"
        );
    }
    let mut opened = 0;
    for (credential, key) in written.iter().filter_map(|one| one.key.as_ref()) {
        // Written after the backup: not in it.
        let Some(credential) = dana.credentials().get(credential).await.unwrap() else {
            continue;
        };
        let verdict = if credential.status == CredentialStatus::Active {
            200
        } else {
            401
        };
        assert_eq!(restored.verdict(key).await, verdict);
        opened += usize::from(verdict == 200);
    }
    assert!(opened > 0);
}

#[test]
fn the_schema_that_it_prints_is_the_one_in_the_repository() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["schema"]);
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        include_str!("../../schema.graphql")
    );
    // It needs no database, and makes none.
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
