//! Steps that are added later keep what is there: a database as the first tables were filled, migrated by a server that
//! then works with it.

use std::path::Path;

use entity::{
    access_request, access_request_hold, admin, app, audit_event, auth_strategy, change, credential, developer,
    idempotency_key, password_reset, portal, product, product_document, product_label, reference_id_claim,
    refresh_token, route, route_path, session, sign_up_hold, version, version_specification,
};
use migration::{Migrator, MigratorTrait as _};
use portico::{data_directory, database::Database};
use portico_tests::{database::Postgres, server::TestServer, upstream::Upstream};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, Statement};

use super::first_rows::{KEY, Row, rows};

/// How many steps made the tables that are filled here.
const FIRST_STEPS: u32 = 4;

/// The tables that there are, apart from the database's own and the list of steps.
async fn tables(connection: &impl ConnectionTrait) -> Vec<String> {
    let sql = match connection.get_database_backend() {
        DbBackend::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        _ => "SELECT CAST(table_name AS text) AS name FROM information_schema.tables WHERE table_schema = 'public'",
    };
    let mut names = texts(
        connection,
        Statement::from_string(connection.get_database_backend(), sql),
        "name",
    )
    .await;
    names.retain(|name| name != "seaql_migrations");
    names.sort();
    names
}

async fn texts(connection: &impl ConnectionTrait, statement: Statement, column: &str) -> Vec<String> {
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get("", column).unwrap()).collect()
}

async fn written(connection: &impl ConnectionTrait, rows: &[Row]) -> Vec<(&'static str, Vec<String>)> {
    let mut written = Vec::new();
    for row in rows {
        let reading = row.reading(connection.get_database_backend());
        written.push((row.table, texts(connection, reading, "written").await));
    }
    written
}

/// Makes the first tables, and fills each. Answers with what is in them.
async fn fill(url: &str, upstream: &Upstream) -> Vec<(&'static str, Vec<String>)> {
    let connection = sea_orm::Database::connect(url).await.unwrap();
    Migrator::up(&connection, Some(FIRST_STEPS)).await.unwrap();
    let rows = rows(connection.get_database_backend(), upstream.url());
    let mut filled: Vec<_> = rows.iter().map(|row| row.table.to_owned()).collect();
    filled.sort();
    assert_eq!(filled, tables(&connection).await);
    for row in &rows {
        connection.execute_unprepared(&row.insertion()).await.unwrap();
    }
    let written = written(&connection, &rows).await;
    assert!(written.iter().all(|(_, rows)| rows.len() == 1), "{written:?}");
    connection.close().await.unwrap();
    written
}

/// The rows that the entity of today reads.
async fn count<Entity: EntityTrait>(connection: &impl ConnectionTrait) -> usize
where
    Entity::Model: FromQueryResult,
{
    Entity::find().all(connection).await.unwrap().len()
}

async fn assert_kept(server: &TestServer, upstream: &Upstream, before: &[(&'static str, Vec<String>)]) {
    let database = &server.server().plane().database;
    assert!(!database.needs_migration().await.unwrap());
    let connection = database.read();
    let rows = rows(database.backend(), upstream.url());
    let after = written(connection, &rows).await;
    for ((table, before), (_, after)) in before.iter().zip(&after) {
        assert!(
            before.iter().all(|row| after.contains(row)),
            "{table}: {before:?}, then {after:?}"
        );
    }
    for count in [
        count::<access_request::Entity>(connection).await,
        count::<access_request_hold::Entity>(connection).await,
        count::<admin::Entity>(connection).await,
        count::<app::Entity>(connection).await,
        count::<auth_strategy::Entity>(connection).await,
        count::<credential::Entity>(connection).await,
        count::<developer::Entity>(connection).await,
        count::<idempotency_key::Entity>(connection).await,
        count::<password_reset::Entity>(connection).await,
        count::<portal::Entity>(connection).await,
        count::<product::Entity>(connection).await,
        count::<product_document::Entity>(connection).await,
        count::<product_label::Entity>(connection).await,
        count::<reference_id_claim::Entity>(connection).await,
        count::<refresh_token::Entity>(connection).await,
        count::<route::Entity>(connection).await,
        count::<route_path::Entity>(connection).await,
        count::<session::Entity>(connection).await,
        count::<sign_up_hold::Entity>(connection).await,
        count::<version::Entity>(connection).await,
        count::<version_specification::Entity>(connection).await,
        count::<audit_event::Entity>(connection).await,
        count::<change::Entity>(connection).await,
    ] {
        assert_eq!(count, 1, "the server adds nothing to what is there");
    }
    assert_eq!(server.verdict("/mock", Some(KEY)).await, (200, None));
    assert_eq!(server.verdict("/mock", None).await, (401, None));
}

fn databases_in(directory: &Path) -> usize {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    names
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .count()
}

#[tokio::test]
async fn a_filled_sqlite_database_is_copied_migrated_and_served() {
    let upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    data_directory::create_private(&data).unwrap();
    let before = fill(&Database::sqlite_url(&data), &upstream).await;
    let server = TestServer::start_with(|options| {
        options.storage.database_url = None;
        options.storage.data_dir.clone_from(&data);
    })
    .await;
    assert_kept(&server, &upstream, &before).await;
    assert_eq!(
        databases_in(&data),
        2,
        "the database, and its copy from before the migration"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_filled_postgres_database_is_migrated_and_served() {
    let upstream = Upstream::start().await;
    let postgres = Postgres::any();
    let server = postgres.server();
    let url = server.database_url(&server.create_database(None).unwrap());
    let before = fill(&url, &upstream).await;
    let server = TestServer::start_on(&url).await;
    assert_kept(&server, &upstream, &before).await;
    server.stop().await;
}
