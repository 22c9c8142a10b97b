//! `portico demo`: the whole flow on a server of its own, performed through the SDK over HTTP as an admin and a
//! developer would, each step shown; then it keeps serving, to look around.

mod flow;
mod narrator;
mod upstream;

use std::path::Path;

use narrator::Narrator;
use secrecy::{ExposeSecret as _, SecretString};

use super::{CommandError, serve::stop_signal, style};
use crate::{
    admin::first_admin::random_password,
    config::{DEFAULT_DATA_DIRECTORY, ServeOptions},
    logging,
    server::Server,
};

/// What is logged unless told otherwise: the steps are the story, not the log.
const LOG_FILTER: &str = "warn";

pub(super) async fn run(mut options: ServeOptions) -> Result<(), CommandError> {
    let filter = if options.log == "info" {
        LOG_FILTER
    } else {
        &options.log
    };
    logging::start(filter, options.log_format, None)?;
    // Kept until the end: dropping it deletes what the demonstration wrote.
    let temporary = if options.storage.data_dir == Path::new(DEFAULT_DATA_DIRECTORY) {
        let directory = tempfile::Builder::new().prefix("portico-demo-").tempdir()?;
        options.storage.data_dir = directory.path().to_owned();
        Some(directory)
    } else {
        None
    };
    let admin = flow::Account {
        email: options
            .admin_email
            .clone()
            .unwrap_or_else(|| "admin@localhost".to_owned()),
        password: options.admin_password.clone().unwrap_or_else(random_password),
    };
    options.admin_email = Some(admin.email.clone());
    options.admin_password = Some(admin.password.clone());

    let narrator = Narrator::new();
    narrator.heading("Portico: from an empty database to a call that goes through the gateway");
    let upstream = upstream::Upstream::start().await?;
    let server = Server::start(&options).await?;
    let Some(gateway) = server.gateway_listen() else {
        return Err(CommandError::Demo(
            "the flow ends at the gateway; leave --gateway-listen on".to_owned(),
        ));
    };
    narrator.step("The API and GraphiQL listen", &format!("http://{}", server.listen()));
    narrator.step("The gateway listens", &format!("http://{gateway}"));
    narrator.step("A small upstream listens", upstream.url());

    let outcome = tokio::select! {
        outcome = flow::perform(&narrator, &server, &upstream, &admin) => outcome,
        signal = stop_signal() => {
            signal?;
            server.stop().await;
            return Ok(());
        }
    };
    let developer = match outcome {
        Ok(developer) => developer,
        Err(error) => {
            server.stop().await;
            return Err(error);
        }
    };

    narrator.heading("Still serving. Look around, then stop it with Ctrl-C");
    narrator.note("GraphiQL", &format!("http://{}/graphiql", server.listen()));
    narrator.note("Admin", &shown(&admin.email, &admin.password));
    narrator.note("Developer", &shown(&developer.email, &developer.password));
    stop_signal().await?;
    anstream::println!(
        "\n{}Stopping{:#}: requests under way are finished first.",
        style::FAINT,
        style::FAINT
    );
    server.stop().await;
    upstream.stop().await;
    drop(temporary);
    Ok(())
}

/// An account of the demonstration. Its password is shown on purpose: it opens nothing but this demonstration.
fn shown(email: &str, password: &SecretString) -> String {
    format!("{email}, password {}", password.expose_secret())
}
