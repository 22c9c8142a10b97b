//! `porticoctl`: every operation of Portico's API from the command line, and a portal that matches a file.
//!
//! A thin user of the SDK: a command reads its arguments, makes one call, and shows the answer as a table or as JSON.
//! Answers go to standard output, everything else to standard error; [`exit_code`] has what a script goes by.

mod answer;
mod apply;
mod arguments;
mod choice;
mod command;
mod exit_code;
mod failure;
mod input;
mod manual;
mod output;
mod profile;
mod session;

use std::process::ExitCode;

use clap::Parser;

use crate::{arguments::Arguments, output::Output};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::of(arguments.connection.output);
    match command::run(arguments).await {
        Ok(outcome) => output.show(&outcome),
        Err(failure) => output.complain(&failure),
    }
}
