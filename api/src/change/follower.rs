//! The follower: reads the change log and applies what it names.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use entity::change::Subject;
use gateway::{record::Update, snapshot::SnapshotWriter};
use sea_orm::{DatabaseTransaction, DbBackend, DbErr};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    CommittedChange, Position, Progress,
    account_state::{self, AccountUpdate},
    backoff::Backoff,
    gateway_state,
    log::{self, Gained, Head},
    unknown_subjects::UnknownSubjects,
    wake::Wake,
};
use crate::{
    database::Database,
    error::StoreError,
    fleet::{Hub, Subscription},
    session::directory::AccountDirectory,
};

/// How many objects are read by one statement, each named by one of its values.
const BATCH: usize = 1000;
/// How often the log is read without a reason: other processes write too.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long reading what was gained may take. A connection that leads nowhere, because the network was cut without a
/// word, would else be waited on for as long as the system repeats its packets.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(15);

/// Keeps the gateway's snapshot and the account directory equal to the database.
pub struct Follower {
    database: Database,
    directory: Arc<AccountDirectory>,
    state: Mutex<State>,
    progress: Progress,
    wake: Wake,
    hub: Hub,
}

struct State {
    /// Where the log stood at the last read; `None` before the first full load.
    head: Option<Head>,
    snapshot: SnapshotWriter,
    unknown_subjects: UnknownSubjects,
}

/// What became of a read of the log.
enum Read {
    /// All that was committed is held.
    Everything,
    /// The log named what this version does not know, too soon after the last time: that is still to be read, and the
    /// position stays where it was.
    KnownAlone,
}

impl Follower {
    /// A follower that has read nothing yet: until [`load`](Self::load), the gateway answers 503 and no token is good.
    #[must_use]
    pub fn new(database: Database, directory: Arc<AccountDirectory>, snapshot: SnapshotWriter) -> Self {
        Self {
            database,
            directory,
            state: Mutex::new(State {
                head: None,
                snapshot,
                unknown_subjects: UnknownSubjects::default(),
            }),
            progress: Progress::default(),
            wake: Wake::new(),
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
            position: state.head.as_ref()?.position.clone(),
            messages: self.hub.subscribe(),
        })
    }

    /// Tells the gateways that what they were told is still the present state: call it after the log was read.
    async fn beat(&self) {
        let state = self.state.lock().await;
        if let Some(head) = state.head.as_ref().filter(|_| self.is_healthy()) {
            self.hub.beat(&head.position);
        }
    }

    /// Whether the last read of the log worked.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.progress.is_healthy()
    }

    /// How it gets on.
    #[must_use]
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What the snapshot and the directory hold; `None` before the first full load.
    pub async fn position(&self) -> Option<Position> {
        let state = self.state.lock().await;
        state.head.as_ref().map(|head| head.position.clone())
    }

    /// Reads everything anew and replaces what is held, as of one instant of the database.
    ///
    /// # Errors
    /// When the database fails; what was held stays.
    pub async fn load(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        let transaction = log::begin(&self.database).await?;
        let head = log::head(&transaction).await?;
        self.load_into(&mut state, transaction, head).await
    }

    async fn load_into(
        &self,
        state: &mut State,
        transaction: DatabaseTransaction,
        head: Head,
    ) -> Result<(), StoreError> {
        let updates = gateway_state::all(&transaction).await?;
        let accounts = account_state::all(&transaction, head.at).await?;
        transaction.commit().await?;
        state.snapshot.replace(updates);
        self.directory.replace_all(accounts);
        self.hub.restart(&head.position);
        state.head = Some(head);
        self.progress.loaded();
        Ok(())
    }

    /// Applies what the log has gained since the last time.
    ///
    /// # Errors
    /// When the database fails; what was applied stays, and the next call goes on from there.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        self.catch_up_into(&mut state).await
    }

    /// Applies what other nodes may have committed meanwhile. On SQLite there are none, and nothing is read.
    ///
    /// # Errors
    /// When the database fails; what was applied stays.
    pub async fn catch_up_with_other_nodes(&self) -> Result<(), StoreError> {
        match self.database.backend() {
            DbBackend::Postgres => self.catch_up().await,
            _ => Ok(()),
        }
    }

    async fn catch_up_into(&self, state: &mut State) -> Result<(), StoreError> {
        match self.read_into(state).await {
            Ok(Read::Everything) => self.progress.tried(true),
            Ok(Read::KnownAlone) => self.progress.read_in_part(),
            Err(error) => {
                self.progress.tried(false);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn read_into(&self, state: &mut State) -> Result<Read, StoreError> {
        let read = async {
            let transaction = log::begin(&self.database).await?;
            let head = log::head(&transaction).await?;
            let Some(held) = state.head.as_ref().filter(|held| head.continues(held)) else {
                return Ok((transaction, head, None));
            };
            let gained = log::gained_since(&transaction, &held.position).await?;
            let (updates, accounts) = present(&transaction, &gained).await?;
            Ok::<_, StoreError>((transaction, head, Some((updates, accounts, gained.unknown))))
        };
        let (transaction, head, gained) = tokio::time::timeout(CATCH_UP_TIMEOUT, read)
            .await
            .map_err(|_| StoreError::Unavailable(DbErr::Custom("no answer in time".to_owned())))??;
        let Some((updates, accounts, unknown)) = gained else {
            tracing::info!("reading everything anew: the change log does not go on from what was read");
            self.load_into(state, transaction, head).await?;
            return Ok(Read::Everything);
        };
        let began = Instant::now();
        if let Some(subject) = &unknown
            && state.unknown_subjects.may_reload(began)
        {
            tracing::warn!(
                subject,
                "reading everything anew: the change log names what this version does not know; does a newer one run beside it?"
            );
            self.load_into(state, transaction, head).await?;
            state.unknown_subjects.reloaded(began, Instant::now());
            return Ok(Read::Everything);
        }
        // What is not known here is not held yet: then nobody is told of a position that would have it.
        let head = if unknown.is_some() {
            state.head.clone().unwrap_or(head)
        } else {
            head
        };
        self.progress.applied(updates.len() + accounts.len());
        if !updates.is_empty() {
            let line = self.hub.line(&head.position, &updates);
            if state.snapshot.apply(updates).is_err() {
                self.load_into(state, transaction, head).await?;
                return Ok(Read::Everything);
            }
            self.hub.publish(&head.position, line);
        }
        if !accounts.is_empty() {
            self.directory
                .update(|directory| accounts.iter().for_each(|update| update.apply(directory)));
        }
        // Whether the end of a transaction that only read arrives changes nothing.
        drop(transaction);
        state.head = Some(head);
        Ok(if unknown.is_some() {
            Read::KnownAlone
        } else {
            Read::Everything
        })
    }

    /// Tells other nodes of a commit of this one, and returns when this node holds its effect, trying again until it
    /// works: a committed change must reach the snapshot.
    ///
    /// Of several that wait, one reads for all.
    pub(crate) async fn reach(&self, committed: &CommittedChange) {
        self.wake.tell();
        let mut backoff = Backoff::default();
        loop {
            let mut state = self.state.lock().await;
            if state
                .head
                .as_ref()
                .is_some_and(|head| head.position.includes(committed))
            {
                return;
            }
            let result = self.catch_up_into(&mut state).await;
            drop(state);
            match result {
                Ok(()) => return,
                Err(error) => tracing::error!(
                    error = &error as &dyn Error,
                    "reading the change log after a commit failed; trying again"
                ),
            }
            tokio::time::sleep(backoff.next_delay()).await;
        }
    }

    /// Reads the log until `shutdown`: once a second, and on PostgreSQL as soon as another node tells of a commit.
    pub async fn run(&self, shutdown: CancellationToken) {
        if self.database.backend() == DbBackend::Postgres {
            tokio::join!(
                self.poll(&shutdown),
                self.wake.listen_until(&self.database, &shutdown),
                self.wake.tell_until(&self.database, &shutdown),
            );
        } else {
            self.poll(&shutdown).await;
        }
    }

    async fn poll(&self, shutdown: &CancellationToken) {
        let mut backoff = Backoff::default();
        let mut failing = false;
        let mut pause = POLL_INTERVAL;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.wake.heard(), if !failing => {}
                () = tokio::time::sleep(pause) => {}
            }
            match self.catch_up().await {
                Ok(()) => {
                    self.beat().await;
                    if failing {
                        tracing::info!("reading the change log works again");
                    }
                    failing = false;
                    backoff.reset();
                    pause = POLL_INTERVAL;
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn Error,
                        "reading the change log failed; trying again"
                    );
                    failing = true;
                    pause = backoff.next_delay();
                }
            }
        }
    }
}

/// The present state, at the transaction's instant, of what the log has gained and this version knows.
async fn present(
    transaction: &DatabaseTransaction,
    gained: &Gained,
) -> Result<(Vec<Update>, Vec<AccountUpdate>), StoreError> {
    let (mut updates, mut accounts) = (Vec::new(), Vec::new());
    for batch in gained.named.chunks(BATCH) {
        let ids = |wanted: Subject| -> Vec<Uuid> {
            let of_subject = batch.iter().filter(|(subject, _)| *subject == wanted);
            of_subject.map(|(_, id)| *id).collect()
        };
        updates.extend(gateway_state::of(transaction, &ids).await?);
        accounts.extend(account_state::of(transaction, &ids).await?);
    }
    Ok((updates, accounts))
}

#[cfg(test)]
#[path = "follower_tests.rs"]
mod tests;
