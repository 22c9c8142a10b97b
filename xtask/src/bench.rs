//! `cargo xtask bench`: Portico beside its peers, in one run on one machine, and the report that follows from it.
//!
//! A [`Section`] measures one thing, against a peer where there is one, and yields rows; each is written to
//! `docs/benchmarks/` as JSON, and `docs/benchmarks.md` is made anew from all of them, so that one section can be
//! repeated alone.
//!
//! What counts is requests per CPU-second of the server's own processes, in rounds that alternate between the servers:
//! on a shared machine that moves less than requests per second. No number is taken before the answers were compared.

mod calls;
mod fleet;
mod gateway;
mod http;
mod install;
mod machine;
mod nginx;
mod pinned;
mod plot;
mod portico;
mod profile;
mod queries;
mod report;
mod rounds;
mod sdk;
mod snapshot;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use self::{pinned::Cores, report::SectionReport};
use crate::{TaskResult, load::LoadOptions, load::LoadResult, process};

/// What to measure, and for how long.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchOptions {
    /// Sections to run; all unless named.
    sections: Vec<String>,
    /// Rounds; the report has their medians.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of load for each server in each round.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// A built `portico` for the sections that run it; it is built as it is shipped unless named. For trying a section,
    /// not for the report.
    #[arg(long, value_name = "FILE")]
    portico: Option<PathBuf>,
}

/// One part of the benchmark.
trait Section {
    /// Its name on the command line, and of its files.
    fn name(&self) -> &'static str;

    /// Measures, and tells what came out; writes its plots to `bench.plots()`.
    fn run(&self, bench: &Bench) -> Result<SectionReport, String>;
}

/// All sections, in the report's order.
fn sections() -> Vec<Box<dyn Section>> {
    vec![
        Box::new(gateway::GatewaySection),
        Box::new(snapshot::SnapshotSection),
        Box::new(queries::QueriesSection),
        Box::new(fleet::FleetSection),
        Box::new(sdk::SdkSection),
    ]
}

/// What every section works with.
pub(crate) struct Bench {
    root: PathBuf,
    /// For files that live as long as the run.
    folder: tempfile::TempDir,
    cores: Cores,
    rounds: usize,
    seconds: u64,
    load_program: PathBuf,
    portico: Option<PathBuf>,
}

const REPORT: &str = "docs/benchmarks.md";
const RESULTS: &str = "docs/benchmarks";

pub(crate) fn run(root: &Path, options: &BenchOptions) -> TaskResult {
    let all = sections();
    let names: Vec<&str> = all.iter().map(|section| section.name()).collect();
    if let Some(unknown) = options.sections.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(format!(
            "no section is called {unknown}; there are: {}",
            names.join(", ")
        ));
    }
    if options.rounds < 3 {
        return Err("fewer than three rounds have no median worth the name".to_owned());
    }
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
    // The load is as much a part of what is measured as the server: not from a debug build.
    process::cargo(
        root,
        &["build", "--locked", "--profile", "tool", "--package", "xtask"],
        &[],
    )?;
    let load_program = keep(&process::target(root).join("tool/xtask"), folder.path(), "load")?;
    let bench = Bench {
        root: root.to_owned(),
        cores: Cores::of_this_process()?,
        folder,
        rounds: options.rounds,
        seconds: options.seconds,
        load_program,
        portico: options.portico.clone(),
    };
    fs::create_dir_all(bench.plots()).map_err(|error| format!("{RESULTS} cannot be made: {error}"))?;
    let machine = machine::describe(root)?;
    for section in all {
        if !options.sections.is_empty() && !options.sections.iter().any(|name| name == section.name()) {
            continue;
        }
        println!("# {}", section.name());
        let mut report = section.run(&bench)?;
        report.machine.clone_from(&machine);
        report.write(&bench.plots().join(format!("{}.json", section.name())))?;
        for row in &report.rows {
            println!("{row}");
        }
    }
    let reports: Vec<SectionReport> = names
        .iter()
        .map(|name| bench.plots().join(format!("{name}.json")))
        .filter(|file| file.exists())
        .map(|file| SectionReport::read(&file))
        .collect::<Result<_, _>>()?;
    let file = root.join(REPORT);
    fs::write(&file, report::markdown(&reports)).map_err(|error| format!("{REPORT} cannot be written: {error}"))?;
    println!("written: {REPORT}");
    Ok(())
}

impl Bench {
    /// Where results and plots go, in the repository.
    fn plots(&self) -> PathBuf {
        self.root.join(RESULTS)
    }

    /// A file of this name that lives as long as the run.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Builds an example of a crate as it is shipped, and keeps it: another build may replace it.
    fn example(&self, package: &str, name: &str, features: &[&str]) -> Result<PathBuf, String> {
        let features = features.join(",");
        let mut arguments = vec![
            "build",
            "--locked",
            "--release",
            "--package",
            package,
            "--example",
            name,
        ];
        if !features.is_empty() {
            arguments.extend(["--features", features.as_str()]);
        }
        process::cargo(&self.root, &arguments, &[])?;
        let built = process::target(&self.root).join("release/examples").join(name);
        keep(&built, self.folder.path(), &format!("{name}-{features}"))
    }

    /// Sends load from the load's core.
    fn load(&self, options: &LoadOptions) -> Result<LoadResult, String> {
        let mut command = self.cores.load_command(&self.load_program);
        command.arg("load").args(options.arguments());
        let output = command
            .output()
            .map_err(|error| format!("the load cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("the load did not say what it saw: {error}"))
    }
}

fn keep(built: &Path, folder: &Path, name: &str) -> Result<PathBuf, String> {
    let kept = folder.join(name);
    fs::copy(built, &kept).map_err(|error| format!("{} cannot be copied: {error}", built.display()))?;
    Ok(kept)
}
