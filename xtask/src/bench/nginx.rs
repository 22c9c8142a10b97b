//! Debian's nginx: the peer, and the upstream that all proxies share.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Bench, install, pinned::Running};

/// Bytes of the answer that travels through the proxies.
pub(crate) const BODY_BYTES: usize = 1024;

/// An nginx that runs.
#[derive(Debug)]
pub(crate) struct Nginx {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
}

impl Nginx {
    /// Answers every request with the same body, on the load's core.
    pub(crate) fn upstream(bench: &Bench) -> Result<Self, String> {
        let body = "0123456789abcdef".repeat(BODY_BYTES / 16);
        let server = format!("location / {{ default_type text/plain; return 200 \"{body}\"; }}");
        let program = ensure()?;
        let command = bench.cores.load_command(&program);
        Self::start(bench, command, "upstream", "", &server)
    }

    /// Forwards every request to `upstream` over kept connections, on the server's core.
    pub(crate) fn proxy(bench: &Bench, upstream: SocketAddr) -> Result<Self, String> {
        let pool = format!("upstream behind {{ server {upstream}; keepalive 128; keepalive_requests {MANY}; }}");
        let server =
            "location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection \"\"; }";
        let program = ensure()?;
        let command = bench.cores.server_command(&program);
        Self::start(bench, command, "proxy", &pool, server)
    }

    fn start(bench: &Bench, mut command: Command, name: &str, http: &str, server: &str) -> Result<Self, String> {
        let address = free_address()?;
        let prefix = bench.file(name);
        fs::create_dir_all(&prefix).map_err(|error| format!("{} cannot be made: {error}", prefix.display()))?;
        let text = configuration(&prefix, address, http, server);
        let file = prefix.join("nginx.conf");
        fs::write(&file, text).map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
        command
            .arg("-p")
            .arg(&prefix)
            .arg("-c")
            .arg(&file)
            .args(["-g", "daemon off;"])
            .stderr(Stdio::null());
        let running = Running::start_until(&mut command, || TcpStream::connect(address).is_ok())?;
        Ok(Self { running, address })
    }
}

/// Connections are not to be made anew while it is measured what requests cost.
const MANY: u32 = 1_000_000_000;

fn configuration(prefix: &Path, address: SocketAddr, http: &str, server: &str) -> String {
    let prefix = prefix.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {prefix}/{kind}; "))
        .collect();
    format!(
        "worker_processes 1;\npid {prefix}/pid;\nerror_log {prefix}/error.log;\nevents {{ worker_connections 4096; }}\n\
         http {{\naccess_log off;\nkeepalive_requests {MANY};\nkeepalive_timeout 600s;\n{temporary}\n{http}\n\
         server {{ listen {address}; {server} }}\n}}\n"
    )
}

fn free_address() -> Result<SocketAddr, String> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("no port is free: {error}"))
}

fn ensure() -> Result<PathBuf, String> {
    install::ensure("nginx", "nginx-light")
}

/// Its version, for the report.
pub(crate) fn version() -> Result<String, String> {
    let program = ensure()?;
    let output = Command::new(&program)
        .arg("-v")
        .output()
        .map_err(|error| format!("nginx cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    Ok(text.trim().trim_start_matches("nginx version: ").to_owned())
}
