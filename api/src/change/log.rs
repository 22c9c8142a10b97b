//! The change log as the database has it: where it stands, and what it has gained.

use std::time::Duration;

use domain::Timestamp;
use entity::change::{self, Subject};
use sea_orm::{
    AccessMode, ActiveEnum as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait as _,
    IsolationLevel, QueryFilter as _, QueryResult, QuerySelect as _, Statement, TransactionOptions,
    TransactionTrait as _,
};
use uuid::Uuid;

use super::Position;
use crate::{database::Database, error::StoreError, housekeeping::CHANGE_LOG_RETENTION};

/// Where the log stands, as of one instant of the database.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) position: Position,
    /// What proves that two positions belong to one history. Nothing on SQLite, whose file nobody can exchange while a
    /// process holds it.
    pub(super) identity: Option<String>,
    /// When it was read, by this machine's clock.
    pub(super) at: Timestamp,
}

/// The snapshot of the reading transaction, and what is another after a restored backup (the row and its table are
/// made anew), a failover or a restart (the timeline and the server's start).
const HEAD_ON_POSTGRES: &str = "\
SELECT pg_current_snapshot()::text AS position, \
       concat_ws('/', identity.id, identity.xmin, identity.tableoid::bigint, database.oid::bigint, \
                 pg_postmaster_start_time(), \
                 CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END) \
           AS identity \
FROM change_log_identity identity JOIN pg_database database ON database.datname = current_database()";

/// The last revision that was ever given, also when retention has deleted its row.
const HEAD_ON_SQLITE: &str = "\
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change_log'), 0) AS position";

/// The rows whose transactions the old snapshot did not see and this transaction does. The upper bound leaves out rows
/// that a restored backup brought along from a database whose transactions were numbered higher.
const GAINED_ON_POSTGRES: &str = "\
SELECT DISTINCT subject, subject_id FROM change_log \
WHERE transaction_id >= pg_snapshot_xmin($1::pg_snapshot) \
  AND transaction_id < pg_snapshot_xmax(pg_current_snapshot()) \
  AND NOT pg_visible_in_snapshot(transaction_id, $1::pg_snapshot)";

impl Head {
    /// Whether everything between `earlier` and here is still in the log: the same history, not backwards, and not so
    /// long ago that rows may have been deleted.
    pub(super) fn continues(&self, earlier: &Self) -> bool {
        // Half the retention: the clocks of those who wrote the rows may differ from this machine's.
        let limit: Duration = CHANGE_LOG_RETENTION / 2;
        self.identity == earlier.identity
            && self.position.can_follow(&earlier.position)
            && earlier.at.saturating_add(limit) > self.at
    }
}

/// Begins a transaction that reads one instant of the database.
pub(super) async fn begin(database: &Database) -> Result<DatabaseTransaction, StoreError> {
    let mut options = TransactionOptions::default();
    if database.backend() == DbBackend::Postgres {
        options.isolation_level = Some(IsolationLevel::RepeatableRead);
        options.access_mode = Some(AccessMode::ReadOnly);
    }
    Ok(database.follow().begin_with_options(options).await?)
}

/// Where the log stands at the transaction's instant.
pub(super) async fn head(transaction: &DatabaseTransaction) -> Result<Head, StoreError> {
    let at = Timestamp::now();
    let backend = transaction.get_database_backend();
    let is_postgres = backend == DbBackend::Postgres;
    let sql = if is_postgres { HEAD_ON_POSTGRES } else { HEAD_ON_SQLITE };
    let row = transaction
        .query_one_raw(Statement::from_string(backend, sql))
        .await?
        .ok_or(StoreError::Corrupt("the change log has no identity"))?;
    let (position, identity) = if is_postgres {
        let text: String = row.try_get("", "position")?;
        let position =
            Position::snapshot(&text).map_err(|_| StoreError::Corrupt("a snapshot of another form than documented"))?;
        (position, Some(row.try_get("", "identity")?))
    } else {
        (Position::revision(row.try_get("", "position")?), None)
    };
    Ok(Head { position, identity, at })
}

/// What the log has gained.
#[derive(Debug, Default)]
pub(super) struct Gained {
    /// What it names, each object once.
    pub(super) named: Vec<(Subject, Uuid)>,
    /// A kind of object that this version does not know, if it names one. Anything may have changed with it.
    pub(super) unknown: Option<String>,
}

/// What the log has gained since `position`.
pub(super) async fn gained_since(transaction: &DatabaseTransaction, position: &Position) -> Result<Gained, StoreError> {
    let mut gained = Gained::default();
    for (subject, id) in rows_since(transaction, position).await? {
        match Subject::try_from_value(&subject) {
            Ok(subject) => gained.named.push((subject, id)),
            Err(_) => gained.unknown = Some(subject),
        }
    }
    Ok(gained)
}

async fn rows_since(transaction: &DatabaseTransaction, position: &Position) -> Result<Vec<(String, Uuid)>, StoreError> {
    if let Some(revision) = position.as_revision() {
        let rows = change::Entity::find()
            .select_only()
            // As text: it may be the name of something that this version does not know.
            .columns([change::Column::Subject, change::Column::SubjectId])
            .distinct()
            .filter(change::Column::Revision.gt(revision));
        return Ok(rows.into_tuple().all(transaction).await?);
    }
    let snapshot = position.as_snapshot().unwrap_or_default();
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, GAINED_ON_POSTGRES, [snapshot.into()]);
    let rows = transaction.query_all_raw(statement).await?;
    rows.iter().map(named).collect()
}

fn named(row: &QueryResult) -> Result<(String, Uuid), StoreError> {
    Ok((row.try_get("", "subject")?, row.try_get("", "subject_id")?))
}
