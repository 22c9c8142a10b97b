//! Requests are due at fixed times, spread evenly over connections that each have a thread, and the time of each counts
//! from when it was due. Threads, because the kernel's timers are finer than those of an event loop.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{LoadOptions, LoadResult, Picker, QUANTILES, answer};

/// Before this much of a run is over, nothing is counted: connections are being made.
const WARM_UP: Duration = Duration::from_secs(1);
/// A server that does not answer for this long has failed.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_MICROS: u64 = 60_000_000;
const DIGITS: u8 = 3;

pub(super) fn run(options: &LoadOptions, requests: &[Vec<u8>]) -> io::Result<LoadResult> {
    let interval = Duration::from_secs(1) * u32::try_from(options.connections).unwrap_or(u32::MAX) / options.rate;
    let begin = Instant::now() + Duration::from_millis(200);
    let end = begin + WARM_UP + options.duration();
    let drives: Vec<io::Result<Drive>> = thread::scope(|scope| {
        let handles: Vec<_> = (0..options.connections)
            .map(|at| {
                let stagger = Duration::from_secs(1) * u32::try_from(at).unwrap_or(u32::MAX) / options.rate;
                scope.spawn(move || {
                    let schedule = Schedule {
                        first: begin + stagger,
                        counted_from: begin + WARM_UP,
                        end,
                        interval,
                    };
                    drive(options, requests, Picker::new(at as u64 + 1), schedule)
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a connection's thread ended by itself")))
            })
            .collect()
    });
    let mut histogram = Histogram::<u64>::new_with_bounds(1, LONGEST_MICROS, DIGITS).map_err(io::Error::other)?;
    let mut total = LoadResult::default();
    for drive in drives {
        let drive = drive?;
        total.answered += drive.latencies.len();
        total.failed += drive.failed;
        histogram.add(drive.latencies).map_err(io::Error::other)?;
    }
    total.latency_micros = QUANTILES.iter().map(|at| histogram.value_at_quantile(*at)).collect();
    Ok(total)
}

struct Schedule {
    first: Instant,
    counted_from: Instant,
    end: Instant,
    interval: Duration,
}

struct Drive {
    latencies: Histogram<u64>,
    failed: u64,
}

fn drive(options: &LoadOptions, requests: &[Vec<u8>], mut picker: Picker, schedule: Schedule) -> io::Result<Drive> {
    let mut socket = TcpStream::connect(options.target)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut drive = Drive {
        latencies: Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS).map_err(io::Error::other)?,
        failed: 0,
    };
    let mut buffer = vec![0; 64 * 1024];
    let mut due = schedule.first;
    while due < schedule.end {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        socket.write_all(&requests[picker.next(requests.len())])?;
        let status = read_answer(&mut socket, &mut buffer)?;
        if due >= schedule.counted_from {
            if status == 200 {
                let micros = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
                drive.latencies.saturating_record(micros);
            } else {
                drive.failed += 1;
            }
        }
        due += schedule.interval;
    }
    Ok(drive)
}

fn read_answer(socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<u16> {
    let mut filled = 0;
    loop {
        match socket.read(&mut buffer[filled..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
        if let Some(head) = answer::head(&buffer[..filled]).map_err(io::Error::other)?
            && filled >= head.length
        {
            return Ok(head.status);
        }
    }
}
