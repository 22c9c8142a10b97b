//! The follower: reads the change log and applies what it names.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::Timestamp;

use entity::change::{self, Subject};
use gateway::snapshot::SnapshotWriter;
use sea_orm::{
    AccessMode, ColumnTrait as _, DbBackend, EntityTrait as _, IsolationLevel, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, TransactionOptions, TransactionTrait as _,
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Position, account_state, gateway_state};
use crate::{
    database::Database,
    error::StoreError,
    fleet::{Hub, Subscription},
    session::directory::AccountDirectory,
};

/// How many rows of the log are read at once.
const BATCH: u64 = 1000;
/// How often the log is read without a reason: other processes write too.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait after a failure before reading again.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Keeps the gateway's snapshot and the account directory equal to the database.
pub struct Follower {
    database: Database,
    directory: Arc<AccountDirectory>,
    state: Mutex<State>,
    healthy: AtomicBool,
    hub: Hub,
}

struct State {
    /// The last revision that was applied; `None` before the first full load.
    position: Option<i64>,
    snapshot: SnapshotWriter,
}

impl Follower {
    /// A follower that has read nothing yet: until [`load`](Self::load), the gateway answers 503 and no token is good.
    #[must_use]
    pub fn new(database: Database, directory: Arc<AccountDirectory>, snapshot: SnapshotWriter) -> Self {
        Self {
            database,
            directory,
            state: Mutex::new(State {
                position: None,
                snapshot,
            }),
            healthy: AtomicBool::new(false),
            hub: Hub::default(),
        }
    }

    /// Where the gateways of the fleet hear what was applied here.
    #[must_use]
    pub const fn hub(&self) -> &Hub {
        &self.hub
    }

    /// What is held at present, and all that comes after it; `None` when that may not be the present state: before the
    /// first load, and while the log cannot be read.
    pub(crate) async fn subscribe(&self) -> Option<Subscription> {
        let state = self.state.lock().await;
        if !self.is_healthy() {
            return None;
        }
        Some(Subscription {
            snapshot: state.snapshot.reader().load()?,
            position: Position::revision(state.position?),
            messages: self.hub.subscribe(),
        })
    }

    /// Tells the gateways that what they were told is still the present state: call it after the log was read.
    async fn beat(&self) {
        let state = self.state.lock().await;
        if let Some(position) = state.position.filter(|_| self.is_healthy()) {
            self.hub.beat(&Position::revision(position));
        }
    }

    /// Whether the last read of the log worked.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Reads everything anew and replaces what is held, as of one instant of the database.
    ///
    /// # Errors
    /// When the database fails; what was held stays.
    pub async fn load(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        self.load_into(&mut state).await
    }

    async fn load_into(&self, state: &mut State) -> Result<(), StoreError> {
        let mut options = TransactionOptions::default();
        if self.database.backend() == DbBackend::Postgres {
            options.isolation_level = Some(IsolationLevel::RepeatableRead);
            options.access_mode = Some(AccessMode::ReadOnly);
        }
        let transaction = self.database.read().begin_with_options(options).await?;
        let position = change::Entity::find()
            .order_by_desc(change::Column::Revision)
            .one(&transaction)
            .await?
            .map_or(0, |row| row.revision);
        let updates = gateway_state::all(&transaction).await?;
        let accounts = account_state::all(&transaction, Timestamp::now()).await?;
        transaction.commit().await?;
        state.snapshot.replace(updates);
        self.directory.replace_all(accounts);
        state.position = Some(position);
        self.hub.restart(&Position::revision(position));
        self.healthy.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Applies what the log has gained since the last time.
    ///
    /// # Errors
    /// When the database fails; what was applied stays, and the next call goes on from there.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        let result = self.catch_up_into(&mut state).await;
        self.healthy.store(result.is_ok(), Ordering::Relaxed);
        result
    }

    async fn catch_up_into(&self, state: &mut State) -> Result<(), StoreError> {
        let Some(mut position) = state.position else {
            return self.load_into(state).await;
        };
        loop {
            let rows = change::Entity::find()
                .filter(change::Column::Revision.gt(position))
                .order_by_asc(change::Column::Revision)
                .limit(BATCH)
                .all(self.database.read())
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            position = last.revision;
            let ids = |wanted: Subject| -> Vec<Uuid> {
                let mut ids: Vec<Uuid> = rows
                    .iter()
                    .filter(|row| row.subject == wanted)
                    .map(|row| row.subject_id)
                    .collect();
                ids.sort_unstable();
                ids.dedup();
                ids
            };
            let updates = gateway_state::of(self.database.read(), &ids).await?;
            let accounts = account_state::of(self.database.read(), &ids).await?;
            if !updates.is_empty() {
                let at = Position::revision(position);
                let line = self.hub.line(&at, &updates);
                if state.snapshot.apply(updates).is_err() {
                    return self.load_into(state).await;
                }
                self.hub.publish(&at, line);
            }
            if !accounts.is_empty() {
                self.directory
                    .update(|directory| accounts.iter().for_each(|update| update.apply(directory)));
            }
            state.position = Some(position);
        }
    }

    /// Applies the log, trying again until it works: a committed change must reach the snapshot.
    pub(crate) async fn catch_up_until_done(&self) {
        while let Err(error) = self.catch_up().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "reading the change log failed; trying again"
            );
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }

    /// Reads the log once a second until `shutdown`, for changes that other processes make.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            match self.catch_up().await {
                Ok(()) => self.beat().await,
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "reading the change log failed"
                ),
            }
        }
    }
}
