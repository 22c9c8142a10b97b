//! What building and testing need beyond Rust. Each is looked for; one that is missing and cannot be installed fails
//! the task with words that say what to do.

use std::process::{Command, Stdio};

use crate::TaskResult;

struct Requirement {
    /// What it is for, in a sentence.
    purpose: &'static str,
    /// Programs any one of which will do, asked for their version.
    programs: &'static [&'static str],
    /// What to do when there is none.
    remedy: &'static str,
}

const REQUIREMENTS: &[Requirement] = &[Requirement {
    purpose: "a C compiler, which builds the embedded SQLite",
    programs: &["cc", "gcc", "clang"],
    remedy: "install one (Debian: `apt-get install gcc libc6-dev`; macOS: `xcode-select --install`)",
}];

/// Checks that everything is there.
pub(crate) fn ensure_all() -> TaskResult {
    let missing: Vec<String> = REQUIREMENTS
        .iter()
        .filter(|requirement| !requirement.programs.iter().any(|program| answers(program)))
        .map(|requirement| format!("missing {}: {}", requirement.purpose, requirement.remedy))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(missing.join("\n"))
    }
}

fn answers(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
