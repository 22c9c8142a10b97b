//! Connections of one purpose, and transactions on them, alike on both databases: stores take either.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _,
};

use super::postgres::{Connections, PostgresTransaction};

/// The connections of one purpose: reading, writing, or following the change log. Clones are the same.
#[derive(Clone, Debug)]
pub struct Pool {
    /// All that there is on SQLite. On PostgreSQL, for migrations alone: while the server runs, the connections are
    /// taken by way of `postgres`.
    pub(super) sea_orm: DatabaseConnection,
    postgres: Option<Connections>,
}

impl Pool {
    pub(super) fn new(sea_orm: DatabaseConnection) -> Self {
        let postgres = match sea_orm.get_database_backend() {
            DbBackend::Postgres => Some(Connections::new(sea_orm.get_postgres_connection_pool().clone())),
            _ => None,
        };
        Self { sea_orm, postgres }
    }

    /// Begins a transaction. On SQLite it is a reader until it writes.
    ///
    /// # Errors
    /// When no connection is free in time, or the database does not answer.
    pub async fn begin(&self) -> Result<Transaction, DbErr> {
        self.begin_as(None, "BEGIN").await
    }

    /// Begins a transaction that writes; on SQLite it waits for its turn as the one writer.
    pub(super) async fn begin_to_write(&self) -> Result<Transaction, DbErr> {
        self.begin_as(Some(SqliteTransactionMode::Immediate), "BEGIN").await
    }

    /// Begins a transaction that reads one instant of the database.
    pub(crate) async fn begin_to_read(&self) -> Result<Transaction, DbErr> {
        self.begin_as(None, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
    }

    async fn begin_as(&self, sqlite: Option<SqliteTransactionMode>, postgres: &str) -> Result<Transaction, DbErr> {
        if let Some(connections) = &self.postgres {
            let (transaction, _) = connections.begin(postgres.to_owned()).await?;
            return Ok(Transaction::Postgres(transaction));
        }
        let options = TransactionOptions {
            sqlite_transaction_mode: sqlite,
            ..TransactionOptions::default()
        };
        Ok(Transaction::SeaOrm(self.sea_orm.begin_with_options(options).await?))
    }

    /// Begins a transaction that writes, and asks for one row: on PostgreSQL in one round trip.
    ///
    /// The statement's values come to stand in its text, so they must be ids or numbers.
    pub(super) async fn begin_with_row(&self, first: Statement) -> Result<(Transaction, Option<QueryResult>), DbErr> {
        if let Some(connections) = &self.postgres {
            note(&first.sql);
            let (transaction, row) = connections.begin(format!("BEGIN; {first}")).await?;
            return Ok((Transaction::Postgres(transaction), row));
        }
        let transaction = self.begin_to_write().await?;
        let row = transaction.query_one_raw(first).await?;
        Ok((transaction, row))
    }

    /// Asks the database for a trivial answer.
    pub(super) async fn ping(&self) -> Result<(), DbErr> {
        match &self.postgres {
            Some(connections) => connections.execute_unprepared("SELECT 1").await.map(|_| ()),
            None => self.sea_orm.ping().await,
        }
    }

    pub(super) async fn close(self) -> Result<(), DbErr> {
        if let Some(connections) = &self.postgres {
            connections.close().await;
        }
        self.sea_orm.close().await
    }
}

#[async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        self.sea_orm.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        note(&statement.sql);
        match &self.postgres {
            Some(connections) => connections.execute_raw(statement).await,
            None => self.sea_orm.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.postgres {
            Some(connections) => connections.execute_unprepared(sql).await,
            None => self.sea_orm.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        note(&statement.sql);
        match &self.postgres {
            Some(connections) => connections.query_one_raw(statement).await,
            None => self.sea_orm.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        note(&statement.sql);
        match &self.postgres {
            Some(connections) => connections.query_all_raw(statement).await,
            None => self.sea_orm.query_all_raw(statement).await,
        }
    }
}

/// Tells of a statement, without its values.
fn note(sql: &str) {
    tracing::trace!(target: "portico::statement", sql);
}

/// A transaction. Dropped before it is committed, it is undone.
#[derive(Debug)]
pub enum Transaction {
    /// On SQLite.
    SeaOrm(DatabaseTransaction),
    /// On PostgreSQL.
    Postgres(PostgresTransaction),
}

impl Transaction {
    /// Commits.
    ///
    /// # Errors
    /// When the database does not; nothing happened then, unless the connection was lost meanwhile.
    pub async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::SeaOrm(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::SeaOrm(transaction) => transaction.get_database_backend(),
            Self::Postgres(transaction) => transaction.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        note(&statement.sql);
        match self {
            Self::SeaOrm(transaction) => transaction.execute_raw(statement).await,
            Self::Postgres(transaction) => transaction.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::SeaOrm(transaction) => transaction.execute_unprepared(sql).await,
            Self::Postgres(transaction) => transaction.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        note(&statement.sql);
        match self {
            Self::SeaOrm(transaction) => transaction.query_one_raw(statement).await,
            Self::Postgres(transaction) => transaction.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        note(&statement.sql);
        match self {
            Self::SeaOrm(transaction) => transaction.query_all_raw(statement).await,
            Self::Postgres(transaction) => transaction.query_all_raw(statement).await,
        }
    }
}
