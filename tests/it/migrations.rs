//! The database's own part: its shape, and the rules that it keeps by itself.

mod data_in_place;
mod first_rows;

use entity::access_request;
use migration::{Migrator, MigratorTrait as _};
use portico::database::Database;
use portico_sdk::RevokeAccessRequestInput;
use portico_tests::{database::Postgres, fixture, server::TestServer, upstream::Upstream};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait as _, DbBackend, DbErr, EntityTrait as _, IntoActiveModel as _, Set, SqlErr,
    prelude::Uuid,
};

/// What tables, columns and indexes there are.
async fn shape(database: &Database) -> Vec<String> {
    let sql = if database.backend() == DbBackend::Sqlite {
        "SELECT name || ': ' || coalesce(sql, '') AS made FROM sqlite_schema ORDER BY name"
    } else {
        "SELECT indexname || ': ' || indexdef AS made FROM pg_indexes WHERE schemaname = 'public' \
         UNION ALL SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) \
         FROM information_schema.columns WHERE table_schema = 'public' ORDER BY made"
    };
    let rows = database
        .read()
        .query_all_raw(sea_orm::Statement::from_string(database.backend(), sql))
        .await
        .unwrap();
    rows.iter().map(|row| row.try_get("", "made").unwrap()).collect()
}

async fn assert_they_apply_to_nothing_and_twice(url: &str) {
    let database = Database::connect(url).await.unwrap();
    assert!(database.is_new().await.unwrap());
    assert!(database.needs_migration().await.unwrap());
    database.migrate().await.unwrap();
    assert!(!database.needs_migration().await.unwrap());
    let made = shape(&database).await;
    assert!(made.iter().any(|line| line.starts_with("access_request_open_unique: ")));
    database.migrate().await.unwrap();
    assert_eq!(shape(&database).await, made);
    let applied = database.applied_migrations().await.unwrap();
    assert_eq!(applied, Migrator::migrations().len());
    database.close().await.unwrap();
}

#[tokio::test]
async fn they_apply_to_nothing_and_twice_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    assert_they_apply_to_nothing_and_twice(&Database::sqlite_url(directory.path())).await;
}

#[tokio::test]
async fn they_apply_to_nothing_and_twice_on_postgres() {
    let postgres = Postgres::any();
    let server = postgres.server();
    let name = server.create_database(None).unwrap();
    assert_they_apply_to_nothing_and_twice(&server.database_url(&name)).await;
}

#[tokio::test]
async fn they_apply_once_on_postgres_however_many_nodes_start_together() {
    let postgres = Postgres::any();
    let server = postgres.server();
    let url = server.database_url(&server.create_database(None).unwrap());
    let nodes = (0..4).map(|_| async {
        let database = Database::connect(&url).await.unwrap();
        database.migrate().await.unwrap();
        database
    });
    for database in futures_util::future::join_all(nodes).await {
        assert!(!database.needs_migration().await.unwrap());
        let applied = database.applied_migrations().await.unwrap();
        assert_eq!(applied, Migrator::migrations().len());
    }
}

#[tokio::test]
async fn sqlite_keeps_its_promises_of_durability() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::connect(&Database::sqlite_url(directory.path()))
        .await
        .unwrap();
    for (name, wanted) in [("journal_mode", "wal"), ("foreign_keys", "1"), ("synchronous", "2")] {
        let sql = format!("SELECT CAST({name} AS TEXT) AS value FROM pragma_{name}");
        let statement = sea_orm::Statement::from_string(database.backend(), sql);
        let row = database.read().query_one_raw(statement).await.unwrap().unwrap();
        assert_eq!(row.try_get::<String>("", "value").unwrap(), wanted, "{name}");
    }
}

#[tokio::test]
async fn the_database_itself_keeps_one_open_request_and_no_loose_ends() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    let request = fixture::request(&dana, &app, &published.version).await;

    let is_unique = |error: &DbErr| matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)));
    let database = server.server().plane().database.read();
    let insert = async |change: &dyn Fn(&mut access_request::ActiveModel)| {
        let row = access_request::Entity::find().one(database).await.unwrap().unwrap();
        let mut row = row.into_active_model();
        row.id = Set(Uuid::now_v7());
        change(&mut row);
        row.reset_all().insert(database).await
    };
    for open in [
        access_request::Status::Pending,
        access_request::Status::Approved,
        access_request::Status::Revoked,
    ] {
        let refused = insert(&|row| row.status = Set(open)).await.unwrap_err();
        assert!(is_unique(&refused), "{refused}");
    }
    let revoke = RevokeAccessRequestInput::new(&request.id, "misuse");
    admin.access_requests().revoke(revoke).await.unwrap();
    let refused = insert(&|row| row.status = Set(access_request::Status::Pending))
        .await
        .unwrap_err();
    assert!(is_unique(&refused), "a revoked one is open, too: {refused}");
    let refused = insert(&|row| row.app_id = Set(Uuid::now_v7())).await.unwrap_err();
    assert!(
        matches!(refused.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))),
        "{refused}"
    );
    // What is over stands in nobody's way.
    insert(&|row| row.status = Set(access_request::Status::Rejected))
        .await
        .unwrap();
    insert(&|row| row.status = Set(access_request::Status::Cancelled))
        .await
        .unwrap();
    server.stop().await;
}
