//! The binary `portico`, built along with the tests so that they can kill it.

use std::process::ExitCode;

use clap::Parser as _;
use portico::{command, config::Arguments};

#[tokio::main]
async fn main() -> ExitCode {
    match command::run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // As the real one does.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("error: {error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}
