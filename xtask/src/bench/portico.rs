//! Portico as it is shipped, and what is asked of a GraphQL server.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{Bench, http, keep, pinned::Running};
use crate::process;

/// The admin of every server: e-mail and password.
const ADMIN: (&str, &str) = ("admin@example.com", "a password for the benchmark");

/// Builds it as it is shipped and keeps it, unless the command names one that is built.
pub(super) fn build(bench: &Bench) -> Result<PathBuf, String> {
    if let Some(program) = &bench.portico {
        return Ok(program.clone());
    }
    process::cargo(
        &bench.root,
        &["build", "--locked", "--release", "--package", "portico"],
        &[],
    )?;
    let built = process::target(&bench.root).join("release/portico");
    keep(&built, bench.folder.path(), "portico")
}

/// Starts a command of Portico with its data, and its log, in this directory; waits until it tells the address of this
/// name.
pub(super) fn start(command: &mut Command, directory: &Path, name: &str) -> Result<(Running, SocketAddr), String> {
    fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    let addresses = directory.join("addresses.json");
    let _ = fs::remove_file(&addresses);
    let log = fs::File::create(directory.join("log")).map_err(|error| error.to_string())?;
    command
        .arg("--data-dir")
        .arg(directory)
        .stdout(Stdio::null())
        .stderr(log);
    let told = || {
        let told: Value = serde_json::from_slice(&fs::read(&addresses).ok()?).ok()?;
        told[name].as_str()?.parse().ok()
    };
    let running = Running::start_until(command, || told().is_some())?;
    let address = told().ok_or("a server lost its addresses")?;
    Ok((running, address))
}

/// A server that runs. Dropped, it ends.
pub(super) struct Server {
    running: Running,
    pub(super) address: SocketAddr,
    path: &'static str,
}

impl Server {
    /// A server that takes GraphQL at this path.
    pub(super) const fn new(running: Running, address: SocketAddr, path: &'static str) -> Self {
        Self { running, address, path }
    }

    /// A request of this document.
    pub(super) fn request(&self, document: &str, variables: &Value, token: Option<&str>) -> Vec<u8> {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = authorization
            .iter()
            .map(|value| ("Authorization", value.as_str()))
            .collect();
        let body = json!({ "query": document, "variables": variables });
        http::post(self.path, &headers, &body)
    }

    /// A request that comes from an address of its own, so that no throttle takes many for one.
    pub(super) fn request_from(&self, number: usize, document: &str, variables: &Value) -> Vec<u8> {
        let body = json!({ "query": document, "variables": variables });
        let address = format!("192.0.2.{}", number + 1);
        http::post(self.path, &[("X-Forwarded-For", &address)], &body)
    }

    /// The answer to a request.
    pub(super) fn ask(&self, request: &[u8]) -> Result<Value, String> {
        let (status, body) = http::Connection::open(self.address)?.exchange(request)?;
        let text = String::from_utf8_lossy(&body);
        if status != 200 {
            return Err(format!("an answer of {status}: {text}"));
        }
        serde_json::from_str(&text).map_err(|error| format!("an answer that is no JSON ({error}): {text}"))
    }

    /// An access token, good for 15 minutes; the sign-in comes from the address of this number.
    pub(super) fn sign_in(&self, number: usize, input: &Value) -> Result<String, String> {
        let document =
            "mutation($input: SignInInput!) { signIn(input: $input) { session { accessToken } userErrors { code } } }";
        let answer = self.ask(&self.request_from(number, document, &json!({ "input": input })))?;
        let token = answer["data"]["signIn"]["session"]["accessToken"].as_str();
        token
            .map(str::to_owned)
            .ok_or_else(|| format!("nobody could sign in: {answer}"))
    }

    /// The admin's access token.
    pub(super) fn sign_in_admin(&self, number: usize) -> Result<String, String> {
        self.sign_in(
            number,
            &json!({ "realm": "ADMIN", "email": ADMIN.0, "password": ADMIN.1 }),
        )
    }

    /// The process.
    pub(super) const fn running(&self) -> &Running {
        &self.running
    }

    /// The processor time that the server has used.
    pub(super) fn cpu_time(&self) -> Result<Duration, String> {
        self.running.cpu_time()
    }
}

/// How a Portico is started.
pub(super) struct Portico<'a> {
    pub(super) bench: &'a Bench,
    pub(super) program: &'a Path,
    pub(super) directory: &'a Path,
    /// `None`: SQLite in the directory.
    pub(super) database_url: Option<&'a str>,
    /// Where the signing keys are; `None`: it makes some.
    pub(super) keys: Option<&'a Path>,
    pub(super) flags: &'a [&'a str],
}

impl Portico<'_> {
    /// Starts it, and waits until it listens.
    pub(super) fn start(&self) -> Result<Server, String> {
        let mut command = self.bench.cores.server_command(self.program);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--gateway-listen", "off"])
            .args([
                "--trusted-proxies",
                "127.0.0.1",
                "--max-apps-per-developer",
                "1000000000",
            ])
            // One caller stands for many here.
            .args(["--query-budget", "0", "--admin-query-budget", "0"])
            .args(self.flags)
            .env_remove("DATABASE_URL")
            .env("PORTICO_ADMIN_EMAIL", ADMIN.0)
            .env("PORTICO_ADMIN_PASSWORD", ADMIN.1);
        if let Some(url) = self.database_url {
            command.env("DATABASE_URL", url);
        }
        if let Some(keys) = self.keys {
            command.arg("--portal-signing-keys-file").arg(keys.join("portal.pem"));
            command.arg("--admin-signing-keys-file").arg(keys.join("admin.pem"));
        }
        let (running, address) = start(&mut command, self.directory, "listen")?;
        Ok(Server::new(running, address, "/graphql"))
    }
}
