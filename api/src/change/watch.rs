//! What has changed since it was last looked at, proven by the log itself.
//!
//! A cache that is told of changes can be late; one that asks cannot. The watch asks the database once for all who ask
//! at the same time, and counts for each kind of object how often the log named it. What was computed at some counts is
//! still true when the counts of all kinds that it depends on are the same.

use std::{
    ops::BitOr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use sea_orm::{
    DbBackend, DbErr, FromQueryResult, Iterable as _, Statement,
    sqlx::{self, Connection as _, PgConnection, Row as _},
};
use tokio::sync::Mutex;

use super::Subject;
use crate::{database::Database, error::StoreError};

/// After so long without a look, nothing is concluded from the log: rows of it are deleted after a day.
const LONGEST_GAP: Duration = Duration::from_secs(60 * 60);

/// How many kinds of objects there are at most.
const KINDS: usize = 32;

/// Kinds of objects that something depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subjects(u32);

impl Subjects {
    /// Only this kind.
    #[must_use]
    pub const fn of(subject: Subject) -> Self {
        Self(1 << subject as u32)
    }

    /// All kinds.
    #[must_use]
    pub fn all() -> Self {
        Subject::iter().fold(Self::default(), |all, subject| all | Self::of(subject))
    }

    /// These kinds but for one.
    #[must_use]
    pub const fn without(self, subject: Subject) -> Self {
        Self(self.0 & !Self::of(subject).0)
    }

    /// Whether the kind is among them.
    #[must_use]
    pub const fn contain(self, subject: Subject) -> bool {
        self.0 & Self::of(subject).0 != 0
    }
}

impl BitOr for Subjects {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How often each kind of object has been seen to change, at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generations([u64; KINDS]);

impl Generations {
    /// Whether nothing of these kinds has changed between the two instants.
    #[must_use]
    pub fn agree(&self, other: &Self, subjects: Subjects) -> bool {
        (self.0.iter().zip(&other.0).enumerate()).all(|(kind, (one, two))| subjects.0 & (1 << kind) == 0 || one == two)
    }

    fn count(&mut self, subjects: Subjects) {
        for (kind, count) in self.0.iter_mut().enumerate() {
            *count += u64::from(subjects.0 >> kind & 1);
        }
    }
}

/// Asks the log.
pub struct ChangeWatch {
    database: Database,
    /// How many looks have begun.
    begun: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// PostgreSQL: a connection of the watch's own. A pool tests a connection before and after each use, which is
    /// two more round trips; and one that is lost is known to be.
    connection: Option<PgConnection>,
    seen: Option<Seen>,
    generations: Generations,
    /// The number of the last look that succeeded.
    finished: u64,
}

/// Up to where the log has been read.
struct Seen {
    position: LogPosition,
    at: Instant,
}

enum LogPosition {
    /// SQLite has one writer, so revisions are in the order of the commits.
    Revision(i64),
    /// PostgreSQL: the snapshot, and what proves that it is one of this log.
    Snapshot { snapshot: String, log: String },
}

impl ChangeWatch {
    /// A watch that has seen nothing yet.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self {
            database,
            begun: AtomicU64::new(0),
            state: Mutex::new(State::default()),
        }
    }

    /// The counts at some instant after this call: they tell of every change that was committed before it, by
    /// whichever node.
    ///
    /// # Errors
    /// When the database does not answer. Whatever changed meanwhile, the next counts differ in every kind.
    pub async fn generations(&self) -> Result<Generations, StoreError> {
        let begun_before = self.begun.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        // While this caller waited, somebody began to look after the call, and so has seen for it too.
        if state.finished > begun_before {
            return Ok(state.generations);
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        // Taken out, so that a look that fails or is dropped half-way leaves no position to go on from.
        let seen = state.seen.take();
        let connection = state.connection.take();
        let look = match self.database.backend() {
            DbBackend::Sqlite => self.look_at_sqlite(seen).await?,
            DbBackend::Postgres => {
                let mut connection = match connection {
                    Some(connection) => connection,
                    None => self.connect().await?,
                };
                let look = look_at_postgres(&mut connection, seen).await?;
                state.connection = Some(connection);
                look
            }
            _ => return Err(StoreError::Corrupt("a database of an unknown kind")),
        };
        state.generations.count(look.changed);
        state.seen = Some(Seen {
            position: look.position,
            at: look.at,
        });
        state.finished = number;
        Ok(state.generations)
    }

    async fn look_at_sqlite(&self, seen: Option<Seen>) -> Result<Look, StoreError> {
        let at = Instant::now();
        let after = seen
            .filter(|seen| seen.at.elapsed() < LONGEST_GAP)
            .and_then(|seen| match seen.position {
                LogPosition::Revision(revision) => Some(revision),
                LogPosition::Snapshot { .. } => None,
            });
        let Some(after) = after else {
            let sql = "SELECT coalesce(max(revision), 0) AS revision, NULL AS subject FROM change_log";
            let statement = Statement::from_string(DbBackend::Sqlite, sql);
            let row = Named::find_by_statement(statement).one(self.database.read()).await?;
            return Ok(Look {
                changed: Subjects::all(),
                position: LogPosition::Revision(row.map_or(0, |row| row.revision)),
                at,
            });
        };
        let sql = "SELECT max(revision) AS revision, subject FROM change_log WHERE revision > ? GROUP BY subject";
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [after.into()]);
        let rows = Named::find_by_statement(statement).all(self.database.read()).await?;
        let latest = rows.iter().map(|row| row.revision).max();
        let names = rows.iter().filter_map(|row| row.subject.as_deref());
        Ok(Look {
            changed: named(names),
            position: LogPosition::Revision(latest.unwrap_or(after)),
            at,
        })
    }

    async fn connect(&self) -> Result<PgConnection, StoreError> {
        let options = self.database.postgres_options();
        let connection = PgConnection::connect_with(&options);
        let connection = tokio::time::timeout(CONNECT_TIMEOUT, connection).await;
        connection
            .map_err(|_| failed(sqlx::Error::PoolTimedOut))?
            .map_err(failed)
    }
}

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What one look found.
struct Look {
    changed: Subjects,
    position: LogPosition,
    at: Instant,
}

#[derive(FromQueryResult)]
struct Named {
    revision: i64,
    subject: Option<String>,
}

/// One statement, so one snapshot: the rows that it sees beyond the last snapshot and its own snapshot fit together,
/// and a transaction that was open then and commits late is seen as soon as it has committed.
///
/// The log is another one when the server was restarted or failed over to another, and when its identity or its table
/// was made anew, as by a restore.
const LOOK: &str = "\
SELECT pg_current_snapshot()::text, \
       concat_ws('/', identity.id, identity.xmin, extract(epoch FROM pg_postmaster_start_time()), \
                 pg_relation_filenode('change_log')), \
       (SELECT string_agg(DISTINCT subject, ',') FROM change_log \
        WHERE transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot) \
          AND NOT pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)) \
FROM change_log_identity identity";

async fn look_at_postgres(connection: &mut PgConnection, seen: Option<Seen>) -> Result<Look, StoreError> {
    let at = Instant::now();
    let before = seen
        .filter(|seen| seen.at.elapsed() < LONGEST_GAP)
        .and_then(|seen| match seen.position {
            LogPosition::Snapshot { snapshot, log } => Some((snapshot, log)),
            LogPosition::Revision(_) => None,
        });
    let row = sqlx::query(LOOK)
        .bind(before.as_ref().map(|(snapshot, _)| snapshot.as_str()))
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    let snapshot: String = row.try_get(0).map_err(failed)?;
    let log: String = row.try_get(1).map_err(failed)?;
    let names: Option<String> = row.try_get(2).map_err(failed)?;
    let changed = match before {
        Some((_, before)) if before == log => named(names.iter().flat_map(|names| names.split(','))),
        Some(_) | None => Subjects::all(),
    };
    Ok(Look {
        changed,
        position: LogPosition::Snapshot { snapshot, log },
        at,
    })
}

/// The kinds with these names. A name that this version does not know, written by a newer node, may stand for
/// anything.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> Subjects {
    names.fold(Subjects::default(), |subjects, name| {
        let known = Subject::iter().find(|subject| sea_orm::ActiveEnum::to_value(subject) == name);
        subjects | known.map_or_else(Subjects::all, Subjects::of)
    })
}

fn failed(error: sqlx::Error) -> StoreError {
    DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())).into()
}
