//! Live updates: how long after a mutation's answer the last of a thousand subscribers has it.

mod reader;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::reader::Readers;
use super::{
    Bench, Section,
    portico::{self, Portico, Server},
    report::{Goal, Row, SectionReport},
    rounds::Figure,
};

/// Subscribers on the one node.
const SUBSCRIBERS: usize = 1000;
/// Changes in each round; the round's value is of the slowest.
const CHANGES: usize = 20;

const SAME: &str = "all with one document";
const OWN: &str = "each with a document of its own";

/// The part that concerns live updates.
pub(crate) struct SubscriptionsSection;

impl Section for SubscriptionsSection {
    fn name(&self) -> &'static str {
        "subscriptions"
    }

    fn run(&self, bench: &Bench) -> Result<SectionReport, String> {
        let program = portico::build(bench)?;
        let server = Portico {
            bench,
            program: &program,
            directory: &bench.file("subscriptions"),
            database_url: None,
            keys: None,
            flags: &["--max-connections-per-subscriber", "5000"],
        }
        .start()?;
        let scene = Scene::prepare(&server)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no runtime: {error}"))?;
        let mut rows = Vec::new();
        for (what, document) in [(SAME, same as fn(usize) -> String), (OWN, own)] {
            println!("  {what}");
            let mut readers =
                runtime.block_on(Readers::connect(server.address, &scene.admin, SUBSCRIBERS, document))?;
            let mut worst = Vec::new();
            for round in 0..bench.rounds {
                let before = server.cpu_time()?;
                let mut slowest = Duration::ZERO;
                for _ in 0..CHANGES {
                    let answered = scene.change(&server)?;
                    let last = runtime.block_on(readers.all_have_it())?;
                    slowest = slowest.max(last.saturating_duration_since(answered));
                }
                let spent = server.cpu_time()?.saturating_sub(before).as_secs_f64() * 1000.0 / CHANGES as f64;
                let slowest = slowest.as_secs_f64() * 1000.0;
                println!("  round {}: {slowest:.0} ms, {spent:.1} ms of CPU a change", round + 1);
                worst.push((slowest, spent));
            }
            let (slowest, spent): (Vec<f64>, Vec<f64>) = worst.into_iter().unzip();
            rows.push(Row {
                what: format!("From the mutation's answer until {SUBSCRIBERS} subscribers have it, {what}"),
                unit: " ms".to_owned(),
                goal: Goal::AtMost {
                    must: 1000.0,
                    aim: 100.0,
                },
                measured: Figure::of(&slowest).ok_or("no round was run")?,
            });
            rows.push(Row {
                what: format!("The server's CPU time a change, {what}"),
                unit: " ms".to_owned(),
                goal: Goal::None,
                measured: Figure::of(&spent).ok_or("no round was run")?,
            });
        }
        Ok(SectionReport {
            title: "Live updates".to_owned(),
            method: METHOD.to_owned(),
            rows,
            plots: Vec::new(),
            profiles: Vec::new(),
            machine: Vec::new(),
        })
    }
}

const METHOD: &str = "\
One node on SQLite, server on core 0, clients on core 1. 1,000 websockets (graphql-transport-ws) of an admin each \
subscribe to `accessRequestChanged` with the request's status, app, version and product. Then an access request is \
approved and revoked, 20 changes a round, one after the other: each counts from when its mutation was answered until the \
last of the 1,000 has read its update, and a round's value is its slowest change. Every update is checked to show the \
state that the mutation made. With one document for all, an update is made once and sent 1,000 times; with a document of \
its own for each, it is executed 1,000 times.";

fn same(_: usize) -> String {
    own(0)
}

/// The name differs, so nothing that is made for one serves another.
fn own(number: usize) -> String {
    format!(
        "subscription S{number} {{ accessRequestChanged {{ accessRequest {{ id status updatedAt app {{ id name }} \
         version {{ id name product {{ id name }} }} }} deletedId }} }}"
    )
}

/// An access request that changes.
struct Scene {
    admin: String,
    request: String,
    changes: std::cell::Cell<usize>,
}

impl Scene {
    fn prepare(server: &Server) -> Result<Self, String> {
        let admin = server.sign_in_admin(0)?;
        let step =
            |token: &str, name: &str, input: Value, selection: &str| mutate(server, token, name, &input, selection);
        let made = step(&admin, "createProduct", json!({ "name": "Mock" }), "product { id }")?;
        let product = made["product"]["id"].clone();
        let input = json!({ "productId": product, "name": "v1" });
        let version = step(&admin, "createVersion", input, "version { id }")?["version"]["id"].clone();
        step(&admin, "publishProduct", json!({ "id": product }), "")?;
        step(&admin, "enableRegistration", json!({ "versionId": version }), "")?;
        let account = json!({ "email": "dana@example.com", "password": "a developer's long password" });
        let mut sign_up = account.clone();
        sign_up["fullName"] = json!("Dana");
        let document =
            "mutation($input: SignUpInput!) { signUp(input: $input) { developer { id } userErrors { code } } }";
        let made = server.ask(&server.request_from(0, document, &json!({ "input": sign_up })))?;
        let developer = made["data"]["signUp"]["developer"]["id"].clone();
        step(&admin, "approveDeveloper", json!({ "id": developer }), "")?;
        let dana = server.sign_in(0, &account)?;
        let input = json!({ "name": "banking", "referenceId": "banking" });
        let app = step(&dana, "createApp", input, "app { id }")?["app"]["id"].clone();
        let input = json!({ "appId": app, "versionId": version });
        let made = step(&dana, "requestAccess", input, "accessRequest { id }")?;
        let request = made["accessRequest"]["id"].as_str().ok_or("no request was made")?;
        Ok(Self {
            admin,
            request: request.to_owned(),
            changes: std::cell::Cell::new(0),
        })
    }

    /// Takes the next step; when it was answered.
    fn change(&self, server: &Server) -> Result<Instant, String> {
        let count = self.changes.replace(self.changes.get() + 1);
        let step = if count.is_multiple_of(2) {
            "approveAccessRequest"
        } else {
            "revokeAccessRequest"
        };
        let mut input = json!({ "id": self.request });
        if count % 2 == 1 {
            input["reason"] = json!("for the benchmark");
        }
        mutate(server, &self.admin, step, &input, "")?;
        Ok(Instant::now())
    }
}

/// What a mutation that must succeed answers.
fn mutate(server: &Server, token: &str, name: &str, input: &Value, selection: &str) -> Result<Value, String> {
    let (initial, rest) = name.split_at(1);
    let document = format!(
        "mutation($input: {}{rest}Input!) {{ {name}(input: $input) {{ {selection} userErrors {{ code message }} }} }}",
        initial.to_ascii_uppercase()
    );
    let mut answer = server.ask(&server.request(&document, &json!({ "input": input }), Some(token)))?;
    let has_failed = !answer["data"][name]["userErrors"].as_array().is_some_and(Vec::is_empty);
    if has_failed {
        return Err(format!("{name} failed: {answer}"));
    }
    Ok(answer["data"][name].take())
}
