//! `portico gateway`: the data plane alone, fed by a control plane elsewhere.

use super::{CommandError, serve::stop_signal};
use crate::{fleet::gateway_process::GatewayProcess, logging};

pub(super) async fn run(options: &crate::config::GatewayOptions) -> Result<(), CommandError> {
    logging::start(&options.log, options.log_format)?;
    let gateway = GatewayProcess::start(options).await?;
    tracing::info!(
        listen = %gateway.listen(),
        health_listen = gateway.health_listen().map(|address| address.to_string()),
        "serving"
    );
    stop_signal().await?;
    tracing::info!("stopping: requests under way are finished first");
    gateway.stop().await;
    tracing::info!("stopped");
    Ok(())
}
