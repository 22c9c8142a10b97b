//! A revoked key on a fleet of gateways: when the last of them stops letting it through.

mod scene;

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use self::scene::{Key, Scene};
use super::{
    Bench, Section,
    http::Connection,
    nginx::Nginx,
    plot, portico,
    report::{Goal, Plot, Row, SectionReport},
    rounds::{self, Figure, Series},
};
use crate::load;

/// The part that concerns the fleet.
pub(crate) struct FleetSection;

const GATEWAYS: usize = 5;
/// Keys revoked in each way in each round.
const KEYS: usize = 100;
/// Between two questions to a gateway: it is to be watched, not to be kept busy.
const PAUSE: Duration = Duration::from_micros(500);
/// How long one key may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long all of it may take; the admin's access token lasts 15 minutes.
const LIMIT: Duration = Duration::from_secs(300);

const ANSWERED: &str = "from the answer";
const WAITED: &str = "the waiting mutation";
const PLOT: &str = "fleet-revocation.svg";

impl Section for FleetSection {
    fn name(&self) -> &'static str {
        "fleet"
    }

    fn run(&self, bench: &Bench) -> Result<SectionReport, String> {
        let program = portico::build(bench)?;
        let upstream = Nginx::upstream(bench)?;
        let scene = Scene::prepare(bench, &program, upstream.address, GATEWAYS)?;
        let mut gateways: Vec<Connection> = scene.gateways().map(Connection::open).collect::<Result<_, _>>()?;
        let end = Instant::now() + LIMIT;
        // The first keys find cold caches and connections that are yet to be made.
        for name in [ANSWERED, WAITED] {
            for _ in 0..KEYS / 10 {
                revoke(&scene, &mut gateways, name, end)?;
            }
        }
        let mut quantiles = Vec::new();
        let measure = |name: &'static str| {
            let mut times = (0..KEYS)
                .map(|_| revoke(&scene, &mut gateways, name, end))
                .collect::<Result<Vec<f64>, _>>()?;
            times.sort_by(f64::total_cmp);
            let [p50_name, p99_name] = quantile_names(name);
            let p99 = nearest_rank(&times, 0.99)?;
            rounds::note(&mut quantiles, p50_name, nearest_rank(&times, 0.5)?);
            rounds::note(&mut quantiles, p99_name, p99);
            Ok(p99)
        };
        rounds::alternate(bench.rounds, &[ANSWERED, WAITED], measure)?;
        report(bench, &quantiles)
    }
}

/// Gives the app a key that opens every gateway, revokes it, and tells the milliseconds that are measured.
fn revoke(scene: &Scene, gateways: &mut [Connection], name: &str, end: Instant) -> Result<f64, String> {
    let deadline = end.min(Instant::now() + PATIENCE);
    let Key { id, secret } = scene.key()?;
    let call = load::request(scene::PATH, &secret);
    wait_for(gateways, &call, 200, deadline)?;
    let waits = name == WAITED;
    let revoking = scene.revoking(&json!({ "id": id, "waitForGateways": waits }));
    let sent = Instant::now();
    let answer = scene.ask(&revoking)?;
    let answered = Instant::now();
    let revoked = scene::payload(answer, "revokeCredential")?;
    if !waits {
        let last = wait_for(gateways, &call, 401, deadline)?;
        return Ok(milliseconds(last.saturating_duration_since(answered)));
    }
    if revoked["gatewaysConfirmed"] != true {
        return Err(format!("not every gateway has confirmed a revocation: {revoked}"));
    }
    // Confirmed is enforced: not one more call may pass.
    for gateway in gateways {
        let (status, _) = gateway.exchange(&call)?;
        if status != 401 {
            return Err(format!(
                "a gateway that has confirmed a revocation answers its key {status}"
            ));
        }
    }
    Ok(milliseconds(answered.saturating_duration_since(sent)))
}

/// Asks all gateways at once, again and again, until each answers with this status; tells when the last one did.
fn wait_for(gateways: &mut [Connection], call: &[u8], wanted: u16, deadline: Instant) -> Result<Instant, String> {
    let poll = |gateway: &mut Connection| {
        loop {
            let (status, _) = gateway.exchange(call)?;
            let now = Instant::now();
            if status == wanted {
                return Ok(now);
            }
            // Nothing else can come of a key that is known or not, and of an upstream that answers.
            if !matches!(status, 200 | 401) {
                return Err(format!("a gateway answers {status}"));
            }
            if now > deadline {
                return Err(format!("a gateway did not come to answer {wanted} in time"));
            }
            thread::sleep(PAUSE);
        }
    };
    let times: Vec<Result<Instant, String>> = thread::scope(|scope| {
        let polling: Vec<_> = gateways
            .iter_mut()
            .map(|gateway| scope.spawn(move || poll(gateway)))
            .collect();
        polling
            .into_iter()
            .map(|polling| polling.join().unwrap_or_else(|_| Err("a poll broke off".to_owned())))
            .collect()
    });
    let times = times.into_iter().collect::<Result<Vec<_>, _>>()?;
    times
        .into_iter()
        .max()
        .ok_or_else(|| "there are no gateways".to_owned())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The value that so many of all, which are sorted, do not exceed.
fn nearest_rank(sorted: &[f64], quantile: f64) -> Result<f64, String> {
    let rank = (sorted.len() as f64 * quantile).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .ok_or_else(|| "no key was revoked".to_owned())
}

/// What the median and the 99th percentile are called in the plot.
fn quantile_names(name: &str) -> [&'static str; 2] {
    if name == WAITED {
        ["waiting, p50", "waiting, p99"]
    } else {
        ["from the answer, p50", "from the answer, p99"]
    }
}

fn report(bench: &Bench, quantiles: &[Series]) -> Result<SectionReport, String> {
    let row = |series: &Series| {
        // Under 100 ms is asked, and nothing beyond that.
        let goal = if series.name == quantile_names(ANSWERED)[1] {
            Goal::AtMost {
                must: 100.0,
                aim: 100.0,
            }
        } else {
            Goal::None
        };
        Ok::<_, String>(Row {
            what: format!("Revoking a key on {GATEWAYS} gateways: {}", series.name),
            unit: " ms".to_owned(),
            goal,
            measured: Figure::of(&series.values).ok_or("no round was run")?,
        })
    };
    let caption = format!("Milliseconds until {GATEWAYS} gateways refuse a revoked key");
    plot::bars(&bench.plots().join(PLOT), &caption, "ms", quantiles)?;
    Ok(SectionReport {
        title: "Revocation on a fleet".to_owned(),
        method: format!(
            "One `portico serve` on SQLite and {GATEWAYS} `portico gateway`, each a process of its own on this machine, \
             and an upstream (nginx); {}. A key that every gateway lets through is revoked by `revokeCredential`. *From \
             the answer*: all gateways are asked at once, each again {} µs after its answer, and the time from the \
             mutation's answer to the last gateway's first 401 counts. *Waiting*: the whole mutation with \
             `waitForGateways: true`, after which no gateway lets one more call through. {} rounds of {KEYS} keys in \
             either way.",
            bench.cores.words(),
            PAUSE.as_micros(),
            bench.rounds
        ),
        rows: quantiles.iter().map(row).collect::<Result<_, _>>()?,
        plots: vec![Plot {
            file: PLOT.to_owned(),
            caption,
        }],
        profiles: Vec::new(),
        machine: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_was_measured() {
        let times: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(nearest_rank(&times, 0.5), Ok(50.0));
        assert_eq!(nearest_rank(&times, 0.99), Ok(99.0));
        assert_eq!(nearest_rank(&times[..1], 0.99), Ok(1.0));
        assert!(nearest_rank(&[], 0.5).is_err());
    }
}
