//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use crate::command::Command;

/// Portico's API from the command line: register applications against API products, and decide who may call them.
///
/// Sign in once (`porticoctl sign-in`), or set PORTICO_EMAIL and PORTICO_PASSWORD where nobody sits at the keyboard.
#[derive(Debug, Parser)]
#[command(name = "porticoctl", version, propagate_version = true, subcommand_required = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which server, as whom, and how to show what it answers.
#[derive(Clone, Debug, Args)]
pub(crate) struct Connection {
    /// The API's URL; unless given, the one that the profile signed in to
    #[arg(long, global = true, env = "PORTICO_ENDPOINT", value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Which of several sign-ins to use
    #[arg(
        long,
        global = true,
        env = "PORTICO_PROFILE",
        default_value = "default",
        value_name = "NAME"
    )]
    pub(crate) profile: String,
    /// Where sign-ins are kept; unless given, the system's place for configuration
    #[arg(long, global = true, env = "PORTICO_CONFIG_DIR", value_name = "FOLDER")]
    pub(crate) config_dir: Option<PathBuf>,
    /// How answers and errors are shown
    #[arg(long, short, global = true, env = "PORTICO_OUTPUT", value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// How answers and errors are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// For programs: what the API answered, names as in its schema
    Json,
}

/// How much of a list.
#[derive(Debug, Args)]
pub(crate) struct Listed {
    /// At most so many; all of them unless given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<usize>,
    /// How many to ask for at a time, 1 to 100
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=100))]
    pub(crate) page_size: i32,
}

/// Whether to wait for the gateways.
#[derive(Debug, Args)]
pub(crate) struct Waiting {
    /// Wait up to 5 seconds until every gateway enforces it, and show those that do not yet
    #[arg(long)]
    pub(crate) wait_for_gateways: bool,
}

/// The key that makes repeating a command safe.
#[derive(Debug, Args)]
pub(crate) struct Repeatable {
    /// Makes repeating the command safe for 24 hours: the same key and input make one thing only
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}
