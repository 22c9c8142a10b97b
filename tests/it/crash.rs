//! The binary from outside: killed, stopped, started twice, backed up.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::Arc,
};

use axum::Router;
use portico_sdk::{
    AccessRequestFilter, AccessRequestStatus, AppId, CreateAppInput, CredentialId, CredentialStatus,
    GenerateCredentialInput, Portico, RequestAccessInput, RouteInput, SetGatewayServiceInput, VersionId,
};
use portico_tests::{server::PATIENCE, upstream::Upstream};
use tokio::sync::{Notify, mpsc};

use crate::process::{Process, command};

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
            acknowledged.key = Some((id.clone(), generated.secret.expose().to_owned()));
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
        let filter = AccessRequestFilter::new().app_id(app);
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
    let key = generated.secret.expose().to_owned();
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
    let service = SetGatewayServiceInput::new(&version, open.url(), [RouteInput::path("/mock")]);
    admin.gateway_services().set(service).await.unwrap();
    assert_kept(&restarted, &version, &written).await;
    assert_eq!(restarted.verdict(&key).await, 200);
}

/// Runs the binary to its end, which must come by itself.
fn run(directory: &Path, arguments: &[&str]) -> Output {
    command(directory).args(arguments).output().unwrap()
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
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("another portico server") && told.contains("--data-dir"),
        "{told}"
    );
    process.admin().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_server_on_sqlite_serves() {
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
