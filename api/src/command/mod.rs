//! The subcommands of the binary.

mod admin;
mod backup;
mod demo;
mod gateway;
mod migrate;
mod schema;
mod serve;
pub mod style;

use crate::{
    config::{Arguments, Command},
    database::backup::BackupError,
    error::{ServiceError, StoreError},
    fleet::gateway_process::GatewayStartError,
    server::StartError,
};

/// Why a command failed, in words for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The server does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The gateway does not start.
    #[error(transparent)]
    GatewayStart(#[from] GatewayStartError),
    /// The backup could not be made.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The database failed.
    #[error("{0}; check DATABASE_URL and --data-dir")]
    Store(#[from] StoreError),
    /// A rule said no.
    #[error("{0}")]
    Refused(String),
    /// The terminal, a file or a signal failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The filter of the log cannot be read.
    #[error("--log is not a filter such as info or info,portico=debug: {0}")]
    LogFilter(#[from] tracing_subscriber::filter::ParseError),
    /// Traces cannot be sent.
    #[error("traces cannot be sent: {0}; check the variables OTEL_EXPORTER_OTLP_…")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The demonstration did not go as it should.
    #[error("the demonstration failed: {0}")]
    Demo(String),
    /// Hashing a password failed.
    #[error(transparent)]
    Password(#[from] crate::session::password::PasswordError),
}

impl From<ServiceError> for CommandError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Refused(refusals) => Self::Refused(
                refusals
                    .iter()
                    .map(|refusal| refusal.message.as_str())
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            ServiceError::Store(error) => Self::Store(error),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// Runs the command that the arguments name.
///
/// # Errors
/// [`CommandError`], to be shown as it is.
pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    match arguments.command {
        None => serve::run(&arguments.serve).await,
        Some(Command::Serve(options)) => serve::run(&options).await,
        Some(Command::Gateway(options)) => gateway::run(&options).await,
        Some(Command::Demo(options)) => demo::run(*options).await,
        Some(Command::Schema) => schema::run(),
        Some(Command::ErrorCodes { table }) => schema::error_codes(table),
        Some(Command::Migrate(storage)) => migrate::run(&storage).await,
        Some(Command::Admin { command }) => admin::run(command).await,
        Some(Command::Backup { file, storage }) => backup::run(&storage, &file).await,
    }
}
