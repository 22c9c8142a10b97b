//! Shell completions and manual pages, made of the command line's own description.

use std::{fs, path::Path};

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{answer::Outcome, arguments::Arguments, failure::Failure};

/// The script that makes a shell complete `porticoctl`.
pub(crate) fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "porticoctl", &mut script);
    Outcome::text(String::from_utf8_lossy(&script).into_owned())
}

/// Writes the manual's pages, one a command, into the folder.
///
/// # Errors
/// Where it cannot be written to.
pub(crate) fn pages(folder: &Path) -> Result<Outcome, Failure> {
    fs::create_dir_all(folder).map_err(Failure::file(folder))?;
    clap_mangen::generate_to(Arguments::command(), folder).map_err(Failure::file(folder))?;
    Ok(Outcome::done(format!("manual pages are in {}", folder.display())))
}
