//! Write transactions: the change, its audit events and its change-log rows, committed as one.

use std::{
    fmt::Write as _,
    ops::{Deref, RangeInclusive},
    sync::Arc,
};

use domain::Timestamp;
use sea_orm::{
    ActiveEnum as _,
    ActiveValue::{NotSet, Set},
    ConnectionTrait as _, DbBackend, EntityTrait as _, QueryResult, QueryTrait as _, Statement, Value,
    sea_query::{CommonTableExpression, Expr, Query},
};
use uuid::Uuid;

use crate::{
    audit::record::{AUDIT_COLUMNS, AuditRecord},
    change::{CommittedChange, Follower, Subject},
    database::{Database, Transaction},
    error::{ServiceError, StoreError},
};

/// A transaction that changes something.
///
/// Dropped without [`commit`](Self::commit), it rolls back. It dereferences to the connection that stores take.
pub struct WriteTransaction {
    transaction: Transaction,
    follower: Arc<Follower>,
    changes: Vec<(Subject, Uuid)>,
    events: Vec<AuditRecord>,
    /// What names the commit, when the change has been written already.
    written: Option<CommittedChange>,
}

impl WriteTransaction {
    /// Begins a transaction; on SQLite it waits for its turn as the one writer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no turn came within five seconds.
    pub(crate) async fn begin(database: &Database, follower: Arc<Follower>) -> Result<Self, StoreError> {
        Ok(Self::new(database.writer.begin_to_write().await?, follower))
    }

    /// Begins a transaction like [`begin`](Self::begin), with the row that `first` asks for: on PostgreSQL in the same
    /// round trip.
    ///
    /// The statement's values come to stand in its text, so they must be ids or numbers.
    ///
    /// # Errors
    /// As of [`begin`](Self::begin), and when the statement fails.
    pub(crate) async fn begin_with_row(
        database: &Database,
        follower: Arc<Follower>,
        first: Statement,
    ) -> Result<(Self, Option<QueryResult>), StoreError> {
        let (transaction, row) = database.writer.begin_with_row(first).await?;
        Ok((Self::new(transaction, follower), row))
    }

    const fn new(transaction: Transaction, follower: Arc<Follower>) -> Self {
        Self {
            transaction,
            follower,
            changes: Vec::new(),
            events: Vec::new(),
            written: None,
        }
    }

    /// Notes that the object changed (or is gone), for the change log: gateways and caches read its present state.
    pub fn changed(&mut self, subject: Subject, id: Uuid) {
        if !self.changes.contains(&(subject, id)) {
            self.changes.push((subject, id));
        }
    }

    /// Notes an audit event.
    pub fn audit(&mut self, event: AuditRecord) {
        self.events.push(event);
    }

    /// Runs a statement of PostgreSQL's together with what was noted so far, in one round trip, and answers its row.
    ///
    /// `expressions` are what stands after its `WITH`, `select` the rest; its values are numbered from `$1`.
    ///
    /// # Errors
    /// When the database fails; the transaction can only be dropped then.
    pub(crate) async fn write_with_notes(
        &mut self,
        expressions: &str,
        select: &str,
        mut values: Vec<Value>,
    ) -> Result<QueryResult, StoreError> {
        let notes = match (self.events.len(), self.changes.as_slice()) {
            (1, [change]) => self.events.pop().map(|event| (event, *change)),
            // More than one of either is written when it is committed.
            _ => None,
        };
        let mut sql = format!("WITH {expressions}");
        let mut place = "NULL::bigint";
        if let Some((event, (subject, id))) = notes {
            self.changes.clear();
            let first = values.len() + 1;
            values.extend(event.into_values());
            let _ = write!(
                sql,
                ", noted_event AS (INSERT INTO audit_event ({AUDIT_COLUMNS}) VALUES ("
            );
            push_placeholders(&mut sql, first..=values.len());
            let first = values.len() + 1;
            values.extend([
                subject.to_value().into(),
                id.into(),
                Timestamp::now().as_millis().into(),
            ]);
            sql.push_str(")), noted_change AS (INSERT INTO change_log (subject, subject_id, at) VALUES (");
            push_placeholders(&mut sql, first..=values.len());
            sql.push_str(") RETURNING transaction_id)");
            place = "(SELECT transaction_id::text::bigint FROM noted_change)";
        }
        let _ = write!(sql, " SELECT {select}, {place} AS noted_place");
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let row = self.transaction.query_one_raw(statement).await?;
        let row = row.ok_or(StoreError::Corrupt("a statement that always has a row had none"))?;
        let place: Option<i64> = row.try_get("", "noted_place")?;
        if let Some(place) = place {
            self.written = Some(named(DbBackend::Postgres, place));
        }
        Ok(row)
    }

    /// Commits, and returns when this node's snapshot and caches hold the effect.
    ///
    /// It runs in a task of its own: a client that disconnects or times out cancels the waiting, not the commit, so
    /// the gateway never differs from the database.
    ///
    /// # Errors
    /// [`ServiceError`] when the commit failed. Nothing happened then, unless the connection was lost while PostgreSQL
    /// committed: only reading again can tell.
    pub async fn commit(self) -> Result<(), ServiceError> {
        self.commit_named().await.map(|_| ())
    }

    /// Commits like [`commit`](Self::commit), and answers what names the commit, so that it can be asked which
    /// [`Position`](crate::change::Position) holds it; `None` when the change log gained nothing.
    ///
    /// # Errors
    /// As of [`commit`](Self::commit).
    pub async fn commit_named(self) -> Result<Option<CommittedChange>, ServiceError> {
        tokio::spawn(self.commit_and_publish())
            .await
            .map_err(|_| ServiceError::Internal("the task that commits ended early"))?
    }

    async fn commit_and_publish(self) -> Result<Option<CommittedChange>, ServiceError> {
        let now = Timestamp::now().as_millis();
        let appended = append(&self.transaction, self.events, self.changes, now).await?;
        let committed = appended.or(self.written);
        self.transaction.commit().await?;
        if let Some(committed) = committed {
            self.follower.reach(&committed).await;
        }
        Ok(committed)
    }
}

/// How many rows a statement inserts. A deletion may take ten thousands of rows along; a statement takes 32,766 values
/// at most (<https://sqlite.org/limits.html#max_variable_number>).
const ROWS: usize = 1000;

/// Appends to the audit events and to the change log; what names the commit afterwards, if there was a change.
async fn append(
    transaction: &Transaction,
    events: Vec<AuditRecord>,
    changes: Vec<(Subject, Uuid)>,
    at: i64,
) -> Result<Option<CommittedChange>, StoreError> {
    let backend = transaction.get_database_backend();
    let mut events = events.into_iter().map(AuditRecord::into_row).peekable();
    // PostgreSQL inserts into both in one statement, which is the usual case and a round trip less.
    let mut with_first_change = None;
    while events.peek().is_some() {
        let insert = entity::audit_event::Entity::insert_many(events.by_ref().take(ROWS)).into_query();
        if backend == DbBackend::Postgres && events.peek().is_none() && !changes.is_empty() {
            with_first_change = Some(insert);
        } else {
            transaction.execute(&insert).await?;
        }
    }
    let mut committed = None;
    for changes in changes.chunks(ROWS) {
        let rows = changes.iter().map(|(subject, id)| entity::change::ActiveModel {
            revision: NotSet,
            subject: Set(*subject),
            subject_id: Set(*id),
            at: Set(at),
        });
        let mut insert = entity::change::Entity::insert_many(rows).into_query();
        let place = if backend == DbBackend::Postgres {
            "transaction_id::text::bigint AS place"
        } else {
            "revision AS place"
        };
        insert.returning(Query::returning().expr(Expr::cust(place)));
        let rows = match with_first_change.take() {
            Some(events) => {
                let events = CommonTableExpression::new()
                    .query(events)
                    .table_name("event")
                    .to_owned();
                let insert = insert.with(Query::with().cte(events).to_owned());
                transaction.query_all(&insert).await?
            }
            None => transaction.query_all(&insert).await?,
        };
        let places: Result<Vec<i64>, _> = rows.iter().map(|row| row.try_get("", "place")).collect();
        committed = places?.into_iter().max();
    }
    Ok(committed.map(|place| named(backend, place)))
}

/// What names the commit of a change with this place: a transaction's id on PostgreSQL, a revision on SQLite.
fn named(backend: DbBackend, place: i64) -> CommittedChange {
    match u64::try_from(place) {
        Ok(transaction) if backend == DbBackend::Postgres => CommittedChange::transaction(transaction),
        _ => CommittedChange::revision(place),
    }
}

fn push_placeholders(sql: &mut String, numbers: RangeInclusive<usize>) {
    for number in numbers.clone() {
        let separator = if number == *numbers.start() { "" } else { ", " };
        let _ = write!(sql, "{separator}${number}");
    }
}

impl Deref for WriteTransaction {
    type Target = Transaction;

    fn deref(&self) -> &Self::Target {
        &self.transaction
    }
}
