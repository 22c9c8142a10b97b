//! A gateway of its own under test.

use std::path::{Path, PathBuf};

use domain::gateway_token::GatewayToken;
use portico::{config::GatewayOptions, fleet::gateway_process::GatewayProcess};
use portico_sdk::{CreateGatewayTokenInput, GatewayNode, GatewayTokenId, Portico};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::server::PATIENCE;

/// A gateway in this process that follows a control plane over HTTP, with a data directory of its own.
pub struct TestGateway {
    process: Option<GatewayProcess>,
    options: GatewayOptions,
    _directory: TempDir,
}

/// Makes a gateway token.
pub async fn token(admin: &Portico, name: &str) -> (GatewayTokenId, GatewayToken) {
    let created = admin
        .gateway_tokens()
        .create(CreateGatewayTokenInput::new(name))
        .await
        .unwrap();
    let secret = created.secret;
    let token = GatewayToken::parse(secret.expose_secret().as_bytes()).unwrap();
    (created.token.id, token)
}

impl TestGateway {
    /// Starts a gateway that follows the control plane at `url`.
    pub async fn start(url: &str, token: &GatewayToken) -> Self {
        Self::start_with(url, token, |_| {}).await
    }

    /// Starts one, its options changed by `adjust`.
    pub async fn start_with(url: &str, token: &GatewayToken, adjust: impl FnOnce(&mut GatewayOptions)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let mut options = GatewayOptions::local(url.parse().unwrap(), token.clone(), &data);
        adjust(&mut options);
        let process = GatewayProcess::start(&options).await.unwrap();
        Self {
            process: Some(process),
            options,
            _directory: directory,
        }
    }

    /// The gateway itself.
    pub fn process(&self) -> &GatewayProcess {
        self.process.as_ref().unwrap()
    }

    /// Stops it in order, its data left as it is.
    pub async fn pause(&mut self) {
        self.process.take().unwrap().stop().await;
    }

    /// Starts it again on the same data.
    pub async fn resume(&mut self) {
        self.process = Some(GatewayProcess::start(&self.options).await.unwrap());
    }

    /// Stops it in order.
    pub async fn stop(mut self) {
        self.pause().await;
    }

    /// Its copy of the snapshot.
    pub fn copy(&self) -> PathBuf {
        copy_in(&self.options.data_dir)
    }

    /// A path on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.process().listen())
    }

    /// Calls it with a key in `apikey`.
    pub async fn call(&self, path: &str, key: &str) -> reqwest::Response {
        let request = reqwest::Client::new().get(self.url(path)).header("apikey", key);
        request.send().await.unwrap()
    }

    /// The status of such a call.
    pub async fn status(&self, path: &str, key: &str) -> u16 {
        self.call(path, key).await.status().as_u16()
    }

    /// Calls it until the answer has this status.
    pub async fn wait_for_status(&self, path: &str, key: &str, status: u16) {
        let waiting = async { while self.status(path, key).await != status {} };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{path} must come to answer {status}"));
    }

    /// What `/readyz` says, with its status.
    pub async fn readyz(&self) -> (u16, Value) {
        let url = format!("http://{}/readyz", self.process().health_listen().unwrap());
        let answer = reqwest::get(url).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Asks `/readyz` until the answer is as wanted.
    pub async fn wait_until_ready(&self, wanted: impl Fn(u16, &Value) -> bool) {
        let waiting = async {
            loop {
                let (status, body) = self.readyz().await;
                if wanted(status, &body) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("/readyz must come to answer as wanted");
    }
}

/// The copy of the snapshot in a gateway's data directory.
pub fn copy_in(directory: &Path) -> PathBuf {
    directory.join("snapshot.copy")
}

/// The gateway that the API knows by this name, once it is as wanted.
pub async fn wait_for_node(admin: &Portico, name: &str, wanted: impl Fn(&GatewayNode) -> bool) -> GatewayNode {
    let waiting = async {
        loop {
            let nodes = admin.gateway_nodes().list().page().await.unwrap().nodes;
            if let Some(node) = nodes.into_iter().find(|node| node.name == name && wanted(node)) {
                return node;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("{name} must come to be known as wanted"))
}
