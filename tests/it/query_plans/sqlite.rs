//! On SQLite.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex},
};

use portico_tests::{caller::Caller, fixture, server::TestServer, upstream::Upstream};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use serde_json::json;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use super::queries::{self, Subjects};

/// What grows with the number of people, apps and calls.
const LARGE: [&str; 17] = [
    "access_request",
    "access_request_hold",
    "app",
    "audit_event",
    "change_log",
    "credential",
    "developer",
    "idempotency_key",
    "product",
    "product_document",
    "product_label",
    "reference_id_claim",
    "refresh_token",
    "route",
    "route_path",
    "session",
    "version",
];

/// The statements that the server has run.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<BTreeSet<String>>>);

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "portico::statement" {
            event.record(&mut Text(self));
        }
    }
}

struct Text<'a>(&'a Statements);

impl Visit for Text<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "sql" {
            self.0.0.lock().unwrap().insert(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// SQLite keeps no statistics here, so its plan follows from the tables and indexes alone: there is nothing to fill them
/// with. On one thread, so that all of the server's statements are heard.
#[tokio::test]
async fn no_query_of_the_contract_scans_a_large_sqlite_table() {
    let statements = Statements::default();
    let _heard = tracing_subscriber::registry().with(statements.clone()).set_default();
    let server = TestServer::start().await;
    // It reads everything when it starts.
    statements.0.lock().unwrap().clear();
    let upstream = Upstream::start().await;
    let client = server.admin().await;
    let published = fixture::publish(&client, &upstream, "mock", true).await;
    let developer = server.developer(&client, "dana").await;
    let admin = Caller::of(&server, "admin", &client);
    let dana = Caller::of(&server, "dana", &developer.client);
    let strategies = admin.post("{ authStrategies { nodes { id } } }", json!({})).await;
    let strategy = strategies["data"]["authStrategies"]["nodes"][0]["id"].as_str().unwrap();
    let subjects = Subjects::make(&developer, &published, strategy).await;
    let (lists, nested) = (queries::lists(&subjects), queries::nested(&subjects));
    for document in lists.iter().chain(&nested) {
        // Twice: the second time it is asked whether the answer that was kept holds.
        for _ in 0..2 {
            let answer = admin.post(document, json!({})).await;
            assert!(answer.get("errors").is_none(), "{document}: {answer}");
        }
        if queries::is_seen_differently(document) {
            dana.post(document, json!({})).await;
        }
    }
    let plane = server.server().plane();
    portico::housekeeping::run_once(plane, domain::Timestamp::now())
        .await
        .unwrap();

    let heard = statements.0.lock().unwrap().clone();
    assert!(heard.len() > 100, "{}", heard.len());
    assert!(
        heard.iter().any(|sql| sql.contains("change_log WHERE revision > ")),
        "the log was not looked at"
    );
    let mut bad = Vec::new();
    for sql in heard {
        // Values do not change a plan that no statistics stand behind; those that are missing are null.
        let explaining = Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"));
        for step in plane.database.read().query_all_raw(explaining).await.unwrap() {
            let step: String = step.try_get("", "detail").unwrap();
            let scanned = step.strip_prefix("SCAN ").filter(|rest| !rest.contains(" USING "));
            let table = scanned.and_then(|rest| rest.split(' ').next());
            // Of an empty list of ids nothing is read: the condition, which no row decides, is looked at first.
            let is_never_true = sql.ends_with("WHERE ? = ?");
            if !is_never_true && table.is_some_and(|table| LARGE.contains(&table)) {
                bad.push(format!("{step}: {sql}"));
            }
        }
    }
    assert!(bad.is_empty(), "{} statements scan:\n{}", bad.len(), bad.join("\n\n"));
    server.stop().await;
}
