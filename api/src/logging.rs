//! Logs: structured lines on standard error, each with the request's id, none with a secret.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{
    EnvFilter, Layer as _, filter::ParseError, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{config::LogFormat, traces::Traces};

/// Starts logging for the whole process, and sending traces where there is a sender; a second call is ignored.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(filter: &str, format: LogFormat, traces: Option<&Traces>) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(filter)?;
    let lines = match format {
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_ansi(io::stderr().is_terminal())
            .with_writer(io::stderr)
            .boxed(),
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(io::stderr)
            .boxed(),
    };
    // The filter is for the lines: what is traced does not depend on what is logged.
    let registry = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(traces.map(Traces::layer));
    // A failure means that logging has been started already, by a test or an embedding program.
    let _ = registry.try_init();
    Ok(())
}
