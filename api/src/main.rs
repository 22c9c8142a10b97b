//! The binary `portico`: arguments, configuration, and the command they name.

use std::process::ExitCode;

use clap::Parser as _;
use portico::{command, config::Arguments};

/// Of the allocators measured, the gateway does most with this one: docs/adr/0023-workers-that-share-nothing.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// Cargo unites the features that a build asks for; the one that opens everything may never be among them.
const _: () = assert!(
    gateway::DECIDES,
    "the gateway was built for measuring, without its decision: build without the feature `undecided`"
);

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
