//! Debian's packages, installed where that needs nobody's help: as root on a system with apt-get.

use std::process::{Command, Stdio};

use crate::TaskResult;

/// Installs what is missing. `missing` says what that is, `remedy` what to do where it cannot be installed from here.
pub(crate) fn install(packages: &[&str], missing: &str, remedy: &str) -> TaskResult {
    if !may_install() {
        return Err(format!("{missing}; {remedy}"));
    }
    println!("{missing}; installing Debian's {}", packages.join(", "));
    // The lists of a new machine are empty or old.
    let _ = apt_get(&["update"]);
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    apt_get(&arguments).map_err(|error| format!("{missing}, and it could not be installed: {error}; {remedy}"))
}

fn may_install() -> bool {
    let identity = Command::new("id").arg("-u").output();
    let is_root = identity.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    is_root
        && Command::new("apt-get")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok()
}

fn apt_get(arguments: &[&str]) -> TaskResult {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .map_err(|error| error.to_string())?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`apt-get {}` failed", arguments.join(" ")))
    }
}
