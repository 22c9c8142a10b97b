//! The gateway beside nginx: what a call costs, what deciding adds to it, and how much later answers come.

use std::collections::HashMap;

use super::{
    Bench, Section,
    calls::{self, CONNECTIONS, Measured, answered},
    nginx::{self, Nginx},
    plot,
    report::{Goal, Plot, Row, SectionReport},
    rounds::{self, Figure, Series},
};
use crate::load::{LoadKind, LoadOptions, LoadResult, QUANTILES};

/// The part that concerns single calls.
pub(crate) struct GatewaySection;

const KEYS: usize = 100_000;
const RATE: u32 = 4_000;
/// Threads of the load at a constant rate.
const RATE_CONNECTIONS: usize = 32;

const NGINX: &str = "nginx";
const GATEWAY: &str = "Portico";
const UNDECIDED: &str = "Portico without its decision";
const DIRECT: &str = "no proxy";

impl Section for GatewaySection {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn run(&self, bench: &Bench) -> Result<SectionReport, String> {
        let with = bench.example("portico-gateway", "measured", &[])?;
        let without = bench.example("portico-gateway", "measured", &["undecided"])?;
        let upstream = Nginx::upstream(bench)?;
        let proxy = Nginx::proxy(bench, upstream.address)?;
        let keys_file = bench.file("keys");
        let gateway = Measured::start(bench, &with, upstream.address, KEYS, &keys_file)?;
        // Made of the same seed: its keys are the same.
        let undecided = Measured::start(bench, &without, upstream.address, KEYS, &keys_file)?;
        let servers = HashMap::from([
            (NGINX, (&proxy.running, proxy.address)),
            (GATEWAY, (&gateway.running, gateway.address)),
            (UNDECIDED, (&undecided.running, undecided.address)),
            (DIRECT, (&upstream.running, upstream.address)),
        ]);
        let proxies = [NGINX, GATEWAY, UNDECIDED].map(|name| (name, servers[name].1));
        calls::compare(&keys_file, upstream.address, &proxies, gateway.address)?;

        let saturate = |name: &'static str| calls::requests_per_cpu_second(bench, name, servers[name], &keys_file);
        let cost = rounds::alternate(bench.rounds, &[NGINX, GATEWAY, UNDECIDED], saturate)?;

        let mut latencies: HashMap<&'static str, Vec<LoadResult>> = HashMap::new();
        let at_rate = |name: &'static str| {
            let result = bench.load(&LoadOptions {
                target: servers[name].1,
                keys_file: keys_file.clone(),
                kind: LoadKind::ConstantRate,
                connections: RATE_CONNECTIONS,
                rate: RATE,
                seconds: bench.seconds,
            })?;
            answered(name, &result)?;
            let p99 = at_p99(&result)?;
            latencies.entry(name).or_default().push(result);
            Ok(p99)
        };
        let delay = rounds::alternate(bench.rounds, &[DIRECT, NGINX, GATEWAY], at_rate)?;
        let mut found = report(bench, &cost, &delay, &latencies)?;
        if found.rows.iter().any(Row::misses_aim) {
            for name in [GATEWAY, NGINX] {
                let caption = format!("Where the time goes in {name} under the first row's load");
                let (running, _) = servers[name];
                let taken = calls::profile_under_load(bench, running, &caption, || saturate(name))?;
                found.profiles.push(taken);
            }
        }
        Ok(found)
    }
}

const P99: f64 = 0.99;

fn at_p99(result: &LoadResult) -> Result<f64, String> {
    QUANTILES
        .iter()
        .position(|quantile| *quantile == P99)
        .and_then(|at| result.latency_micros.get(at))
        .map(|micros| *micros as f64)
        .ok_or_else(|| "the load told no latencies".to_owned())
}

fn report(
    bench: &Bench,
    cost: &[Series],
    delay: &[Series],
    latencies: &HashMap<&'static str, Vec<LoadResult>>,
) -> Result<SectionReport, String> {
    let plots = [
        Plot {
            file: "gateway-cost.svg".to_owned(),
            caption: "Requests per CPU-second".to_owned(),
        },
        Plot {
            file: "gateway-latency.svg".to_owned(),
            caption: format!("Latency at {RATE} requests a second"),
        },
    ];
    plot::bars(
        &bench.plots().join(&plots[0].file),
        &plots[0].caption,
        "requests per CPU-second",
        cost,
    )?;
    let lines: Vec<(&str, Vec<f64>)> = [DIRECT, NGINX, GATEWAY]
        .into_iter()
        .filter_map(|name| Some((name, median_latencies(latencies.get(name)?))))
        .collect();
    plot::latencies(&bench.plots().join(&plots[1].file), &plots[1].caption, &lines)?;

    let mut rows = vec![
        Row {
            what: format!("Key and grant check with {KEYS} random keys, keep-alive GET, against nginx without any"),
            unit: " ×".to_owned(),
            goal: Goal::AtLeast { must: 0.9, aim: 1.0 },
            measured: rounds::ratios(cost, GATEWAY, NGINX)?,
        },
        Row {
            what: "With the decision ÷ without it".to_owned(),
            unit: " ×".to_owned(),
            goal: Goal::AtLeast { must: 0.95, aim: 0.98 },
            measured: rounds::ratios(cost, GATEWAY, UNDECIDED)?,
        },
        Row {
            what: format!("p99 added at {RATE} requests/s, against what nginx adds"),
            unit: " ×".to_owned(),
            goal: Goal::AtMost { must: 2.0, aim: 1.2 },
            measured: rounds::ratios(&added(delay)?, GATEWAY, NGINX)?,
        },
    ];
    for (all, unit, what) in [
        (cost, "", "requests per CPU-second"),
        (delay, " µs", "p99 at the constant rate"),
    ] {
        for series in all {
            rows.push(Row {
                what: format!("{}: {what}", series.name),
                unit: unit.to_owned(),
                goal: Goal::None,
                measured: Figure::of(&series.values).ok_or("no round was run")?,
            });
        }
    }
    Ok(SectionReport {
        title: "The gateway, call by call".to_owned(),
        method: format!(
            "The same upstream (nginx, {} bytes from memory) is asked through Debian's {} as a plain proxy with kept \
             connections, no access log and no authentication; through the gateway as it is shipped; and through a \
             gateway built to forward without a decision, which neither looks keys up nor tells the upstream who \
             calls. One worker each; {}. Cost: {CONNECTIONS} connections that always have a request under way, each \
             with one of {KEYS} keys at random. Latency: {RATE} requests/s at fixed times on {RATE_CONNECTIONS} \
             connections, counted from when each was due. {} rounds of {} s.",
            nginx::BODY_BYTES,
            nginx::version()?,
            bench.cores.words(),
            bench.rounds,
            bench.seconds
        ),
        rows,
        plots: plots.to_vec(),
        profiles: Vec::new(),
        machine: Vec::new(),
    })
}

/// What each proxy adds, round by round, to the latency without one; at least a microsecond, the clock's grain.
fn added(delay: &[Series]) -> Result<Vec<Series>, String> {
    let direct = delay
        .iter()
        .find(|series| series.name == DIRECT)
        .ok_or("nothing was measured without a proxy")?;
    Ok(delay
        .iter()
        .filter(|series| series.name != DIRECT)
        .map(|series| Series {
            name: series.name,
            values: series
                .values
                .iter()
                .zip(&direct.values)
                .map(|(through, direct)| (through - direct).max(1.0))
                .collect(),
        })
        .collect())
}

/// The median of all rounds at each quantile.
fn median_latencies(results: &[LoadResult]) -> Vec<f64> {
    (0..QUANTILES.len())
        .filter_map(|at| {
            let values: Vec<f64> = results
                .iter()
                .filter_map(|result| result.latency_micros.get(at))
                .map(|micros| *micros as f64)
                .collect();
            Some(Figure::of(&values)?.median)
        })
        .collect()
}
