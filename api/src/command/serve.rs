//! `portico serve`: both planes until Ctrl-C or SIGTERM.

use std::sync::Arc;

use tokio::signal;

use super::CommandError;
use crate::{config::ServeOptions, logging, server::Server, traces::Traces};

pub(super) async fn run(options: &ServeOptions) -> Result<(), CommandError> {
    let traces = Traces::from_environment()?;
    logging::start(&options.log, options.log_format, traces.as_ref())?;
    let observer = traces.as_ref().map(|traces| Arc::new(traces.of_calls()) as Arc<_>);
    let server = Server::start_observed(options, observer).await?;
    if let Some(file) = server.first_admin_password_file() {
        anstream::eprintln!(
            "The first admin is admin@localhost; the password is in {}",
            file.display()
        );
    }
    // Before anybody is told that the server runs, and may want to stop it.
    let stop = StopSignal::listen()?;
    let read_again = ReadAgain::listen(options)?;
    tracing::info!(
        listen = %server.listen(),
        gateway_listen = server.gateway_listen().map(|address| address.to_string()),
        forward_auth_listen = server.forward_auth_listen().map(|address| address.to_string()),
        metrics_listen = server.metrics_listen().map(|address| address.to_string()),
        ext_authz_listen = server.ext_authz_listen().map(|address| address.to_string()),
        "serving; GraphiQL is at http://{}/graphiql", server.listen()
    );
    tokio::select! {
        stopped = stop.received() => stopped?,
        () = read_again.heed(&server) => {}
    }
    tracing::info!("stopping: requests under way are finished first");
    server.stop().await;
    if let Some(traces) = traces {
        // Not on this runtime's threads: it waits for the collector.
        let _ = tokio::task::spawn_blocking(move || traces.stop()).await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// SIGHUP, where it means to read the list of trusted documents again. Without such a list it ends the process, as it does
/// when a terminal is closed.
struct ReadAgain {
    #[cfg(unix)]
    hang_up: Option<signal::unix::Signal>,
}

impl ReadAgain {
    fn listen(options: &ServeOptions) -> std::io::Result<Self> {
        #[cfg(unix)]
        let hang_up = options
            .queries
            .trusted_documents
            .as_ref()
            .map(|_| signal::unix::signal(signal::unix::SignalKind::hangup()))
            .transpose()?;
        #[cfg(not(unix))]
        let _ = options;
        Ok(Self {
            #[cfg(unix)]
            hang_up,
        })
    }

    /// Heeds the signal for as long as it is waited for, so for ever.
    #[cfg(unix)]
    async fn heed(self, server: &Server) {
        let Some(mut hang_up) = self.hang_up else {
            return std::future::pending().await;
        };
        while hang_up.recv().await.is_some() {
            match server.read_trusted_documents() {
                Ok(documents) => tracing::info!(documents, "the trusted documents were read again"),
                Err(error) => tracing::error!(%error, "the trusted documents stay as they were"),
            }
        }
        std::future::pending().await
    }

    #[cfg(not(unix))]
    async fn heed(self, _: &Server) {
        std::future::pending().await
    }
}

/// Ctrl-C and, where there is one, SIGTERM: heeded from the moment that this exists. Before that either ends the process
/// at once.
struct StopSignal {
    #[cfg(unix)]
    interrupt: signal::unix::Signal,
    #[cfg(unix)]
    terminate: signal::unix::Signal,
}

impl StopSignal {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            interrupt: signal::unix::signal(signal::unix::SignalKind::interrupt())?,
            #[cfg(unix)]
            terminate: signal::unix::signal(signal::unix::SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn received(mut self) -> std::io::Result<()> {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        Ok(())
    }

    #[cfg(not(unix))]
    async fn received(self) -> std::io::Result<()> {
        signal::ctrl_c().await
    }
}

/// Waits for Ctrl-C, or for SIGTERM where there is one.
pub(super) async fn stop_signal() -> std::io::Result<()> {
    StopSignal::listen()?.received().await
}
