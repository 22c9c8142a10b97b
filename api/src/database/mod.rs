//! The database: SQLite by default, PostgreSQL by URL; the same statements on both.
//!
//! SQLite takes one writer at a time, so it has a pool of one connection for writes, whose transactions begin
//! IMMEDIATE, and a pool of readers beside it. PostgreSQL has as many writers as readers. On both, the follower of the
//! change log has connections of its own and waits behind neither: however busy the readers are, a revocation arrives.

pub mod advisory_lock;
pub mod backup;
pub mod column;
mod notification;
mod pool;
mod postgres;
pub mod postgres_dump;
mod transaction;

use std::{path::Path, time::Duration};

use migration::{Migrator, MigratorTrait as _};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database as Connector, DbBackend, Statement, TransactionTrait as _,
    sqlx::Executor as _,
};

use self::advisory_lock::AdvisoryLock;
pub use self::{
    pool::{Pool, Transaction},
    transaction::WriteTransaction,
};
use crate::error::StoreError;

/// How long a statement waits for a connection before the answer is `UNAVAILABLE`.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection is taken for alive without a test, which is a round trip: shorter than PostgreSQL takes to
/// start again.
const TRUSTED_FOR: Duration = Duration::from_millis(100);
/// How many connections read at once.
pub(crate) const READERS: u32 = 8;
/// How many connections write at once on PostgreSQL.
const WRITERS: u32 = 8;
/// How many connections the follower has on PostgreSQL (on SQLite one): one reads the log while the other tells of commits.
const FOLLOWERS: u32 = 2;

/// The connections to the database.
#[derive(Clone, Debug)]
pub struct Database {
    readers: Pool,
    writer: Pool,
    follower: Pool,
}

impl Database {
    /// The URL of the SQLite file `portico.db` in `directory`, created when it is missing.
    #[must_use]
    pub fn sqlite_url(directory: &Path) -> String {
        let path = directory.join("portico.db");
        let encoded = percent_encoding::utf8_percent_encode(&path.to_string_lossy(), PATH).to_string();
        format!("sqlite://{encoded}?mode=rwc")
    }

    /// Connects to `url` (`sqlite://…` or `postgres://…`).
    ///
    /// # Errors
    /// [`StoreError`] when the URL is wrong or the database does not answer. The error never shows the URL, which may
    /// hold a password.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            // The writer connects first: it creates the file and switches it to WAL.
            let writer = Connector::connect(sqlite_options(url, 1)).await?;
            let readers = Connector::connect(sqlite_options(url, READERS)).await?;
            let follower = Connector::connect(sqlite_options(url, 1)).await?;
            Ok(Self {
                readers: Pool::new(readers),
                writer: Pool::new(writer),
                follower: Pool::new(follower),
            })
        } else {
            Ok(Self {
                writer: Pool::new(Connector::connect(postgres_options(url, WRITERS)).await?),
                readers: Pool::new(Connector::connect(postgres_options(url, READERS)).await?),
                follower: Pool::new(Connector::connect(postgres_options(url, FOLLOWERS)).await?),
            })
        }
    }

    /// Applies the migrations that are missing; once, however many processes start on the database together.
    ///
    /// # Errors
    /// [`StoreError`] when a step fails; steps before it stay applied.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        if self.backend() != DbBackend::Postgres {
            return Ok(Migrator::up(&self.writer.sea_orm, None).await?);
        }
        // Both by way of sea-orm's pool, which lends what nobody uses.
        let lock = self.writer.sea_orm.begin().await?;
        AdvisoryLock::Migration.take(&lock).await?;
        Migrator::up(&self.writer.sea_orm, None).await?;
        Ok(lock.commit().await?)
    }

    /// Whether migrations are missing.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn needs_migration(&self) -> Result<bool, StoreError> {
        Ok(!Migrator::get_pending_migrations(&self.writer.sea_orm).await?.is_empty())
    }

    /// The connection for reading outside a transaction. What it reads may be older than a write under way.
    #[must_use]
    pub fn read(&self) -> &Pool {
        &self.readers
    }

    /// The connection of the change log's follower, which no load on the others keeps waiting.
    pub(crate) fn follow(&self) -> &Pool {
        &self.follower
    }

    /// Which kind of database it is.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.readers.get_database_backend()
    }

    /// Asks the database for a trivial answer.
    ///
    /// # Errors
    /// [`StoreError`] when it does not come.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.readers.ping().await?;
        Ok(self.writer.ping().await?)
    }

    /// Whether no migration was ever applied.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        Ok(self.applied_migrations().await? == 0)
    }

    /// How many steps of the migration were applied.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn applied_migrations(&self) -> Result<usize, StoreError> {
        Ok(Migrator::get_applied_migrations(&self.writer.sea_orm).await?.len())
    }

    /// Writes a consistent copy of a SQLite database to `file`, which must not exist
    /// (<https://sqlite.org/lang_vacuum.html#vacuuminto>).
    async fn copy_into(&self, file: &Path) -> Result<(), StoreError> {
        let path = file.to_string_lossy().into_owned();
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [path.into()]);
        self.readers.execute_raw(statement).await?;
        Ok(())
    }

    /// Closes all connections; a SQLite file is then whole without its write-ahead log.
    ///
    /// # Errors
    /// [`StoreError`] when a connection does not close cleanly.
    pub async fn close(self) -> Result<(), StoreError> {
        self.readers.close().await?;
        self.follower.close().await?;
        Ok(self.writer.close().await?)
    }
}

/// What a path must not show in a URL (`?`, `#`, `%` and white space would be read as something else).
const PATH: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'?').add(b'#').add(b'%');

fn postgres_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.after_connect(|connection, _| {
                Box::pin(async move { connection.execute(PLAN_FOR_SOLID_STATE).await.map(|_| ()) })
            })
        });
    options
}

/// PostgreSQL's default takes a random read for four times as dear as one in sequence, as on a turning disk, and so
/// prefers reading a whole table to using an index. Whoever has chosen a value keeps it.
const PLAN_FOR_SOLID_STATE: &str =
    "SELECT set_config('random_page_cost', '1.1', false) WHERE current_setting('random_page_cost') = '4'";

fn sqlite_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A file does not hang up.
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .foreign_keys(true)
                .journal_mode(sea_orm::sqlx::sqlite::SqliteJournalMode::Wal)
                // FULL: an acknowledged write survives a power cut, not only a crash.
                .synchronous(sea_orm::sqlx::sqlite::SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(5))
        });
    options
}
