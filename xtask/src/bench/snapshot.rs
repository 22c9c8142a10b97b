//! The gateway at a million keys: what they cost in memory, in look-ups, at a start and with each change.

use std::{path::Path, process::Stdio};

use serde_json::Value;

use super::{
    Bench, Section,
    calls::{self, CONNECTIONS, Measured},
    nginx::Nginx,
    plot,
    report::{Goal, Plot, Row, SectionReport},
    rounds::{self, Figure, Series},
};

/// The part that concerns scale.
pub(crate) struct SnapshotSection;

const KEYS: usize = 1_000_000;
const FEW_KEYS: usize = 10_000;
/// Runs of `snapshot_scale`, each of which takes medians itself.
const RUNS: usize = 3;

const MANY: &str = "1,000,000 keys";
const FEW: &str = "10,000 keys";
const PLOT: &str = "snapshot-throughput.svg";

impl Section for SnapshotSection {
    fn name(&self) -> &'static str {
        "snapshot"
    }

    fn run(&self, bench: &Bench) -> Result<SectionReport, String> {
        let scale = bench.example("portico-gateway", "snapshot_scale", &[])?;
        let measured = bench.example("portico-gateway", "measured", &[])?;
        let mut report = SectionReport {
            title: "The gateway at a million keys".to_owned(),
            method: method(bench),
            rows: Vec::new(),
            plots: Vec::new(),
            profiles: Vec::new(),
            machine: Vec::new(),
        };
        let found: Vec<Value> = (0..RUNS)
            .map(|run| {
                println!("  snapshot_scale, run {}", run + 1);
                run_scale(bench, &scale)
            })
            .collect::<Result<_, _>>()?;
        let (before, after) = rows_of_scale(&found)?;
        report.rows.extend(before);
        throughput(bench, &measured, &mut report)?;
        report.rows.extend(after);
        Ok(report)
    }
}

fn method(bench: &Bench) -> String {
    format!(
        "{MANY} of 200,000 apps. Memory, start and changes: `gateway/examples/snapshot_scale.rs`, {RUNS} runs. Memory is \
         what is resident above the empty process, in a process of its own for each way of filling it, and once the \
         allocator had the occasion to give back what was freed. Start: the copy on disk read, checked and served, its \
         pages being in the system's cache. A change: one record changed and the new snapshot shown to the workers, half \
         of the time while a reader holds the one before. Throughput: the gateway as it is shipped, with {MANY} and with \
         {FEW}, in turns, before the same upstream (nginx); {CONNECTIONS} connections, each request with a random key; \
         requests per CPU-second of the gateway. The bare look-up beside it: from a key's text to the decision, without \
         HTTP, where what the larger tables cost in cache misses stands alone. {}; {} rounds of {} s.",
        bench.cores.words(),
        bench.rounds,
        bench.seconds
    )
}

/// One run of `gateway/examples/snapshot_scale.rs`, and what it printed.
fn run_scale(bench: &Bench, program: &Path) -> Result<Value, String> {
    let output = bench
        .cores
        .server_command(program)
        .arg(KEYS.to_string())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("snapshot_scale cannot be started: {error}"))?;
    if !output.status.success() {
        return Err("snapshot_scale failed".to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("snapshot_scale did not say what it found: {error}"))
}

/// What stands before the throughput in the table, and what after.
fn rows_of_scale(found: &[Value]) -> Result<(Vec<Row>, Vec<Row>), String> {
    let row = |what: &str, unit: &str, goal, pointer: &str, scale: f64| {
        Ok::<_, String>(Row {
            what: what.to_owned(),
            unit: unit.to_owned(),
            goal,
            measured: figure(found, pointer, scale)?,
        })
    };
    let at_most = |must, aim| Goal::AtMost { must, aim };
    let before = vec![
        row(
            "Memory a key, after a full load",
            " bytes",
            at_most(150.0, 100.0),
            "/full_load/bytes_per_key",
            1.0,
        )?,
        row(
            "Memory a key, after a start from the copy",
            " bytes",
            at_most(150.0, 100.0),
            "/start_from_copy/bytes_per_key",
            1.0,
        )?,
    ];
    let after = vec![
        row(
            &format!("Bare look-up, from key to decision: {MANY} against {FEW}"),
            " ×",
            Goal::None,
            "/steps/key_to_decision/ratio",
            1.0,
        )?,
        row(
            &format!("Bare look-up by hash: {MANY} against {FEW}"),
            " ×",
            Goal::None,
            "/steps/index_and_decision/ratio",
            1.0,
        )?,
        row(
            "Start from the copy on disk",
            " s",
            at_most(2.0, 0.5),
            "/start_from_copy/time/seconds",
            1.0,
        )?,
        row(
            "One change, median",
            " ms",
            at_most(1.0, 0.1),
            "/steps/change_microseconds/median",
            1e-3,
        )?,
        row(
            "One change, p99",
            " ms",
            Goal::None,
            "/steps/change_microseconds/p99",
            1e-3,
        )?,
    ];
    Ok((before, after))
}

/// What all runs found at this place, times `scale`.
fn figure(found: &[Value], pointer: &str, scale: f64) -> Result<Figure, String> {
    let values: Vec<f64> = found
        .iter()
        .map(|run| run.pointer(pointer).and_then(Value::as_f64).map(|value| value * scale))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("snapshot_scale did not tell {pointer}"))?;
    Figure::of(&values).ok_or_else(|| "snapshot_scale was not run".to_owned())
}

fn throughput(bench: &Bench, measured: &Path, report: &mut SectionReport) -> Result<(), String> {
    let upstream = Nginx::upstream(bench)?;
    let start = |keys: usize| {
        let keys_file = bench.file(&format!("keys-{keys}"));
        let gateway = Measured::start(bench, measured, upstream.address, keys, &keys_file)?;
        calls::compare(
            &keys_file,
            upstream.address,
            &[("Portico", gateway.address)],
            gateway.address,
        )?;
        Ok::<_, String>((gateway, keys_file))
    };
    let servers = [(MANY, start(KEYS)?), (FEW, start(FEW_KEYS)?)];
    let saturate = |name: &'static str| {
        let found = servers.iter().find(|(other, _)| *other == name);
        let (_, (gateway, keys_file)) = found.ok_or("a gateway of another name")?;
        calls::requests_per_cpu_second(bench, name, (&gateway.running, gateway.address), keys_file)
    };
    // Once each uncounted: the first calls open the connections and touch the memory.
    for name in [MANY, FEW] {
        saturate(name)?;
    }
    let cost = rounds::alternate(bench.rounds, &[MANY, FEW], saturate)?;
    let ratio = Row {
        what: format!("Through the gateway: {MANY} against {FEW}"),
        unit: " ×".to_owned(),
        goal: Goal::AtLeast { must: 0.9, aim: 0.95 },
        measured: rounds::ratios(&cost, MANY, FEW)?,
    };
    if ratio.misses_aim() {
        for (name, (gateway, _)) in &servers {
            let caption = format!("Where the time goes in the gateway with {name}, under load");
            let taken = calls::profile_under_load(bench, &gateway.running, &caption, || saturate(name))?;
            report.profiles.push(taken);
        }
    }
    report.rows.push(ratio);
    report
        .rows
        .extend(cost.iter().map(throughput_row).collect::<Result<Vec<_>, _>>()?);
    let caption = "Requests per CPU-second through the gateway".to_owned();
    plot::bars(&bench.plots().join(PLOT), &caption, "requests per CPU-second", &cost)?;
    report.plots.push(Plot {
        file: PLOT.to_owned(),
        caption,
    });
    Ok(())
}

fn throughput_row(series: &Series) -> Result<Row, String> {
    Ok(Row {
        what: format!("Through the gateway with {}", series.name),
        unit: " requests per CPU-second".to_owned(),
        goal: Goal::None,
        measured: Figure::of(&series.values).ok_or("no round was run")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_read_from_what_the_example_prints() {
        let found = [
            json!({ "steps": { "median": 50 } }),
            json!({ "steps": { "median": 70.0 } }),
        ];
        let read = figure(&found, "/steps/median", 1e-3).unwrap();
        assert_eq!((read.lowest, read.highest), (0.05, 0.07));
        assert!(figure(&found, "/steps/p99", 1.0).unwrap_err().contains("/steps/p99"));
        assert!(figure(&[], "/steps/median", 1.0).is_err());
    }
}
