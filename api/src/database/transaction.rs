//! Write transactions: the change, its audit events and its change-log rows, committed as one.

use std::{ops::Deref, sync::Arc};

use domain::Timestamp;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ConnectionTrait as _, DatabaseTransaction, DbBackend, EntityTrait as _, QueryTrait as _, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
    sea_query::{CommonTableExpression, Expr, Query},
};
use uuid::Uuid;

use crate::{
    audit::record::AuditRecord,
    change::{CommittedChange, Follower, Subject},
    database::Database,
    error::{ServiceError, StoreError},
};

/// A transaction that changes something.
///
/// Dropped without [`commit`](Self::commit), it rolls back. It dereferences to the connection that stores take.
pub struct WriteTransaction {
    transaction: DatabaseTransaction,
    follower: Arc<Follower>,
    changes: Vec<(Subject, Uuid)>,
    events: Vec<AuditRecord>,
}

impl WriteTransaction {
    /// Begins a transaction; on SQLite it waits for its turn as the one writer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no turn came within five seconds.
    pub(crate) async fn begin(database: &Database, follower: Arc<Follower>) -> Result<Self, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = database.writer.begin_with_options(options).await?;
        Ok(Self {
            transaction,
            follower,
            changes: Vec::new(),
            events: Vec::new(),
        })
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
        let committed = append(&self.transaction, self.events, self.changes, now).await?;
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
    transaction: &DatabaseTransaction,
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
    Ok(committed.map(|place| match u64::try_from(place) {
        Ok(transaction) if backend == DbBackend::Postgres => CommittedChange::transaction(transaction),
        _ => CommittedChange::revision(place),
    }))
}

impl Deref for WriteTransaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &Self::Target {
        &self.transaction
    }
}
