//! Processes on cores of their own, and what they used of them.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    thread::{available_parallelism, sleep},
    time::{Duration, Instant},
};

/// Which core a server runs on, and which one the load and everything behind the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    pinned: Option<(usize, usize)>,
}

impl Cores {
    /// The first two cores; with a single one, nothing is pinned and the report says so.
    pub(crate) fn of_this_process() -> Result<Self, String> {
        let count = available_parallelism().map_err(|error| format!("the cores cannot be counted: {error}"))?;
        Ok(Self {
            pinned: (count.get() >= 2).then_some((0, 1)),
        })
    }

    /// For the server that is measured.
    pub(crate) fn server_command(self, program: &Path) -> Command {
        Self::command(self.pinned.map(|(server, _)| server), program)
    }

    /// For the load and what stands behind the server.
    pub(crate) fn load_command(self, program: &Path) -> Command {
        Self::command(self.pinned.map(|(_, load)| load), program)
    }

    fn command(core: Option<usize>, program: &Path) -> Command {
        match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.arg("--cpu-list").arg(core.to_string()).arg(program);
                command
            }
            None => Command::new(program),
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self.pinned {
            Some(_) => "servers on core 0, load and upstream on core 1",
            None => "one core, nothing pinned",
        }
    }
}

/// A server that runs, and is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// A server that ends when its standard input does.
    input: Option<ChildStdin>,
}

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

impl Running {
    /// Starts a server that prints a line beginning with `words` once it listens; returns the rest of that line.
    pub(crate) fn start(command: &mut Command, words: &str) -> Result<(Self, String), String> {
        let shown = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{shown} cannot be started: {error}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take();
        let running = Self { child, input };
        let line = output
            .into_iter()
            .flat_map(|output| BufReader::new(output).lines())
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix(words).map(str::to_owned))
            .ok_or_else(|| format!("{shown} ended before it listened"))?;
        Ok((running, line))
    }

    /// Starts a server that is asked by `is_up` whether it answers yet.
    pub(crate) fn start_until(command: &mut Command, is_up: impl Fn() -> bool) -> Result<Self, String> {
        let shown = format!("{command:?}");
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("{shown} cannot be started: {error}"))?;
        let mut running = Self { child, input: None };
        let begun = Instant::now();
        while !is_up() {
            let has_ended = running.child.try_wait().map_err(|error| error.to_string())?.is_some();
            if has_ended || begun.elapsed() > PATIENCE {
                return Err(format!("{shown} did not come up"));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(running)
    }

    /// The process and its children.
    pub(crate) fn ids(&self) -> Result<Vec<u32>, String> {
        Ok(self.processes()?.into_iter().map(|(pid, _)| pid).collect())
    }

    /// User and system time of the process, its children and all their threads, so far.
    pub(crate) fn cpu_time(&self) -> Result<Duration, String> {
        cpu_time_of(self.child.id())
    }

    fn processes(&self) -> Result<Vec<(u32, Stat)>, String> {
        family(self.child.id())
    }
}

/// User and system time of a process, its children and all their threads, so far.
pub(crate) fn cpu_time_of(root: u32) -> Result<Duration, String> {
    let ticks: u64 = family(root)?.iter().map(|(_, stat)| stat.ticks).sum();
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// A process and its children.
fn family(root: u32) -> Result<Vec<(u32, Stat)>, String> {
    let mut family = Vec::new();
    for entry in fs::read_dir("/proc").map_err(|error| format!("/proc cannot be read: {error}"))? {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // Processes end while one looks.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok();
        if let Some(stat) = stat.and_then(|text| Stat::parse(&text))
            && (pid == root || stat.parent == root)
        {
            family.push((pid, stat));
        }
    }
    Ok(family)
}

/// Of user space; the same on every Linux (`man 5 proc`, `sysconf(_SC_CLK_TCK)`).
const TICKS_PER_SECOND: u64 = 100;

struct Stat {
    parent: u32,
    /// utime and stime together.
    ticks: u64,
}

impl Stat {
    /// Reads `/proc/PID/stat`: the name, in parentheses, may hold anything.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        // Counted from the third field, the state.
        Some(Self {
            parent: u32::try_from(number(1)?).ok()?,
            ticks: number(11)? + number(12)?,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.input.take().is_none() {
            // SIGTERM, so that a master ends its workers.
            let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        }
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let text = "42 (a ) b) S 7 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 100 0 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.parent, stat.ticks), (7, 300));
    }

    #[test]
    fn a_server_that_ends_at_once_is_told() {
        assert!(Running::start(&mut Command::new("true"), "listening on ").is_err());
    }
}
