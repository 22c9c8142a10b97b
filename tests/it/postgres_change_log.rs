//! The change log on PostgreSQL: whatever happens to transactions, notifications and connections, every node comes to
//! hold what was committed.

use migration::{Migrator, MigratorTrait as _};
use portico::{database::Database, server::Server as Node};
use portico_sdk::{Portico, RevokeAccessRequestInput};
use portico_tests::{
    caller::Caller,
    database::{self, Postgres},
    fixture,
    graphql::code,
    server::{PATIENCE, TestDeveloper, TestServer},
    upstream::Upstream,
};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, DbBackend, Statement,
    prelude::Uuid,
    sqlx::postgres::{PgListener, PgPool},
};
use serde_json::json;

/// Nodes on one database, and who calls through them.
pub(crate) struct Fleet {
    pub(crate) first: TestServer,
    pub(crate) second: TestServer,
    pub(crate) admin: Portico,
    pub(crate) dana: TestDeveloper,
    pub(crate) request: portico_sdk::AccessRequest,
    pub(crate) key: String,
    _upstream: Upstream,
}

impl Fleet {
    pub(crate) async fn start(url: &str) -> Self {
        let first = TestServer::start_on(url).await;
        let second = first.another_node().await;
        let upstream = Upstream::start().await;
        let admin = first.admin().await;
        let published = fixture::publish(&admin, &upstream, "mock", true).await;
        let dana = first.developer(&admin, "dana").await;
        let app = fixture::app(&dana, "banking").await;
        let request = fixture::request(&dana, &app, &published.version).await;
        let (_, key) = fixture::key(&dana, &app).await;
        second.wait_for_verdict("/mock", &key, 200).await;
        Self {
            first,
            second,
            admin,
            dana,
            request,
            key,
            _upstream: upstream,
        }
    }

    pub(crate) fn nodes(&self) -> [&TestServer; 2] {
        [&self.first, &self.second]
    }

    async fn revoke(&self) {
        let input = RevokeAccessRequestInput::new(&self.request.id, "misuse");
        self.admin.access_requests().revoke(input).await.unwrap();
    }

    /// The developer's row as another program would change it, and what that writes to the log.
    fn suspension(&self) -> [String; 2] {
        let id = "(SELECT id FROM developer WHERE email = 'dana@example.com')";
        [
            "UPDATE developer SET status = 'REVOKED' WHERE email = 'dana@example.com'".to_owned(),
            format!(
                "INSERT INTO change_log (subject, subject_id, at) VALUES ('DEVELOPER', {id}, extract(epoch FROM now()) * 1000)"
            ),
        ]
    }

    pub(crate) async fn stop(self) {
        self.first.stop().await;
        self.second.stop().await;
    }
}

fn database(node: &Node) -> &Database {
    &node.plane().database
}

async fn catch_up(node: &TestServer) {
    node.server().plane().follower.catch_up().await.unwrap();
}

async fn verdict(node: &TestServer, key: &str) -> u16 {
    node.verdict("/mock", Some(key)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_commits_late_is_missed_by_no_reader() {
    let postgres = Postgres::any();
    let url = database::new_database(&postgres.server()).await;
    let fleet = Fleet::start(&url).await;

    // It has taken its place in the log, and does not commit yet.
    let late = database(fleet.first.server()).read().begin().await.unwrap();
    for statement in fleet.suspension() {
        late.execute_unprepared(&statement).await.unwrap();
    }
    // Others go on meanwhile, with later places, and every reader has read those.
    for name in ["one", "two", "three"] {
        fleet
            .admin
            .products()
            .create(portico_sdk::CreateProductInput::new(name))
            .await
            .unwrap();
    }
    let upstream = Upstream::start().await;
    let other = fixture::publish(&fleet.admin, &upstream, "other", true).await;
    let eve = fleet.first.developer(&fleet.admin, "eve").await;
    let app = fixture::app(&eve, "later").await;
    fixture::request(&eve, &app, &other.version).await;
    let (_, eves_key) = fixture::key(&eve, &app).await;
    // This one began while the transaction was open.
    let third = fleet.first.another_node().await;
    let nodes = [&fleet.first, &fleet.second, &third];
    for node in nodes {
        catch_up(node).await;
        assert_eq!(node.verdict("/other", Some(&eves_key)).await.0, 200);
        assert_eq!(verdict(node, &fleet.key).await, 200, "it is not committed");
    }

    late.commit().await.unwrap();
    for node in nodes {
        catch_up(node).await;
        let (status, denial) = node.verdict("/mock", Some(&fleet.key)).await;
        assert_eq!((status, denial.as_deref()), (403, Some("DEVELOPER_REVOKED")));
        assert_eq!(node.verdict("/other", Some(&eves_key)).await.0, 200);
    }
    third.stop().await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_does_holds_on_the_other() {
    let postgres = Postgres::any();
    let url = database::new_database(&postgres.server()).await;
    let fleet = Fleet::start(&url).await;
    // A token of the first node is good on the second.
    let there = Caller::of(&fleet.second, "developer", &fleet.dana.client);
    let viewer = "{ viewer { email } }";
    assert_eq!(
        there.post(viewer, json!({})).await["data"]["viewer"]["email"],
        "dana@example.com"
    );

    fleet.revoke().await;
    assert_eq!(verdict(&fleet.first, &fleet.key).await, 403);
    fleet.second.wait_for_verdict("/mock", &fleet.key, 403).await;

    let mut changes = fleet.second.server().plane().snapshot.changes();
    fleet.admin.developers().revoke(&fleet.dana.id, "left").await.unwrap();
    tokio::time::timeout(PATIENCE, changes.changed())
        .await
        .unwrap()
        .unwrap();
    // The snapshot's change and the account's are of one reading, which this waits to end.
    fleet.second.server().plane().follower.position().await;
    assert_eq!(code(&there.post(viewer, json!({})).await), Some("UNAUTHENTICATED"));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_nodes_are_told_of_a_commit() {
    let postgres = Postgres::any();
    let url = database::new_database(&postgres.server()).await;
    let fleet = Fleet::start(&url).await;
    let pool = PgPool::connect(&url).await.unwrap();
    let mut listener = PgListener::connect_with(&pool).await.unwrap();
    listener.listen("portico_change").await.unwrap();
    fleet.revoke().await;
    let told = tokio::time::timeout(PATIENCE, listener.recv()).await.unwrap().unwrap();
    assert_eq!(told.payload().len(), 32, "which node it was");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_was_told_of_is_read_all_the_same() {
    let postgres = Postgres::any();
    let url = database::new_database(&postgres.server()).await;
    let fleet = Fleet::start(&url).await;
    let other = database(fleet.first.server()).read().begin().await.unwrap();
    for statement in fleet.suspension() {
        other.execute_unprepared(&statement).await.unwrap();
    }
    other.commit().await.unwrap();
    for node in fleet.nodes() {
        node.wait_for_verdict("/mock", &fleet.key, 403).await;
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_are_made_anew() {
    let postgres = Postgres::any();
    let server = postgres.server();
    let url = database::new_database(&server).await;
    let name = url.rsplit('/').next().unwrap().to_owned();
    let fleet = Fleet::start(&url).await;
    let listening = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE 'LISTEN%'");
    let wait_for_listeners = || {
        let since = std::time::Instant::now();
        while server.execute("postgres", &listening).unwrap() != "2" {
            assert!(since.elapsed() < PATIENCE, "both nodes listen");
        }
    };
    wait_for_listeners();
    let cut = format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'");
    let ended: u32 = server.execute("postgres", &cut).unwrap().parse().unwrap();
    assert!(ended >= 4, "{ended}");
    wait_for_listeners();
    fleet.revoke().await;
    fleet.second.wait_for_verdict("/mock", &fleet.key, 403).await;
    fleet.stop().await;
}

/// Deletes the key behind the log's back, as a backup from before it was made does.
const FORGET_KEYS: &str = "DELETE FROM credential";

#[tokio::test(flavor = "multi_thread")]
async fn another_history_is_read_from_the_start() {
    let postgres = Postgres::any();
    let url = database::new_database(&postgres.server()).await;
    let fleet = Fleet::start(&url).await;
    let connection = database(fleet.first.server()).read();
    connection.execute_unprepared(FORGET_KEYS).await.unwrap();
    catch_up(&fleet.first).await;
    assert_eq!(
        verdict(&fleet.first, &fleet.key).await,
        200,
        "the log says nothing of it"
    );
    let other = "UPDATE change_log_identity SET id = gen_random_uuid()";
    connection.execute_unprepared(other).await.unwrap();
    for node in fleet.nodes() {
        node.wait_for_verdict("/mock", &fleet.key, 401).await;
    }
    fleet.stop().await;
}

/// How many steps of the migration the binary before this one knew.
const STEPS_BEFORE: u32 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_binary_before_writes_beside_new_nodes_is_followed() {
    let postgres = Postgres::any();
    let server = postgres.server();
    let url = server.database_url(&server.create_database(None).unwrap());
    // An old node's connection, which goes on with what it has prepared.
    let mut options = ConnectOptions::new(&url);
    options.max_connections(1);
    let old = sea_orm::Database::connect(options).await.unwrap();
    Migrator::up(&old, Some(STEPS_BEFORE)).await.unwrap();
    let append = |subject: &str, id: Uuid| {
        let sql = "INSERT INTO change_log (subject, subject_id, at) VALUES ($1, $2, $3) RETURNING revision";
        let at = domain::Timestamp::now().as_millis();
        let values = [subject.into(), id.into(), at.into()];
        old.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
    };
    append("APP", Uuid::now_v7()).await.unwrap();

    let fleet = Fleet::start(&url).await;
    let sql = "UPDATE developer SET status = 'REVOKED' WHERE email = 'dana@example.com' RETURNING id";
    let revoked = old
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await;
    let dana: Uuid = revoked.unwrap().unwrap().try_get("", "id").unwrap();
    append("DEVELOPER", dana).await.unwrap();
    for node in fleet.nodes() {
        node.wait_for_verdict("/mock", &fleet.key, 403).await;
    }
    fleet.stop().await;
}
