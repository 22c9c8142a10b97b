//! Calls through a proxy: that they are answered alike, and how many a second of the processor pays for.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    thread,
    time::Duration,
};

use super::{
    Bench, nginx,
    pinned::Running,
    profile::{self, Profile},
};
use crate::load::{self, LoadKind, LoadOptions, LoadResult, answer};

/// Connections of saturating load.
pub(super) const CONNECTIONS: usize = 64;

/// Saturates a server with the calls in `keys_file` for a round; tells the requests per CPU-second of its processes.
pub(super) fn requests_per_cpu_second(
    bench: &Bench,
    name: &str,
    (running, target): (&Running, SocketAddr),
    keys_file: &Path,
) -> Result<f64, String> {
    let before = running.cpu_time()?;
    let result = bench.load(&LoadOptions {
        target,
        keys_file: keys_file.to_owned(),
        kind: LoadKind::Saturating,
        connections: CONNECTIONS,
        rate: 0,
        seconds: bench.seconds,
    })?;
    let used = running.cpu_time()?.saturating_sub(before);
    answered(name, &result)?;
    Ok(result.answered as f64 / used.as_secs_f64())
}

/// Where the time of a server goes while `load` runs.
pub(super) fn profile_under_load(
    bench: &Bench,
    running: &Running,
    caption: &str,
    load: impl FnOnce() -> Result<f64, String> + Send,
) -> Result<Profile, String> {
    thread::scope(|scope| {
        let under_load = scope.spawn(load);
        let profile = profile::of(running, &bench.file("profile"), bench.seconds, caption);
        under_load
            .join()
            .map_err(|_| "the load broke off".to_owned())?
            .and(profile)
    })
}

/// `gateway/examples/measured.rs`, running.
pub(super) struct Measured {
    pub(super) running: Running,
    pub(super) address: SocketAddr,
}

impl Measured {
    /// Starts it with so many keys, five to an app, which it writes to `keys_file`.
    pub(super) fn start(
        bench: &Bench,
        program: &Path,
        upstream: SocketAddr,
        keys: usize,
        keys_file: &Path,
    ) -> Result<Self, String> {
        let mut command = bench.cores.server_command(program);
        command
            .args(["--listen", "127.0.0.1:0"])
            .args(["--upstream", &format!("http://{upstream}")])
            .args(["--keys", &keys.to_string()])
            .arg("--keys-file")
            .arg(keys_file);
        let (running, address) = Running::start(&mut command, "listening on ")?;
        let address = address.parse().map_err(|_| format!("{address} is no address"))?;
        Ok(Self { running, address })
    }
}

/// How many keys are tried before the load.
const COMPARED: usize = 200;

/// Every one of `proxies` gives the upstream's answer to the same call; `deciding`, and it alone, gives none to others.
pub(super) fn compare(
    keys_file: &Path,
    upstream: SocketAddr,
    proxies: &[(&str, SocketAddr)],
    deciding: SocketAddr,
) -> Result<(), String> {
    let text = fs::read_to_string(keys_file).map_err(|error| format!("the keys cannot be read: {error}"))?;
    let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    for (path, key) in lines.iter().step_by(lines.len().div_ceil(COMPARED)) {
        let expected = ask(upstream, path, key)?;
        if expected.0 != 200 || expected.1.len() != nginx::BODY_BYTES {
            return Err(format!(
                "the upstream answers {} with {} bytes",
                expected.0,
                expected.1.len()
            ));
        }
        for (name, address) in proxies {
            if ask(*address, path, key)? != expected {
                return Err(format!("{name} does not answer as the upstream does"));
            }
        }
        for (wrong, asked) in [("ptk_wrong", *path), (*key, "/no-such-route")] {
            let (status, _) = ask(deciding, asked, wrong)?;
            if !matches!(status, 401 | 404) {
                return Err(format!("the gateway lets through what it must not: {status}"));
            }
        }
    }
    Ok(())
}

/// Status and body of one call.
fn ask(address: SocketAddr, path: &str, key: &str) -> Result<(u16, Vec<u8>), String> {
    let call = || -> std::io::Result<Vec<u8>> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        socket.write_all(&load::request(path, key))?;
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let count = socket.read(&mut piece)?;
            bytes.extend_from_slice(&piece[..count]);
            let head = answer::head(&bytes).map_err(std::io::Error::other)?;
            if count == 0 || head.is_some_and(|head| bytes.len() >= head.length) {
                return Ok(bytes);
            }
        }
    };
    let bytes = call().map_err(|error| format!("{address} does not answer: {error}"))?;
    let head = answer::head(&bytes)?.ok_or_else(|| format!("{address} answers half"))?;
    let body = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| bytes[at + 4..].to_vec())
        .unwrap_or_default();
    Ok((head.status, body))
}

pub(super) fn answered(name: &str, result: &LoadResult) -> Result<(), String> {
    if result.failed > 0 || result.answered == 0 {
        return Err(format!(
            "{name} answered {} and failed {}",
            result.answered, result.failed
        ));
    }
    Ok(())
}
