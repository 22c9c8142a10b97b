//! The command line: the subcommands of `portico`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use secrecy::SecretString;

use super::{GatewayOptions, ServeOptions, StorageOptions, password_from_environment};

/// Self-hosted registration of applications against API products: a GraphQL API and the gateway that enforces what it
/// decides, in one process on an embedded database.
#[derive(Debug, Parser)]
#[command(name = "portico", version, about, long_about = None, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to do; `serve` unless given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `serve`, which need no subcommand.
    #[command(flatten)]
    pub serve: ServeOptions,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the API, GraphiQL and the gateway until Ctrl-C or SIGTERM (the default).
    Serve(Box<ServeOptions>),
    /// Run the gateway alone until Ctrl-C or SIGTERM, fed by the control plane at a URL.
    Gateway(Box<GatewayOptions>),
    /// Serve from a temporary directory, perform the whole flow from product to API key as one would, and keep
    /// serving, to look around.
    Demo(Box<ServeOptions>),
    /// Print the GraphQL schema; needs no database.
    Schema,
    /// Bring the database to the shape that this version needs, after a backup. `serve` does the same at start.
    Migrate(StorageOptions),
    /// Manage admins' accounts, also while the server runs.
    Admin {
        /// What to do.
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Write a consistent copy of the database to FILE, also while the server runs: a SQLite database, or PostgreSQL's
    /// custom format, for which pg_dump must be in PATH.
    Backup {
        /// Where to write it; must not exist yet.
        file: PathBuf,
        /// Where the database is.
        #[command(flatten)]
        storage: StorageOptions,
    },
}

/// What to do with admins' accounts.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make an admin's account. The password is taken from PORTICO_ADMIN_PASSWORD, else made up and printed.
    Create {
        /// The e-mail to sign in with.
        #[arg(long, env = "PORTICO_ADMIN_EMAIL")]
        email: String,
        /// The name that others see.
        #[arg(long, default_value = "Administrator")]
        full_name: String,
        /// The password, from the environment only: arguments show in process lists.
        #[arg(skip = password_from_environment())]
        password: Option<SecretString>,
        /// Where the database is.
        #[command(flatten)]
        storage: StorageOptions,
    },
    /// Give an admin a new password and end all of their sessions. The password is taken from
    /// PORTICO_ADMIN_PASSWORD, else made up and printed.
    ResetPassword {
        /// The admin's e-mail.
        #[arg(long, env = "PORTICO_ADMIN_EMAIL")]
        email: String,
        /// The password, from the environment only.
        #[arg(skip = password_from_environment())]
        password: Option<SecretString>,
        /// Where the database is.
        #[command(flatten)]
        storage: StorageOptions,
    },
}
