//! The binary `portico`: arguments, configuration, and the command they name.

use std::process::ExitCode;

use clap::Parser as _;
use portico::{command, config::Arguments};

#[tokio::main]
async fn main() -> ExitCode {
    match command::run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{}error:{:#} {error}", command::style::ERROR, command::style::ERROR);
            ExitCode::FAILURE
        }
    }
}
