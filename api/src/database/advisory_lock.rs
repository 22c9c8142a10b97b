//! Locks that stand for no row.
//!
//! On SQLite a write transaction is the only one there is, so nothing is left to lock. On PostgreSQL it is an advisory
//! lock of the transaction (<https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS>): kept by
//! the database, freed by commit, rollback and loss of the connection, seen by every process on the same database.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::error::StoreError;

/// Sets our advisory locks apart from other programs' on the same database: "ptko" in ASCII.
const NAMESPACE: i32 = 0x7074_6b6f;

/// What one transaction at a time may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvisoryLock {
    /// Bring the tables to their present shape. Taken before anything else.
    Migration,
    /// Fill an empty database. Taken before anything else.
    InitialData,
    /// Add to what live routes claim. Taken after every row lock, and nothing else is locked while it is held: the
    /// order is portal, developer, app, version, routes.
    Routes,
}

impl AdvisoryLock {
    const fn key(self) -> i32 {
        match self {
            Self::InitialData => 1,
            Self::Routes => 2,
            Self::Migration => 3,
        }
    }

    /// Waits for the lock; the end of the transaction frees it. What is read after it was taken is as the transaction
    /// that held it before has left it.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn take(self, transaction: &impl ConnectionTrait) -> Result<(), StoreError> {
        if transaction.get_database_backend() == DbBackend::Postgres {
            let statement = Statement::from_sql_and_values(
                DbBackend::Postgres,
                "SELECT pg_advisory_xact_lock($1, $2)",
                [NAMESPACE.into(), self.key().into()],
            );
            transaction.execute_raw(statement).await?;
        }
        Ok(())
    }
}
