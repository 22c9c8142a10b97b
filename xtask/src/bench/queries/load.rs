//! Saturating load: each connection sends its next request as soon as it has an answer.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::bench::http::Connection;

/// What a run saw.
pub(super) struct Load {
    /// How long each answer of 200 without errors took, the shortest first.
    pub(super) times: Vec<Duration>,
}

impl Load {
    /// The median time of an answer.
    pub(super) fn median(&self) -> Duration {
        self.times.get(self.times.len() / 2).copied().unwrap_or_default()
    }
}

/// Sends what `next` makes over `connections` at once for so long. `next` gets the connection's number and how many
/// requests there were in all, so that each can be another one.
pub(super) fn run(
    target: SocketAddr,
    connections: usize,
    duration: Duration,
    next: &(impl Fn(usize, u64) -> Vec<u8> + Sync),
) -> Result<Load, String> {
    let (count, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let drive = |number: usize| -> Result<Vec<Duration>, String> {
        let mut connection = Connection::open(target)?;
        let mut times = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let request = next(number, count.fetch_add(1, Ordering::Relaxed));
            let sent = Instant::now();
            let (status, body) = connection.exchange(&request)?;
            times.push(sent.elapsed());
            if status != 200 || is_error(&body) {
                stop.store(true, Ordering::Relaxed);
                return Err(format!("an answer of {status}: {}", String::from_utf8_lossy(&body)));
            }
        }
        Ok(times)
    };
    let results: Vec<_> = thread::scope(|scope| {
        let drivers: Vec<_> = (0..connections)
            .map(|number| {
                scope.spawn({
                    let drive = &drive;
                    move || drive(number)
                })
            })
            .collect();
        thread::sleep(duration);
        stop.store(true, Ordering::Relaxed);
        let joined = drivers.into_iter().map(|driver| driver.join());
        joined
            .map(|result| result.unwrap_or_else(|_| Err("a driver panicked".to_owned())))
            .collect()
    });
    let mut times = results.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    times.sort_unstable();
    Ok(Load { times })
}

/// Whether an answer has errors: they stand first in ours, and PostGraphile's have them where ours have.
fn is_error(body: &[u8]) -> bool {
    body.starts_with(b"{\"errors\"") || !body.windows(7).take(64).any(|part| part == b"\"data\":")
}
