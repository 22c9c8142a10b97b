//! Running other programs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::TaskResult;

/// Runs cargo in `root`, its output going to the terminal.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> TaskResult {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    println!("$ cargo {}", arguments.join(" "));
    let status = Command::new(cargo)
        .current_dir(root)
        .args(arguments)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`cargo {}` failed", arguments.join(" ")))
    }
}

/// Runs a program and returns what it printed to standard output.
pub(crate) fn output(root: &Path, program: &Path, arguments: &[&str]) -> Result<String, String> {
    let shown = program.display();
    let output = Command::new(program)
        .current_dir(root)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{shown} could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{shown} {}` failed", arguments.join(" ")));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{shown} did not print UTF-8"))
}

/// Where cargo builds to.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}
