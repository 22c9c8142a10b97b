//! The server as a process of its own, that can be killed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
};

use portico_sdk::{
    Portico, Realm, RetryPolicy, RouteInput, SecretString, SetGatewayServiceInput, SignUpInput, VersionId,
};
use portico_tests::{
    database, fixture,
    server::{ADMIN_PASSWORD, DEVELOPER_PASSWORD, PATIENCE},
    upstream::Upstream,
};

pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico-under-test"));
    command
        .env_clear()
        .env("PORTICO_DATA_DIR", directory)
        .env("PORTICO_ADMIN_EMAIL", "admin@example.com")
        .env("PORTICO_ADMIN_PASSWORD", ADMIN_PASSWORD)
        .envs(database::variables(directory))
        .stdin(Stdio::null());
    command
}

/// The server as a process of its own.
pub(crate) struct Process {
    child: Child,
    log: mpsc::Receiver<String>,
    endpoint: String,
    pub(crate) gateway: String,
}

impl Process {
    pub(crate) fn start(directory: &Path) -> Self {
        let mut command = command(directory);
        command.args(["--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = mpsc::channel();
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

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Waits until the log has a line with `text`; the end of the log before that is the process's end.
    pub(crate) fn wait_for_line(&self, text: &str) {
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
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn terminate(&self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    pub(crate) async fn end(mut self) -> ExitStatus {
        let waited = tokio::task::spawn_blocking(move || self.child.wait().unwrap());
        tokio::time::timeout(PATIENCE, waited)
            .await
            .expect("the process must end")
            .unwrap()
    }

    async fn sign_in(&self, realm: Realm, email: &str, password: &str) -> Portico {
        let client = Portico::builder(&self.endpoint)
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        client
            .sign_in(realm, email, SecretString::from(password))
            .await
            .unwrap();
        client
    }

    pub(crate) async fn admin(&self) -> Portico {
        self.sign_in(Realm::Admin, "admin@example.com", ADMIN_PASSWORD).await
    }

    pub(crate) async fn dana(&self) -> Portico {
        self.sign_in(Realm::Portal, "dana@example.com", DEVELOPER_PASSWORD)
            .await
    }

    /// An approved developer and a version that approves automatically.
    pub(crate) async fn prepare(&self, upstream: &str) -> VersionId {
        let admin = self.admin().await;
        let first = Upstream::start().await;
        let published = fixture::publish(&admin, &first, "mock", true).await;
        let service = SetGatewayServiceInput::new(&published.version.id, upstream, [RouteInput::path("/mock")]);
        admin.gateway_services().set(service).await.unwrap();
        let anonymous = Portico::builder(&self.endpoint)
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        let input = SignUpInput::new("dana@example.com", SecretString::from(DEVELOPER_PASSWORD), "Dana");
        let developer = anonymous.sign_up(input).await.unwrap();
        admin.developers().approve(&developer.id, None).await.unwrap();
        published.version.id
    }

    pub(crate) async fn verdict(&self, key: &str) -> u16 {
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
