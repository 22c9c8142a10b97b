//! The SDK beside a bare HTTP call: what typing, decoding and a session cost.

use std::{path::Path, process::Stdio};

use serde_json::Value;

use super::{
    Bench, Section,
    report::{Goal, Row, SectionReport},
    rounds::Figure,
};

const CALLS: u32 = 5000;

pub(super) struct SdkSection;

impl Section for SdkSection {
    fn name(&self) -> &'static str {
        "sdk"
    }

    fn run(&self, bench: &Bench) -> Result<SectionReport, String> {
        let program = bench.example("portico-sdk", "overhead", &[])?;
        let found = measure(bench, &program)?;
        let mut rows = Vec::new();
        for (call, words) in [("viewer", "`viewer`"), ("apps", "a page of 20 apps")] {
            rows.push(row(
                &found[call],
                "bare",
                format!(
                    "CPU of the SDK for {words}, beyond that of a bare reqwest call that does not look at its bytes"
                ),
                Goal::AtMost { must: 5.0, aim: 5.0 },
            )?);
            rows.push(row(
                &found[call],
                "bare_json",
                "The same, beyond that of a bare reqwest call whose answer is read as `serde_json::Value`".to_owned(),
                Goal::None,
            )?);
        }
        Ok(SectionReport {
            title: "The SDK".to_owned(),
            method: format!(
                "`sdk/examples/overhead.rs`: CPU time of the calling thread, which does all that a client does, for {CALLS} \
                 calls of each kind in turns, before a server in the same process whose threads do not count. The bare \
                 call has the same headers and the same body, already written, and a `reqwest::Client` of its own. {}; {} \
                 rounds.",
                bench.cores.words(),
                bench.rounds
            ),
            rows,
            plots: Vec::new(),
            profiles: Vec::new(),
            machine: Vec::new(),
        })
    }
}

fn measure(bench: &Bench, program: &Path) -> Result<Value, String> {
    let output = bench
        .cores
        .server_command(program)
        .args([bench.rounds.to_string(), CALLS.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("the example overhead cannot be started: {error}"))?;
    if !output.status.success() {
        return Err("the example overhead failed".to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("overhead did not say what it found: {error}"))
}

/// How many per cent more the SDK takes, round by round.
fn row(found: &Value, beside: &str, what: String, goal: Goal) -> Result<Row, String> {
    let series = |name: &str| -> Result<Vec<f64>, String> {
        let values = found[name].as_array().ok_or("overhead left something out")?;
        Ok(values.iter().filter_map(Value::as_f64).collect())
    };
    let (sdk, bare) = (series("sdk")?, series(beside)?);
    let percent: Vec<f64> = sdk
        .iter()
        .zip(&bare)
        .map(|(sdk, bare)| (sdk / bare - 1.0) * 100.0)
        .collect();
    Ok(Row {
        what,
        unit: " %".to_owned(),
        goal,
        measured: Figure::of(&percent).ok_or("overhead measured nothing")?,
    })
}
