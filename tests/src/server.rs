//! A server under test.

use std::time::Duration;

use portico::{config::ServeOptions, server::Server};
use portico_sdk::{DeveloperId, Portico, Realm, RetryPolicy, SecretString, SignUpInput};
use tempfile::TempDir;

use crate::database;

/// The admin's password on every server under test.
pub const ADMIN_PASSWORD: &str = "an admin's long password";
/// Every developer's password.
pub const DEVELOPER_PASSWORD: &str = "a developer's long password";

/// How long anything is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A server in this process, with a data directory that is deleted at the end.
pub struct TestServer {
    server: Option<Server>,
    options: ServeOptions,
    _directory: TempDir,
}

/// A developer who is signed in.
pub struct TestDeveloper {
    /// The account.
    pub id: DeveloperId,
    /// What they sign in with.
    pub email: String,
    /// Their own client.
    pub client: Portico,
}

impl TestServer {
    /// Starts a server on an empty database.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server on an empty database, its options changed by `adjust`.
    pub async fn start_with(adjust: impl FnOnce(&mut ServeOptions)) -> Self {
        let (directory, mut options) = prepared();
        database::provide(&mut options).await;
        adjust(&mut options);
        Self::serve(directory, options).await
    }

    /// Starts a server on this PostgreSQL database.
    pub async fn start_on(url: &str) -> Self {
        Self::start_on_with(url, |_| {}).await
    }

    /// Starts a server on this PostgreSQL database, its options changed by `adjust`.
    pub async fn start_on_with(url: &str, adjust: impl FnOnce(&mut ServeOptions)) -> Self {
        let (directory, mut options) = prepared();
        database::on_postgres(&mut options, url);
        adjust(&mut options);
        Self::serve(directory, options).await
    }

    /// Starts another node on the same PostgreSQL database, with the same signing keys.
    pub async fn another_node(&self) -> Self {
        let (directory, mut options) = prepared();
        let storage = std::mem::replace(&mut options.storage, self.options.storage.clone());
        options.storage.data_dir = storage.data_dir;
        options
            .portal_signing_keys_file
            .clone_from(&self.options.portal_signing_keys_file);
        options
            .admin_signing_keys_file
            .clone_from(&self.options.admin_signing_keys_file);
        Self::serve(directory, options).await
    }

    async fn serve(directory: TempDir, options: ServeOptions) -> Self {
        let server = Server::start(&options).await.unwrap();
        Self {
            server: Some(server),
            options,
            _directory: directory,
        }
    }

    /// The server itself.
    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// The options it was started with.
    pub fn options(&self) -> &ServeOptions {
        &self.options
    }

    /// Stops the server in order and starts it again on the same data; the ports may be others.
    pub async fn restart(&mut self) {
        self.server.take().unwrap().stop().await;
        self.server = Some(Server::start(&self.options).await.unwrap());
    }

    /// Stops the server in order.
    pub async fn stop(mut self) {
        self.server.take().unwrap().stop().await;
    }

    /// Where the API is.
    pub fn endpoint(&self) -> String {
        format!("http://{}/graphql", self.server().listen())
    }

    /// A path on the API's port.
    pub fn api(&self, path: &str) -> String {
        format!("http://{}{path}", self.server().listen())
    }

    /// A path on the gateway.
    pub fn gateway(&self, path: &str) -> String {
        format!("http://{}{path}", self.server().gateway_listen().unwrap())
    }

    /// A client that nobody has signed in.
    pub fn anonymous(&self) -> Portico {
        // A test sees every failure, at once.
        Portico::builder(self.endpoint())
            .retry(RetryPolicy::none())
            .build()
            .unwrap()
    }

    /// A client of the admin.
    pub async fn admin(&self) -> Portico {
        let client = self.anonymous();
        client
            .sign_in(Realm::Admin, "admin@example.com", SecretString::from(ADMIN_PASSWORD))
            .await
            .unwrap();
        client
    }

    /// A new developer who waits for approval, signed in.
    pub async fn pending_developer(&self, name: &str) -> TestDeveloper {
        let email = format!("{name}@example.com");
        let client = self.anonymous();
        let input = SignUpInput::new(&email, SecretString::from(DEVELOPER_PASSWORD), name);
        let developer = client.sign_up(input).await.unwrap();
        client
            .sign_in(Realm::Portal, &email, SecretString::from(DEVELOPER_PASSWORD))
            .await
            .unwrap();
        TestDeveloper {
            id: developer.id,
            email,
            client,
        }
    }

    /// A new developer, approved by `admin` and signed in.
    pub async fn developer(&self, admin: &Portico, name: &str) -> TestDeveloper {
        let developer = self.pending_developer(name).await;
        admin.developers().approve(&developer.id, None).await.unwrap();
        developer
    }

    /// Calls the gateway with a key in `apikey`, if one is given.
    pub async fn call(&self, path: &str, key: Option<&str>) -> reqwest::Response {
        let mut request = reqwest::Client::new().get(self.gateway(path));
        if let Some(key) = key {
            request = request.header("apikey", key);
        }
        request.send().await.unwrap()
    }

    /// Waits until such a call is answered with `status`, asking whenever the gateway's snapshot has changed.
    pub async fn wait_for_verdict(&self, path: &str, key: &str, status: u16) {
        let mut changes = self.server().plane().snapshot.changes();
        let verdict = async {
            // What changes while the call is under way is seen by the next wait.
            while self.verdict(path, Some(key)).await.0 != status {
                changes.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(PATIENCE, verdict).await;
        assert!(waited.is_ok(), "no {status} of {path}");
    }

    /// The status of such a call, and the reason that the gateway gives for a refusal.
    pub async fn verdict(&self, path: &str, key: Option<&str>) -> (u16, Option<String>) {
        let answer = self.call(path, key).await;
        let denial = answer
            .headers()
            .get("x-portico-denial")
            .map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), denial)
    }
}

/// A directory, and options with data in it.
fn prepared() -> (TempDir, ServeOptions) {
    let directory = tempfile::tempdir().unwrap();
    let mut options = ServeOptions::local(&directory.path().join("data"));
    options.admin_email = Some("admin@example.com".to_owned());
    options.admin_password = Some(SecretString::from(ADMIN_PASSWORD));
    (directory, options)
}
