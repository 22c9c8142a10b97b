//! The project's own tasks. `cargo xtask test` runs every test; `cargo xtask prepare`
//! only looks for what they need; `cargo xtask check` what is checked before them;
//! `cargo xtask schema` writes the schema files anew; `cargo xtask bench` measures.

// A task speaks to the person at the terminal.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod assets;
mod bench;
mod contract;
mod debian;
mod deployment;
mod layering;
mod load;
mod node;
mod package;
mod postgres;
mod process;
mod programs;
mod requirement;
mod schema;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use test_cluster::{Cluster, Programs};

/// The project's own tasks.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run all tests, on SQLite and on PostgreSQL. What they need beyond Rust is looked for first; what is missing is
    /// said plainly and fails.
    Test {
        /// Arguments for `cargo test`, such as a filter.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Find or install what the tests need beyond Rust, and run none.
    Prepare,
    /// Run the checks that come before the tests: formatting, lints, layering, assets, schema, the SDK's package.
    Check,
    /// Write schema.graphql and the SDK's copy anew from the code.
    Schema {
        /// Only compare, and fail where they differ or drop something from the contract.
        #[arg(long)]
        check: bool,
    },
    /// Measure Portico beside its peers and write docs/benchmarks.md.
    Bench(bench::BenchOptions),
    /// Send load to a server on this machine; `bench` runs this in a process of its own.
    #[command(hide = true)]
    Load(load::LoadOptions),
}

/// A task's failure, in words for the person at the terminal.
type TaskResult = Result<(), String>;

fn main() -> ExitCode {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let result = match Arguments::parse().task {
        Task::Test { arguments } => test(&root, &arguments),
        Task::Prepare => prepare(&root).map(|_| ()),
        Task::Check => check(&root),
        Task::Schema { check: false } => schema::write(&root),
        Task::Schema { check: true } => schema::check(&root),
        Task::Bench(options) => bench::run(&root, &options),
        Task::Load(options) => load::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every test on SQLite, and those that have to do with the database once more on PostgreSQL.
///
/// A test with `sqlite` in its name is about SQLite alone, one with `postgres` about PostgreSQL; the others must hold
/// on both.
fn test(root: &Path, arguments: &[String]) -> TaskResult {
    let programs = prepare(root)?;
    let run = |targets: &[&str], skipped: &str, variables: &[(&str, &str)]| {
        let mut all = vec!["test", "--workspace", "--locked"];
        all.extend(targets);
        all.extend(arguments.iter().map(String::as_str));
        if !arguments.iter().any(|argument| argument == "--") {
            all.push("--");
        }
        all.extend(["--skip", skipped]);
        process::cargo(root, &all, variables)
    };
    run(&[], "postgres", &[])?;
    // Stops and is removed at the end of this process, whatever way it ends.
    let cluster = Cluster::start(&programs, &[]).map_err(|error| error.to_string())?;
    let url = cluster.server().url().to_owned();
    println!("PostgreSQL: {url}");
    run(
        &["--lib", "--test", "it"],
        "sqlite",
        &[(test_cluster::URL_VARIABLE, &url)],
    )
}

/// Makes sure that what the tests need is there; what is missing is said plainly and fails.
fn prepare(root: &Path) -> Result<Programs, String> {
    requirement::ensure_all()?;
    programs::ensure_all(root)?;
    node::ensure_all(root)?;
    postgres::ensure()
}

fn check(root: &Path) -> TaskResult {
    process::cargo(root, &["fmt", "--all", "--check"], &[])
        .map_err(|error| format!("{error}\nRun `cargo fmt --all` to format the code."))?;
    layering::check(root)?;
    assets::check(root)?;
    node::check(root)?;
    deployment::check(root)?;
    requirement::ensure_all()?;
    process::cargo(
        root,
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    )?;
    schema::check(root)?;
    package::check(root)
}
