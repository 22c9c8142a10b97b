//! Load for `cargo xtask bench`: keep-alive GETs over connections of its own, every answer looked at.
//!
//! Two kinds, because two things are asked. *Saturating*: each connection sends its next request as soon as it has an
//! answer, which keeps the server busy and says what a request costs. *Constant rate*: requests are due at fixed
//! times, whatever the answers do, and the time counts from when each was due; a server that stalls is charged for
//! everybody who would have come meanwhile (no coordinated omission).

pub(crate) mod answer;
mod constant_rate;
mod saturating;

use std::{
    ffi::OsString,
    fs,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::TaskResult;

/// One run of load. Runs in a process of its own, so that it can be pinned.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoadOptions {
    /// Where to send to.
    #[arg(long)]
    pub(crate) target: SocketAddr,
    /// What to send: lines of a path, a space and a key.
    #[arg(long)]
    pub(crate) keys_file: PathBuf,
    /// How to send.
    #[arg(long, value_enum)]
    pub(crate) kind: LoadKind,
    /// Connections.
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// Requests a second, all connections together; for a constant rate.
    #[arg(long, default_value_t = 4000)]
    pub(crate) rate: u32,
    /// Seconds.
    #[arg(long)]
    pub(crate) seconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LoadKind {
    Saturating,
    ConstantRate,
}

impl LoadOptions {
    /// The arguments that say the same.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let Self {
            target,
            keys_file,
            kind,
            connections,
            rate,
            seconds,
        } = self;
        let kind = match kind {
            LoadKind::Saturating => "saturating",
            LoadKind::ConstantRate => "constant-rate",
        };
        [
            ("--target", target.to_string().into()),
            ("--keys-file", keys_file.clone().into_os_string()),
            ("--kind", kind.into()),
            ("--connections", connections.to_string().into()),
            ("--rate", rate.to_string().into()),
            ("--seconds", seconds.to_string().into()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [OsString::from(name), value])
        .collect()
    }

    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// What a run of load saw.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LoadResult {
    /// Answers of 200.
    pub(crate) answered: u64,
    /// Everything else: other answers, and connections that broke.
    pub(crate) failed: u64,
    /// Latencies in microseconds at [`QUANTILES`]; empty for a saturating run.
    pub(crate) latency_micros: Vec<u64>,
}

/// The quantiles that a run at a constant rate reports.
pub(crate) const QUANTILES: [f64; 7] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];

/// Runs the load and prints a [`LoadResult`] in JSON.
pub(crate) fn run(options: &LoadOptions) -> TaskResult {
    if !is_loopback(options.target.ip()) {
        return Err(format!(
            "{} is not this machine: load goes nowhere else",
            options.target
        ));
    }
    let requests = requests(options)?;
    let result = match options.kind {
        LoadKind::Saturating => saturating::run(options, requests),
        LoadKind::ConstantRate => constant_rate::run(options, &requests),
    }
    .map_err(|error| format!("the load on {} could not be run: {error}", options.target))?;
    let json = serde_json::to_string(&result).map_err(|error| error.to_string())?;
    println!("{json}");
    Ok(())
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// One request for each key, ready to be sent.
fn requests(options: &LoadOptions) -> Result<Vec<Vec<u8>>, String> {
    let file = &options.keys_file;
    let text = fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let requests: Vec<Vec<u8>> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(path, key)| request(path, key))
        .collect();
    if requests.is_empty() {
        return Err(format!("{} holds no keys", file.display()));
    }
    Ok(requests)
}

/// A request as an ordinary client sends it.
pub(crate) fn request(path: &str, key: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: gateway.example.com\r\nUser-Agent: portico-bench/1\r\nAccept: */*\r\n\
         apikey: {key}\r\n\r\n"
    )
    .into_bytes()
}

/// Which request comes next: a generator good enough to defeat caches, and cheap (xorshift64*, Vigna 2014).
pub(crate) struct Picker(u64);

impl Picker {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        // Below `count`, which no list of requests exceeds 2^32 of.
        ((high * count as u64) >> 32) as usize
    }
}
