//! Connections to PostgreSQL that go from one use to the next without a word to the server.
//!
//! sqlx's pool asks a connection that comes back whether it is still there: a round trip for each statement, which is as
//! much as the statement itself. Here a connection whose use came to its end is handed on as it is. One that nobody has
//! used for a moment is asked first, and one whose use broke off goes back by way of sqlx's pool, or is closed.

use std::{
    fmt, mem,
    sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values,
    sqlx::{self, AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool, Postgres, pool::PoolConnection},
};
use sea_query_sqlx::SqlxValues;
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{ACQUIRE_TIMEOUT, TRUSTED_FOR};

/// After so long a connection goes back to sqlx's pool, which ends those that are too old.
const HANDED_ON_FOR: Duration = Duration::from_secs(10 * 60);
/// How long undoing a transaction that nobody waits for may take before its connection is closed.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(5);

/// The connections of one purpose. Clones are the same.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    pool: PgPool,
    /// As many as the pool has connections. Whoever has a turn finds one here, or one that the pool can give: with those
    /// in use and those kept here there are never more than turns.
    turns: Arc<Semaphore>,
    /// The last one that came back is the first one to go.
    kept: StdMutex<Vec<Kept>>,
}

/// A connection that nobody uses.
struct Kept {
    connection: PoolConnection<Postgres>,
    /// When sqlx's pool gave it out.
    given_at: Instant,
    since: Instant,
}

/// A connection in use. Dropped, it goes back to sqlx's pool, which asks it whether it is whole.
struct Lease {
    connection: PoolConnection<Postgres>,
    given_at: Instant,
    home: Arc<Shared>,
    /// Given back after the connection.
    turn: OwnedSemaphorePermit,
}

impl Connections {
    /// Connections of this pool, of which nobody else may take any while the server runs.
    pub(super) fn new(pool: PgPool) -> Self {
        let turns = usize::try_from(pool.options().get_max_connections()).unwrap_or(1);
        Self(Arc::new(Shared {
            pool,
            turns: Arc::new(Semaphore::new(turns)),
            kept: StdMutex::default(),
        }))
    }

    async fn take(&self) -> Result<Lease, DbErr> {
        timeout(ACQUIRE_TIMEOUT, self.take_without_limit())
            .await
            .unwrap_or(Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)))
    }

    async fn take_without_limit(&self) -> Result<Lease, DbErr> {
        let shared = &self.0;
        let turn = Arc::clone(&shared.turns).acquire_owned().await;
        let turn = turn.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))?;
        let lease = |connection, given_at| Lease {
            connection,
            given_at,
            home: Arc::clone(shared),
            turn,
        };
        loop {
            let kept = shared.kept().pop();
            let Some(kept) = kept else {
                let connection = shared.pool.acquire().await.map_err(not_acquired)?;
                return Ok(lease(connection, Instant::now()));
            };
            let Kept {
                connection,
                given_at,
                since,
            } = kept;
            if since.elapsed() < TRUSTED_FOR {
                return Ok(lease(connection, given_at));
            }
            let mut asked = Asked(Some(connection));
            if let Some(connection) = &mut asked.0
                && connection.ping().await.is_ok()
                && let Some(connection) = asked.0.take()
            {
                return Ok(lease(connection, given_at));
            }
        }
    }

    /// Begins a transaction by this text, `BEGIN` and what is to go in the same round trip; with it the row that the
    /// text asks for.
    pub(super) async fn begin(&self, sql: String) -> Result<(PostgresTransaction, Option<QueryResult>), DbErr> {
        let transaction = PostgresTransaction {
            lease: Mutex::new(Some(self.take().await?)),
        };
        let row = {
            let mut lease = transaction.lease.lock().await;
            let connection = connection(&mut lease)?;
            let row = connection.fetch_optional(AssertSqlSafe(sql)).await;
            row.map_err(not_queried)?
        };
        Ok((transaction, row.map(QueryResult::from)))
    }

    /// Closes all connections; waits for those in use.
    pub(super) async fn close(&self) {
        let closing = self.0.pool.close();
        let kept = mem::take(&mut *self.0.kept());
        drop(kept);
        closing.await;
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        // Nothing that holds the lock can panic half-way through a change.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    /// Closes them here: going back to sqlx's pool takes a runtime, which may be gone.
    fn drop(&mut self) {
        for kept in mem::take(&mut *self.kept()) {
            drop(kept.connection.detach());
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connections").finish_non_exhaustive()
    }
}

impl Lease {
    /// Keeps it for the next one. The server has answered everything that it was asked.
    fn hand_on(self) {
        let Self {
            connection,
            given_at,
            home,
            turn,
        } = self;
        let mut kept = home.kept();
        if given_at.elapsed() < HANDED_ON_FOR && !home.pool.is_closed() {
            kept.push(Kept {
                connection,
                given_at,
                since: Instant::now(),
            });
        }
        drop(kept);
        drop(turn);
    }

    /// Hands it on if the server has answered; else it goes back to sqlx's pool.
    fn hand_on_after<T>(self, done: &Result<T, DbErr>) {
        let has_answered = match done {
            Ok(_) => true,
            Err(DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) => {
                matches!(**error, sqlx::Error::Database(_))
            }
            Err(_) => false,
        };
        if has_answered {
            self.hand_on();
        }
    }

    /// Undoes what its transaction has done, and hands it on; closes it when that does not work.
    async fn roll_back(self) {
        let Self {
            connection,
            given_at,
            home,
            turn,
        } = self;
        let mut asked = Asked(Some(connection));
        if let Some(connection) = &mut asked.0
            && matches!(
                timeout(ROLLBACK_TIMEOUT, connection.execute("ROLLBACK")).await,
                Ok(Ok(_))
            )
            && let Some(connection) = asked.0.take()
        {
            let lease = Self {
                connection,
                given_at,
                home,
                turn,
            };
            lease.hand_on();
        }
    }
}

/// A connection that may be gone, or in the middle of something. Dropped, it is closed, and the pool makes another one in
/// its place.
struct Asked(Option<PoolConnection<Postgres>>);

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

/// A transaction. Dropped before it is committed, it is undone.
pub struct PostgresTransaction {
    /// `None` once it is over.
    lease: Mutex<Option<Lease>>,
}

impl PostgresTransaction {
    pub(super) async fn commit(mut self) -> Result<(), DbErr> {
        let mut lease = self.lease.get_mut().take().ok_or_else(over)?;
        // An end that breaks off is an end: the connection tells by itself when it is whole again.
        let done = lease.connection.execute("COMMIT").await;
        let done = done.map(|_| ()).map_err(not_executed);
        lease.hand_on_after(&done);
        done
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        let Some(lease) = self.lease.get_mut().take() else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(lease.roll_back())),
            Err(_) => drop(Asked(Some(lease.connection))),
        }
    }
}

impl fmt::Debug for PostgresTransaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresTransaction").finish_non_exhaustive()
    }
}

#[async_trait]
impl ConnectionTrait for Connections {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut lease = self.take().await?;
        let done = execute(&mut lease.connection, statement).await;
        lease.hand_on_after(&done);
        done
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut lease = self.take().await?;
        let done = execute_unprepared(&mut lease.connection, sql).await;
        lease.hand_on_after(&done);
        done
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut lease = self.take().await?;
        let done = query_one(&mut lease.connection, statement).await;
        lease.hand_on_after(&done);
        done
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut lease = self.take().await?;
        let done = query_all(&mut lease.connection, statement).await;
        lease.hand_on_after(&done);
        done
    }
}

#[async_trait]
impl ConnectionTrait for PostgresTransaction {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        execute(connection(&mut *self.lease.lock().await)?, statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        execute_unprepared(connection(&mut *self.lease.lock().await)?, sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        query_one(connection(&mut *self.lease.lock().await)?, statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        query_all(connection(&mut *self.lease.lock().await)?, statement).await
    }
}

fn connection(lease: &mut Option<Lease>) -> Result<&mut PgConnection, DbErr> {
    Ok(&mut lease.as_mut().ok_or_else(over)?.connection)
}

async fn execute(connection: &mut PgConnection, statement: Statement) -> Result<ExecResult, DbErr> {
    let done = connection.execute(query(statement)).await;
    Ok(done.map_err(not_executed)?.into())
}

async fn execute_unprepared(connection: &mut PgConnection, sql: &str) -> Result<ExecResult, DbErr> {
    let done = connection.execute(AssertSqlSafe(sql.to_owned())).await;
    Ok(done.map_err(not_executed)?.into())
}

async fn query_one(connection: &mut PgConnection, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
    let row = connection.fetch_optional(query(statement)).await;
    Ok(row.map_err(not_queried)?.map(QueryResult::from))
}

async fn query_all(connection: &mut PgConnection, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
    let rows = connection.fetch_all(query(statement)).await;
    Ok(rows.map_err(not_queried)?.into_iter().map(QueryResult::from).collect())
}

/// The statement as sqlx takes it; the connection prepares it once and knows it again by its text.
fn query(statement: Statement) -> sqlx::query::Query<'static, Postgres, SqlxValues> {
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

fn over() -> DbErr {
    DbErr::Custom("the transaction is over".to_owned())
}

fn not_executed(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

fn not_queried(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

/// As sea-orm tells it.
fn not_acquired(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))),
    }
}

#[cfg(test)]
#[path = "postgres_tests.rs"]
mod tests;
