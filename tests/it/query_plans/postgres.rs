//! What the contract's queries cost PostgreSQL: no sequential scan over a large table, and no statement per row.

use std::{collections::BTreeSet, fmt::Write as _};

use portico_tests::{
    caller::Caller,
    database, fixture,
    server::{TestDeveloper, TestServer},
    upstream::Upstream,
};
use serde_json::{Value, json};
use test_cluster::Cluster;

use super::queries::{self, Subjects};

/// Makes the server log every statement's plan
/// (<https://www.postgresql.org/docs/current/auto-explain.html>).
const EXPLAINED: [&str; 4] = [
    "session_preload_libraries=auto_explain",
    "auto_explain.log_min_duration=0",
    "auto_explain.log_format=json",
    "shared_buffers=256MB",
];

/// From how many rows on a table is large.
const LARGE: u32 = 10_000;

/// 20,000 products with three versions each, 300 strategies, 100,000 apps, requests, credentials and audit events. Dana
/// has 400 apps, and a third of the requests are for one version.
const SEED: &str = "
SET auto_explain.log_min_duration = -1;
CREATE TEMP TABLE known AS SELECT
  (SELECT id FROM developer WHERE email = 'dana@example.com') AS dana,
  (SELECT id FROM version WHERE name = 'v1' AND product_id = (SELECT id FROM product WHERE slug = 'mock')) AS version;
CREATE TEMP TABLE p AS SELECT n, gen_random_uuid() AS id FROM generate_series(1, 20000) n;
CREATE TEMP TABLE v AS SELECT row_number() OVER () AS n, gen_random_uuid() AS id, p.n AS product, p.id AS product_id, m
  FROM p, generate_series(1, 3) m;
CREATE TEMP TABLE d AS SELECT n, gen_random_uuid() AS id FROM generate_series(1, 20000) n;
CREATE TEMP TABLE a AS SELECT n, gen_random_uuid() AS id FROM generate_series(1, 100000) n;
CREATE INDEX ON p (n); CREATE INDEX ON v (n); CREATE INDEX ON d (n); CREATE INDEX ON a (n);
ANALYZE p; ANALYZE v; ANALYZE d; ANALYZE a;
INSERT INTO auth_strategy (id, kind, name, built_in, key_names, created_at)
  SELECT gen_random_uuid(), kind, 'strategy ' || n, false, key_names, n
  FROM auth_strategy, generate_series(1, 299) n WHERE built_in;
CREATE TEMP TABLE s AS SELECT row_number() OVER (ORDER BY built_in DESC) AS n, id FROM auth_strategy;
CREATE INDEX ON s (n); ANALYZE s;
INSERT INTO product (id, slug, name, name_folded, published_at, created_at, updated_at)
  SELECT id, 'product-' || n, 'Product ' || n, 'product ' || n, CASE WHEN n % 10 > 0 THEN n END, n, n FROM p;
INSERT INTO product_label (product_id, key, value) SELECT id, 'team', 't' || n % 50 FROM p;
INSERT INTO product_label (product_id, key, value) SELECT id, 'tier', 't' || n % 3 FROM p;
INSERT INTO product_document (product_id, slug, position, title, body) SELECT id, 'start', 0, 'Start', 'Text' FROM p;
INSERT INTO version (id, product_id, name, lifecycle, upstream_url, registration_enabled, auto_approve,
                     auth_strategy_id, created_at, updated_at)
  SELECT v.id, product_id, 'v' || m, CASE WHEN v.n % 20 = 0 THEN 'DEPRECATED' ELSE 'ACTIVE' END, 'http://127.0.0.1:1', true,
         false, s.id, v.n, v.n FROM v JOIN s ON s.n = v.n % 300 + 1;
INSERT INTO version_specification (version_id, document) SELECT id, '{}' FROM v WHERE m = 1;
INSERT INTO route (version_id, position, hosts, paths, methods, strip_path)
  SELECT id, 0, '[]', '[\"/seed-' || n || '\"]', '[]', true FROM v;
INSERT INTO route_path (path, version_id) SELECT '/seed-' || n, id FROM v;
INSERT INTO developer (id, email, email_normalised, full_name, password_hash, status, decision_automatic, created_at)
  SELECT id, 'dev-' || n || '@example.com', 'dev-' || n || '@example.com', 'Dev', 'none',
         CASE WHEN n % 20 = 0 THEN 'PENDING' ELSE 'APPROVED' END, false, n FROM d;
INSERT INTO app (id, developer_id, name, name_folded, reference_id, reference_id_folded, status, created_at, updated_at)
  SELECT a.id, CASE WHEN a.n <= 400 THEN dana ELSE d.id END, 'App ' || a.n, 'app ' || a.n, 'app-' || a.n, 'app-' || a.n,
         CASE WHEN a.n % 50 = 0 THEN 'SUSPENDED' ELSE 'ACTIVE' END, a.n, a.n
  FROM a JOIN d ON d.n = a.n % 20000 + 1, known;
INSERT INTO access_request (id, app_id, version_id, developer_id, status, decision_automatic, created_at, updated_at)
  SELECT gen_random_uuid(), app.id, CASE WHEN a.n % 3 = 0 THEN known.version ELSE v.id END, app.developer_id,
         (ARRAY['PENDING', 'APPROVED', 'APPROVED', 'REJECTED', 'REVOKED', 'CANCELLED'])[a.n % 6 + 1], false, a.n, a.n
  FROM a JOIN app ON app.id = a.id JOIN v ON v.n = a.n % 60000 + 1, known;
INSERT INTO credential (id, app_id, auth_strategy_id, kind, name, key_hash, hint, created_at)
  SELECT gen_random_uuid(), a.id, s.id, 'API_KEY', 'key', sha256(a.id::text::bytea), 'ptk_', a.n
  FROM a JOIN s ON s.n = a.n % 300 + 1;
INSERT INTO audit_event (id, at, actor, action, subject_id)
  SELECT gen_random_uuid(), n, 'actor-' || n % 5000, CASE WHEN n % 5 = 0 THEN 'app.delete' ELSE 'session.sign-in' END,
         'subject-' || n % 40000 FROM a;
INSERT INTO session (id, realm, account_id, created_at, expires_at)
  SELECT gen_random_uuid(), 'PORTAL', id, n, extract(epoch FROM now())::bigint * 1000 + n FROM d;
INSERT INTO refresh_token (hash, session_id, created_at, expires_at)
  SELECT sha256(id::text::bytea), id, created_at, expires_at FROM session;
INSERT INTO change_log (subject, subject_id, at) SELECT 'APP', id, extract(epoch FROM now())::bigint * 1000 FROM a;
INSERT INTO idempotency_key (caller, mutation, key, input_hash, subject_id, created_at)
  SELECT 'dev', 'createApp', n::text, ''::bytea, id, extract(epoch FROM now())::bigint * 1000 FROM d;
INSERT INTO access_request_hold (email_normalised, version_id, held_at)
  SELECT 'dev-' || n || '@example.com', id, n FROM v;
INSERT INTO reference_id_claim (reference_id, email_normalised) SELECT 'app-' || n, 'dev@example.com' FROM a;
INSERT INTO sign_up_hold (email_normalised, held_at) SELECT 'gone-' || n || '@example.com', n FROM d;
";

/// What another node may have committed in a moment.
const LOGGED: &str = "SET auto_explain.log_min_duration = -1;
INSERT INTO change_log (subject, subject_id, at) SELECT 'APP', id, 0 FROM app LIMIT 1000";

/// A server on a database whose statements are explained, and who calls it.
struct Scene {
    cluster: Cluster,
    database: String,
    server: TestServer,
    admin: Caller,
    dana: Caller,
    developer: TestDeveloper,
    published: fixture::Published,
    subjects: Subjects,
    _upstream: Upstream,
}

impl Scene {
    async fn start() -> Self {
        let cluster = database::own_cluster(&EXPLAINED);
        let url = database::new_database(&cluster.server()).await;
        // Every query is executed each time, so that its statements are seen.
        let server = TestServer::start_on_with(&url, |options| options.answer_cache_bytes = 0).await;
        let upstream = Upstream::start().await;
        let client = server.admin().await;
        let published = fixture::publish(&client, &upstream, "mock", true).await;
        let developer = server.developer(&client, "dana").await;
        let admin = Caller::of(&server, "admin", &client);
        let strategies = admin.post("{ authStrategies { nodes { id } } }", json!({})).await;
        let strategy = strategies["data"]["authStrategies"]["nodes"][0]["id"].as_str().unwrap();
        let subjects = Subjects::make(&developer, &published, strategy).await;
        Self {
            database: url.rsplit('/').next().unwrap().to_owned(),
            dana: Caller::of(&server, "dana", &developer.client),
            admin,
            cluster,
            server,
            developer,
            published,
            subjects,
            _upstream: upstream,
        }
    }

    fn execute(&self, sql: &str) -> String {
        self.cluster.server().execute(&self.database, sql).unwrap()
    }

    /// How much has been logged.
    fn logged(&self) -> usize {
        self.cluster.log().unwrap().len()
    }

    /// The statements since, each with its plan, without those of the follower's reading of the log.
    fn statements_since(&self, logged: usize) -> Vec<Value> {
        let log = self.cluster.log().unwrap();
        let mut statements = Vec::new();
        let mut plan = String::new();
        // A message's further lines begin with a tab.
        for line in log[logged..].lines().chain([""]) {
            if let Some(text) = line.strip_prefix('\t') {
                writeln!(plan, "{text}").unwrap();
                continue;
            }
            // Other messages have further lines, too.
            if let Ok(statement) = serde_json::from_str::<Value>(&plan) {
                statements.push(statement);
            }
            plan.clear();
        }
        statements
    }

    /// Asks, and fails unless everything is answered.
    async fn ask(&self, caller: &Caller, document: &str) -> Value {
        let answer = caller.post(document, json!({})).await;
        assert!(answer.get("errors").is_none(), "{document}: {answer}");
        answer
    }
}

fn text(statement: &Value) -> &str {
    statement["Query Text"].as_str().unwrap()
}

/// The tables that a plan reads from end to end.
fn scanned(plan: &Value, found: &mut BTreeSet<String>) {
    if plan["Node Type"] == "Seq Scan" {
        found.insert(plan["Relation Name"].as_str().unwrap().to_owned());
    }
    for child in plan["Plans"].as_array().into_iter().flatten() {
        scanned(child, found);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_of_the_contract_scans_a_large_postgres_table() {
    let scene = Scene::start().await;
    scene.execute(SEED);
    scene.execute("VACUUM ANALYZE");
    let large = scene.execute(&format!(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= {LARGE} AND relnamespace = 'public'::regnamespace"
    ));
    let large: BTreeSet<&str> = large.lines().collect();
    for table in [
        "app",
        "access_request",
        "credential",
        "developer",
        "product",
        "version",
        "audit_event",
        "change_log",
    ] {
        assert!(large.contains(table), "{table}: {large:?}");
    }
    // The follower has read what the seed put into the log.
    let plane = scene.server.server().plane();
    plane.follower.catch_up().await.unwrap();
    // It reads everything when it starts.
    let keeping = scene.server.another_node().await;
    let logged = scene.logged();
    let (lists, nested) = (queries::lists(&scene.subjects), queries::nested(&scene.subjects));
    for document in lists.iter().chain(&nested) {
        scene.ask(&scene.admin, document).await;
    }
    let theirs = |document: &&String| queries::is_seen_differently(document);
    for document in lists.iter().chain(&nested).filter(theirs) {
        scene.dana.post(document, json!({})).await;
    }
    // What runs without being asked: the follower, after a change of each kind, and housekeeping.
    let fresh = fixture::app(&scene.developer, "fresh").await;
    fixture::request(&scene.developer, &fresh, &scene.published.version).await;
    fixture::key(&scene.developer, &fresh).await;
    portico::housekeeping::run_once(plane, domain::Timestamp::now())
        .await
        .unwrap();
    // What asks whether kept answers still hold: after nothing changed, and after much did.
    let viewer = Caller::of(&keeping, "admin", &keeping.admin().await);
    for change in ["", LOGGED] {
        scene.execute(change);
        for _ in 0..2 {
            scene.ask(&viewer, "{ products(first: 1) { nodes { id } } }").await;
        }
    }
    keeping.stop().await;

    let statements = scene.statements_since(logged);
    assert!(statements.len() > lists.len(), "{}", statements.len());
    let looks = statements
        .iter()
        .filter(|statement| text(statement).contains("string_agg"));
    assert!(looks.count() >= 3, "kept answers were not asked about");
    let mut bad = BTreeSet::new();
    for statement in &statements {
        let mut tables = BTreeSet::new();
        scanned(&statement["Plan"], &mut tables);
        if tables.iter().any(|table| large.contains(table.as_str())) {
            bad.insert(format!("{tables:?}: {}", text(statement)));
        }
    }
    let bad: Vec<String> = bad.into_iter().collect();
    assert!(bad.is_empty(), "{} statements scan:\n{}", bad.len(), bad.join("\n\n"));
    scene.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_queries_take_few_postgres_statements_however_many_rows() {
    let scene = Scene::start().await;
    scene.execute(
        "INSERT INTO product (id, slug, name, name_folded, published_at, created_at, updated_at)
           SELECT gen_random_uuid(), 'p' || n, 'P' || n, 'p' || n, n, n, n FROM generate_series(1, 30) n;
         INSERT INTO version (id, product_id, name, lifecycle, registration_enabled, auto_approve, auth_strategy_id,
                              created_at, updated_at)
           SELECT gen_random_uuid(), product.id, 'w' || n, 'ACTIVE', true, false,
                  (SELECT id FROM auth_strategy WHERE built_in), n, n FROM product, generate_series(1, 3) n;
         INSERT INTO app (id, developer_id, name, name_folded, reference_id, reference_id_folded, status, created_at,
                          updated_at)
           SELECT gen_random_uuid(), (SELECT id FROM developer), 'A' || n, 'a' || n, 'a' || n, 'a' || n, 'ACTIVE', n, n
           FROM generate_series(1, 30) n;
         INSERT INTO access_request (id, app_id, version_id, developer_id, status, decision_automatic, created_at,
                                     updated_at)
           SELECT gen_random_uuid(), app.id, version.id, app.developer_id, 'APPROVED', false, 1, 1
           FROM app, version WHERE version.name = 'w1' AND app.name LIKE 'A%' AND random() < 0.2",
    );
    let products = "{ products(first: N) { nodes { name labels { key } versions(first: 3) { nodes { name lifecycle \
                    registration { enabled autoApprove authStrategy { name } } } } } } }";
    let apps = "{ apps(first: N) { nodes { name accessRequests(first: 5) { nodes { status version { name product { slug } } } } } } }";
    let requests = "{ accessRequests(first: N) { nodes { status app { name developer { email } } version { name product { slug } } } } }";
    let counted = "{ apps(first: N) { totalCount nodes { accessRequests(first: 1) { totalCount } credentials(first: 1) { totalCount nodes { hint authStrategy { name } } } } } }";
    let mut counts = Vec::new();
    for document in [products, apps, requests, counted] {
        for number in ["2", "20"] {
            // What the server does besides is logged, too, so the best of several tries counts: statements that come by
            // the row come every time.
            let mut tries = Vec::new();
            for _ in 0..5 {
                let logged = scene.logged();
                scene.ask(&scene.dana, &document.replace('N', number)).await;
                let statements = scene.statements_since(logged);
                let of_query = statements.iter().filter(|statement| {
                    let text = text(statement);
                    !text.contains("change_log") && !text.contains("pg_notify")
                });
                tries.push(of_query.count());
            }
            counts.push(tries.into_iter().min().unwrap());
        }
    }
    // In pairs: for 2 and for 20 of them.
    assert_eq!(counts, [4, 4, 4, 4, 5, 5, 7, 7]);
    scene.server.stop().await;
}
