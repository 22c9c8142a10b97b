//! `apply -f portal.yaml`: makes portal settings, strategies, products and versions match a file.
//!
//! ```text
//!   file ─┐
//!         ├─► plan (pure) ─► shown ─► performed, step by step
//!   API ──┘
//! ```
//!
//! What the file does not name stays as it is, and so does a field that an entry leaves out; nothing is ever deleted. A
//! run that broke off is mended by the next: what was done is no difference any more.

mod file;
mod perform;
mod plan;
mod present;

use std::path::PathBuf;

use clap::Args;
use portico_sdk::Portico;

use crate::{
    answer::{Answer, Outcome},
    exit_code,
    failure::Failure,
    input,
};

/// Make portal settings, strategies, products and versions match a file.
#[derive(Debug, Args)]
pub(crate) struct ApplyCommand {
    /// The file, in YAML or JSON; `-` is standard input. docs/porticoctl.md describes it
    #[arg(long, short, value_name = "FILE")]
    file: PathBuf,
    /// Show the difference and change nothing; exits with 7 where there is one
    #[arg(long)]
    dry_run: bool,
}

impl ApplyCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let text = input::text(&self.file)?;
        let wanted = file::parse(&text, &self.file)?;
        let present = present::of(client, &wanted).await?;
        let steps = plan::of(&wanted, &present)?;
        if steps.is_empty() {
            return Ok(Outcome::done("Nothing to change: the portal matches the file."));
        }
        let difference: String = steps.iter().map(ToString::to_string).collect();
        if self.dry_run {
            return Ok(Outcome {
                answer: Answer::Text(difference),
                exit_code: exit_code::DIFFERENCES,
            });
        }
        perform::all(client, &steps, &present).await?;
        let (count, plural) = (steps.len(), if steps.len() == 1 { "" } else { "s" });
        Ok(Outcome::done(format!("Applied {count} change{plural}.")))
    }
}
