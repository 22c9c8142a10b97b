//! GraphQL beside PostGraphile 5, on the same PostgreSQL and the same rows.
//!
//! Both are asked the same questions in their own words. PostGraphile checks no token and no rights, and makes an app by
//! one row; Portico authenticates each request, holds to who may see what, and writes a claim, an audit event and a
//! change beside the app. That difference is left as it is.

mod data;
mod load;
mod question;
mod server;

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use test_cluster::Cluster;

use self::data::{Developer, Rows};
use super::{
    Bench, Section, calls, pinned, plot,
    portico::{self, Server},
    report::{Goal, Plot, Row, SectionReport},
    rounds::{self, Figure, Series},
};
use crate::postgres;

/// How many developers ask: more than connections, so that writers seldom wait for one another.
const DEVELOPERS: usize = 24;
/// How long a server is asked before anything counts: caches and pools are filled, and compiled is what is compiled as it
/// runs.
const WARM_UP: Duration = Duration::from_millis(500);
/// Connections of load.
const CONNECTIONS: usize = 16;
/// How many apps there are, and how many there are at scale.
const SMALL: u64 = 1_000;
const LARGE: u64 = 1_000_000;

const KEPT: &str = "Portico, kept answers";
const EXECUTED: &str = "Portico, executed";
const PEER: &str = "PostGraphile";

/// The part that concerns GraphQL.
pub(crate) struct QueriesSection;

impl Section for QueriesSection {
    fn name(&self) -> &'static str {
        "queries"
    }

    fn run(&self, bench: &Bench) -> Result<SectionReport, String> {
        let portico = portico::build(bench)?;
        let peer = server::install_postgraphile(bench)?;
        let programs = postgres::ensure()?;
        // Durable, as it is by itself; the tests' servers are not.
        let settings = [
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
            "shared_buffers=512MB",
        ];
        let cluster = Cluster::start(&programs, &settings).map_err(|error| error.to_string())?;
        let mut report = SectionReport {
            title: "GraphQL beside PostGraphile 5".to_owned(),
            method: METHOD.to_owned(),
            rows: Vec::new(),
            plots: Vec::new(),
            profiles: Vec::new(),
            machine: Vec::new(),
        };
        beside_peer(bench, &portico, &peer, &cluster, &mut report)?;
        at_scale(bench, &portico, &cluster, &mut report)?;
        Ok(report)
    }
}

const METHOD: &str = "\
PostGraphile 5 with its Amber preset and the Node.js that it asks for, both from npm at the versions of a lock file, and \
Portico as released, on one PostgreSQL with `fsync` on: 100 products with three versions each, 1,000 apps with two \
requests each. 16 connections; Portico's requests carry the access tokens of 24 developers. Requests per CPU-second of \
the server's own process; PostgreSQL's time is told beside it and counted for nobody. *Kept* is the default; *executed* \
is `--answer-cache-bytes 0`, where every query runs. PostGraphile checks no rights and writes one row to make an app; \
Portico writes a claim, an audit event and a change beside it. Latencies are medians of one request after the other.";

/// Makes a request from the connection's number and how many there were before.
type Asking<'a> = &'a (dyn Fn(&Server, usize, u64) -> Vec<u8> + Sync);

/// Something that both servers do.
struct Work<'a> {
    what: &'static str,
    goal: Goal,
    plot: &'static str,
    ours: Asking<'a>,
    theirs: Asking<'a>,
}

fn beside_peer(
    bench: &Bench,
    portico: &Path,
    peer: &Path,
    cluster: &Cluster,
    report: &mut SectionReport,
) -> Result<(), String> {
    let rows = Rows::prepare(bench, portico, cluster, SMALL)?;
    let kept = rows.serve(bench, "kept", &[])?;
    let executed = rows.serve(bench, "executed", &["--answer-cache-bytes", "0"])?;
    let peer = server::postgraphile(bench, peer, &rows.database_url)?;
    let database = data::postmaster(cluster)?;
    let tokens = rows.tokens(&kept)?;
    compare(&[&kept, &executed], &peer, &rows.developers, &tokens)?;
    let token = |number: usize| Some(tokens[number % tokens.len()].as_str());
    let developer = |number: u64| &rows.developers[to_index(number) % rows.developers.len()];
    let servers = [(KEPT, &kept), (PEER, &peer), (EXECUTED, &executed)];
    let all = [
        Work {
            what: "`products(first: 20)` with 3 versions each and their settings",
            goal: Goal::AtLeast { must: 5.0, aim: 50.0 },
            plot: "queries-products.svg",
            ours: &|server, number, _| server.request(question::CATALOG, &json!({}), token(number)),
            theirs: &|server, _, _| server.request(question::PEER_CATALOG, &json!({}), None),
        },
        Work {
            what: "my apps → requests → version → product",
            goal: Goal::AtLeast { must: 3.5, aim: 5.0 },
            plot: "queries-my-apps.svg",
            ours: &|server, _, count| server.request(question::MY_APPS, &json!({}), token(to_index(count))),
            theirs: &|server, _, count| {
                let variables = json!({ "developer": developer(count).id });
                server.request(question::PEER_MY_APPS, &variables, None)
            },
        },
        Work {
            what: "`createApp`, durable",
            goal: Goal::AtLeast { must: 3.5, aim: 5.0 },
            plot: "queries-create-app.svg",
            ours: &|server, _, count| create_app(server, &unique(count), token(to_index(count))),
            theirs: &|server, _, count| create_peer_app(server, &unique(count), developer(count)),
        },
    ];
    for work in &all {
        println!("  {}", work.what);
        let mut database_micros: Vec<Series> = Vec::new();
        let measure = |name: &'static str| {
            let server = servers.iter().find(|(other, _)| *other == name);
            let server = server.map(|(_, server)| *server).ok_or("a server of another name")?;
            let asking = if name == PEER { work.theirs } else { work.ours };
            saturate(server, asking, WARM_UP)?;
            let (own_before, database_before) = (server.cpu_time()?, pinned::cpu_time_of(database)?);
            let answered = saturate(server, asking, Duration::from_secs(bench.seconds))?;
            let own = server.cpu_time()?.saturating_sub(own_before).as_secs_f64();
            let theirs = pinned::cpu_time_of(database)?
                .saturating_sub(database_before)
                .as_secs_f64();
            rounds::note(&mut database_micros, name, theirs * 1e6 / answered);
            Ok(answered / own)
        };
        let cost = rounds::alternate(bench.rounds, &[KEPT, PEER, EXECUTED], measure)?;
        for (name, goal) in [(KEPT, work.goal), (EXECUTED, Goal::None)] {
            report.rows.push(Row {
                what: format!("{}: {name}, against PostGraphile", work.what),
                unit: " ×".to_owned(),
                goal,
                measured: rounds::ratios(&cost, name, PEER)?,
            });
        }
        if report.rows.iter().rev().take(2).any(Row::misses_aim) {
            for name in [KEPT, EXECUTED] {
                let (_, server) = *servers
                    .iter()
                    .find(|(other, _)| *other == name)
                    .ok_or("no such server")?;
                let load = || saturate(server, work.ours, Duration::from_secs(bench.seconds));
                let caption = format!("Where the time goes in {name}, {}", work.what);
                let taken = calls::profile_under_load(bench, server.running(), &caption, load)?;
                report.profiles.push(taken);
            }
        }
        for series in &database_micros {
            report.rows.push(Row {
                what: format!("{}: PostgreSQL's time a request, {}", work.what, series.name),
                unit: " µs".to_owned(),
                goal: Goal::None,
                measured: Figure::of(&series.values).ok_or("no round was run")?,
            });
        }
        plot::bars(
            &bench.plots().join(work.plot),
            work.what,
            "requests per CPU-second",
            &cost,
        )?;
        report.plots.push(Plot {
            file: work.plot.to_owned(),
            caption: format!("{}: requests per CPU-second", work.what),
        });
    }
    Ok(())
}

/// How many answers there were.
fn saturate(server: &Server, asking: Asking<'_>, duration: Duration) -> Result<f64, String> {
    let next = |number: usize, count: u64| asking(server, number, count);
    let load = load::run(server.address, CONNECTIONS, duration, &next)?;
    Ok(load.times.len() as f64)
}

/// Latencies one request after the other, with few and with many apps in the database.
fn at_scale(bench: &Bench, portico: &Path, cluster: &Cluster, report: &mut SectionReport) -> Result<(), String> {
    const FEW: &str = "1,000 apps";
    const MANY: &str = "1,000,000 apps";
    let few = Rows::prepare(bench, portico, cluster, SMALL)?;
    let many = Rows::prepare(bench, portico, cluster, LARGE)?;
    // One after the other, so many that their median stands still.
    let duration = Duration::from_secs(bench.seconds.div_ceil(2));
    for (how, flags) in [(KEPT, &[][..]), (EXECUTED, &["--answer-cache-bytes", "0"][..])] {
        let servers = [
            (FEW, few.serve(bench, "few", flags)?),
            (MANY, many.serve(bench, "many", flags)?),
        ];
        let tokens = [few.tokens(&servers[0].1)?, many.tokens(&servers[1].1)?];
        for (what, document) in [("catalog", question::CATALOG), ("my apps", question::MY_APPS)] {
            println!("  {what}, {how}");
            let ask = |name: &'static str, duration: Duration| {
                let at = usize::from(name == MANY);
                let (server, tokens) = (&servers[at].1, &tokens[at]);
                let next = |_: usize, count: u64| {
                    let token = Some(tokens[to_index(count) % tokens.len()].as_str());
                    server.request(document, &json!({}), token)
                };
                let load = load::run(server.address, 1, duration, &next)?;
                Ok::<_, String>(load.median().as_secs_f64() * 1e6)
            };
            let measure = |name: &'static str| {
                ask(name, WARM_UP)?;
                ask(name, duration)
            };
            let medians = rounds::alternate(bench.rounds, &[FEW, MANY], measure)?;
            let row = Row {
                what: format!("{what}: latency at {MANY} against {FEW}, {how}"),
                unit: " ×".to_owned(),
                goal: Goal::AtMost { must: 1.3, aim: 1.1 },
                measured: rounds::ratios(&medians, MANY, FEW)?,
            };
            if row.misses_aim() {
                let caption = format!("Where the time goes with {MANY}, {what}, {how}");
                let load = || ask(MANY, Duration::from_secs(bench.seconds));
                let taken = calls::profile_under_load(bench, servers[1].1.running(), &caption, load)?;
                report.profiles.push(taken);
            }
            report.rows.push(row);
            for (name, micros) in medians.iter().map(|series| (series.name, &series.values)) {
                report.rows.push(Row {
                    what: format!("{what}: median latency at {name}, {how}"),
                    unit: " µs".to_owned(),
                    goal: Goal::None,
                    measured: Figure::of(micros).ok_or("no round was run")?,
                });
            }
        }
    }
    Ok(())
}

/// Compares each server's answers to all questions; says where they differ.
fn compare(ours: &[&Server], peer: &Server, developers: &[Developer], tokens: &[String]) -> Result<(), String> {
    let same = |what: &str, own: &Value, theirs: &Value| {
        let is_empty = own.as_array().is_none_or(Vec::is_empty);
        if is_empty || own != theirs {
            return Err(format!("the answers about {what} differ:\n{own}\n{theirs}"));
        }
        Ok(())
    };
    let catalog = peer.ask(&peer.request(question::PEER_CATALOG, &json!({}), None))?;
    for server in ours {
        let token = Some(tokens[0].as_str());
        // Twice, so that a kept answer is compared, too.
        for _ in 0..2 {
            let own = server.ask(&server.request(question::CATALOG, &json!({}), token))?;
            same("the catalog", &question::catalog(&own), &question::catalog(&catalog))?;
        }
        for (developer, token) in developers.iter().zip(tokens) {
            let variables = json!({ "developer": developer.id });
            let theirs = peer.ask(&peer.request(question::PEER_MY_APPS, &variables, None))?;
            for _ in 0..2 {
                let own = server.ask(&server.request(question::MY_APPS, &json!({}), Some(token)))?;
                same("my apps", &question::my_apps(&own), &question::my_apps(&theirs))?;
            }
        }
        let (own, theirs) = (unique(0), unique(1));
        let own_answer = question::created(&server.ask(&create_app(server, &own, token))?);
        let their_answer = question::created(&peer.ask(&create_peer_app(peer, &theirs, &developers[0]))?);
        same("createApp", &own_answer, &json!([own, own, "ACTIVE"]))?;
        same("createApp", &json!([theirs, theirs, "ACTIVE"]), &their_answer)?;
    }
    Ok(())
}

fn create_app(server: &Server, name: &str, token: Option<&str>) -> Vec<u8> {
    let input = json!({ "name": name, "referenceId": name });
    server.request(question::CREATE_APP, &json!({ "input": input }), token)
}

fn create_peer_app(server: &Server, name: &str, developer: &Developer) -> Vec<u8> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis()
        .to_string();
    let app = json!({
        "rowId": data::random_uuid(), "developerId": developer.id, "name": name, "nameFolded": name, "referenceId": name,
        "referenceIdFolded": name, "status": "ACTIVE", "createdAt": now, "updatedAt": now,
    });
    server.request(question::PEER_CREATE_APP, &json!({ "app": app }), None)
}

/// A name that no other request of this run has.
fn unique(count: u64) -> String {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    format!("bench-{nanos}-{count}")
}

fn to_index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
