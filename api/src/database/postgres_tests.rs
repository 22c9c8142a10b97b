use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::{
    database::{Database, READERS},
    test_fixture::database_url,
};

/// More than there are connections.
const MANY: u32 = 3 * READERS;

async fn database() -> (tempfile::TempDir, Database) {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::connect(&database_url(directory.path()).await).await.unwrap();
    assert_eq!(database.backend(), DbBackend::Postgres);
    (directory, database)
}

async fn number(connection: &impl sea_orm::ConnectionTrait, sql: &str) -> i64 {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "number").unwrap()
}

const PROCESS: &str = "SELECT pg_backend_pid()::bigint AS number";
const CLAIMS: &str = "SELECT count(*) AS number FROM reference_id_claim";

#[tokio::test]
async fn one_postgres_connection_serves_who_asks_one_after_the_other() {
    let (_directory, database) = database().await;
    let first = number(database.read(), PROCESS).await;
    for _ in 0..MANY {
        assert_eq!(number(database.read(), PROCESS).await, first);
    }
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_postgres_transaction_that_is_dropped_is_undone_and_costs_no_connection() {
    let (_directory, database) = database().await;
    for claim in 0..MANY {
        let transaction = database.read().begin().await.unwrap();
        let sql = format!("INSERT INTO reference_id_claim VALUES ('claim-{claim}', 'dana@example.com')");
        transaction.execute_unprepared(&sql).await.unwrap();
        if claim % 2 == 0 {
            // Failed inside, too.
            assert!(transaction.execute_unprepared(&sql).await.is_err());
        }
    }
    assert_eq!(number(database.read(), CLAIMS).await, 0);
    let transaction = database.read().begin().await.unwrap();
    transaction
        .execute_unprepared("INSERT INTO reference_id_claim VALUES ('claim', 'dana@example.com')")
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(number(database.read(), CLAIMS).await, 1);
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_postgres_statement_that_nobody_waits_for_leaves_its_connection_whole() {
    let (_directory, database) = database().await;
    for in_transaction in [false, true] {
        for _ in 0..MANY {
            let waiting = "SELECT pg_sleep(0.05)";
            let cut = Duration::from_millis(5);
            if in_transaction {
                let transaction = database.read().begin().await.unwrap();
                let run = transaction.execute_unprepared(waiting);
                assert!(tokio::time::timeout(cut, run).await.is_err());
            } else {
                let run = database.read().execute_unprepared(waiting);
                assert!(tokio::time::timeout(cut, run).await.is_err());
            }
        }
        // Whatever the connection was asked before, the answer is the one to this question.
        for value in 0..i64::from(MANY) {
            assert_eq!(
                number(database.read(), &format!("SELECT {value}::bigint AS number")).await,
                value
            );
        }
        let open = "SELECT count(*) AS number FROM pg_stat_activity \
                    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        let closed = async { while number(database.read(), open).await > 0 {} };
        tokio::time::timeout(Duration::from_secs(60), closed).await.unwrap();
    }
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_refused_postgres_statement_does_not_end_its_connection() {
    let (_directory, database) = database().await;
    let first = number(database.read(), PROCESS).await;
    assert!(database.read().execute_unprepared("SELECT 1 / 0").await.is_err());
    assert_eq!(number(database.read(), PROCESS).await, first);
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_postgres_connection_that_was_cut_while_nobody_used_it_is_made_anew() {
    let (_directory, database) = database().await;
    let first = number(database.read(), PROCESS).await;
    let cutting = format!("SELECT pg_terminate_backend({first})");
    database.follow().execute_unprepared(&cutting).await.unwrap();
    // Until it is trusted no longer.
    let cut = Instant::now();
    while cut.elapsed() <= super::TRUSTED_FOR {
        number(database.follow(), PROCESS).await;
    }
    assert_ne!(number(database.read(), PROCESS).await, first);
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_postgres_transaction_begins_with_the_row_it_locks() {
    let (_directory, database) = database().await;
    let first = Statement::from_sql_and_values(DbBackend::Postgres, "SELECT $1::bigint AS number", [7_i64.into()]);
    let (transaction, row) = database.writer.begin_with_row(first).await.unwrap();
    assert_eq!(row.unwrap().try_get::<i64>("", "number").unwrap(), 7);
    let sql = "INSERT INTO reference_id_claim VALUES ('claim', 'dana@example.com')";
    transaction.execute_unprepared(sql).await.unwrap();
    assert_eq!(number(database.read(), CLAIMS).await, 0, "it is a transaction");
    transaction.commit().await.unwrap();
    assert_eq!(number(database.read(), CLAIMS).await, 1);
    let none = Statement::from_string(DbBackend::Postgres, "SELECT 1 WHERE false");
    let (_, row) = database.writer.begin_with_row(none).await.unwrap();
    assert!(row.is_none());
    let bad = Statement::from_string(DbBackend::Postgres, "SELECT nonsense");
    assert!(database.writer.begin_with_row(bad).await.is_err());
    database.close().await.unwrap();
}
