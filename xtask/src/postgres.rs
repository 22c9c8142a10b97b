//! The PostgreSQL server that the tests run on: found, or installed where that needs nobody's help.

use std::process::{Command, Stdio};

use test_cluster::Programs;

const REMEDY: &str = "install the server and its programs (Debian: `apt-get install postgresql`; macOS: `brew install \
                      postgresql`), or put its directory into PATH";

/// Finds PostgreSQL's programs. As root on a system with apt-get it installs Debian's package when there are none.
pub(crate) fn ensure() -> Result<Programs, String> {
    let missing = match Programs::find() {
        Ok(programs) => return Ok(programs),
        Err(missing) => missing,
    };
    if !may_install() {
        return Err(format!("{missing}; {REMEDY}"));
    }
    println!("{missing}; installing Debian's package");
    let _ = apt_get(&["update"]);
    apt_get(&["install", "--yes", "--no-install-recommends", "postgresql"])
        .map_err(|error| format!("{missing}, and it could not be installed: {error}; {REMEDY}"))?;
    Programs::find().map_err(|missing| format!("apt-get installed postgresql, but {missing}; {REMEDY}"))
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

fn apt_get(arguments: &[&str]) -> Result<(), String> {
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
