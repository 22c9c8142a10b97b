//! Profiles: where a server's time goes, to stand beside a figure that misses its aim.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::{Deserialize, Serialize};

use super::{install, pinned::Running};

/// Where the time of one server went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) caption: String,
    /// Shares and names, largest first.
    pub(crate) lines: Vec<String>,
}

const SAMPLES_PER_SECOND: &str = "2000";
const LINES: usize = 25;
/// Names of generic functions are longer than is of use.
const LONGEST_NAME: usize = 110;

/// Profiles a server, which must be under load, for so many seconds.
pub(crate) fn of(running: &Running, file: &Path, seconds: u64, caption: &str) -> Result<Profile, String> {
    let perf = install::ensure("perf", "linux-perf")?;
    let ids: Vec<String> = running.ids()?.iter().map(u32::to_string).collect();
    let status = Command::new(&perf)
        // By the clock: virtual machines often have no counters.
        .args([
            "record",
            "--quiet",
            "--event",
            "cpu-clock",
            "--freq",
            SAMPLES_PER_SECOND,
        ])
        .args(["--pid", &ids.join(",")])
        .arg("--output")
        .arg(file)
        .args(["--", "sleep", &seconds.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        return Err(
            "perf could not record a profile: run as root, or allow it (kernel.perf_event_paranoid)".to_owned(),
        );
    }
    let mut lines = report(&perf, file, "dso")?;
    lines.push(String::new());
    lines.extend(report(&perf, file, "symbol")?);
    Ok(Profile {
        caption: caption.to_owned(),
        lines,
    })
}

fn report(perf: &PathBuf, file: &Path, sort: &str) -> Result<Vec<String>, String> {
    let output = Command::new(perf)
        .args(["report", "--stdio", "--no-children", "--sort", sort, "--input"])
        .arg(file)
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("perf cannot be started: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| line.trim().chars().take(LONGEST_NAME).collect::<String>())
        .map(|line| line.trim_end_matches([' ', '-']).to_owned())
        .take(LINES)
        .collect())
}
