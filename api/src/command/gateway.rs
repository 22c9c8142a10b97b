//! `portico gateway`: the data plane alone, fed by a control plane elsewhere.

use std::sync::Arc;

use super::{CommandError, serve::stop_signal};
use crate::{fleet::gateway_process::GatewayProcess, logging, traces::Traces};

pub(super) async fn run(options: &crate::config::GatewayOptions) -> Result<(), CommandError> {
    let traces = Traces::from_environment()?;
    logging::start(&options.log, options.log_format, traces.as_ref())?;
    let observer = traces.as_ref().map(|traces| Arc::new(traces.of_calls()) as Arc<_>);
    let gateway = GatewayProcess::start_observed(options, observer).await?;
    tracing::info!(
        listen = %gateway.listen(),
        health_listen = gateway.health_listen().map(|address| address.to_string()),
        "serving"
    );
    stop_signal().await?;
    tracing::info!("stopping: requests under way are finished first");
    gateway.stop().await;
    if let Some(traces) = traces {
        // Not on this runtime's threads: it waits for the collector.
        let _ = tokio::task::spawn_blocking(move || traces.stop()).await;
    }
    tracing::info!("stopped");
    Ok(())
}
