//! What makes the follower read at once: a notification that another node has committed.
//!
//! PostgreSQL delivers it to who listens at that moment, so it is a hint and never the truth: the follower reads the
//! log every second besides, and once after each time that listening began.

use std::{error::Error, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::backoff::Backoff;
use crate::{database::Database, error::StoreError};

/// Between one telling and the next: what is committed meanwhile is told together.
const BETWEEN_TELLINGS: Duration = Duration::from_millis(5);

/// The channel of notifications.
const CHANNEL: &str = "portico_change";

/// This node's ear and voice.
#[derive(Debug)]
pub(super) struct Wake {
    /// What this node's own notifications say, so that it can leave them out.
    node: String,
    /// There is something to read.
    heard: Notify,
    /// There is something to tell.
    committed: Notify,
}

impl Wake {
    pub(super) fn new() -> Self {
        Self {
            node: Uuid::now_v7().simple().to_string(),
            heard: Notify::new(),
            committed: Notify::new(),
        }
    }

    /// Notes that this node has committed. Several commits before the telling are told once.
    pub(super) fn tell(&self) {
        self.committed.notify_one();
    }

    /// Waits until another node has told of a commit, or may have without being heard.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }

    /// Tells the other nodes of this one's commits, until `shutdown`.
    ///
    /// It is done outside the transactions: committing a NOTIFY takes a lock of the whole server
    /// (<https://www.postgresql.org/docs/current/sql-notify.html>), which would let mutations wait for each other.
    pub(super) async fn tell_until(&self, database: &Database, shutdown: &CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.committed.notified() => {}
            }
            if let Err(error) = database.notify(CHANNEL, &self.node).await {
                // They read the log every second besides.
                tracing::debug!(error = &error as &dyn Error, "other nodes were not told of a commit");
            }
            tokio::time::sleep(BETWEEN_TELLINGS).await;
        }
    }

    /// Listens to the other nodes until `shutdown`, and connects anew whenever the connection is lost.
    pub(super) async fn listen_until(&self, database: &Database, shutdown: &CancellationToken) {
        let mut backoff = Backoff::default();
        loop {
            let lost = tokio::select! {
                () = shutdown.cancelled() => return,
                lost = self.listen(database, &mut backoff) => lost,
            };
            match lost {
                Ok(()) => tracing::warn!("the connection that listens to other nodes was lost; connecting again"),
                Err(error) => tracing::warn!(
                    error = &error as &dyn Error,
                    "cannot listen to other nodes; connecting again"
                ),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(backoff.next_delay()) => {}
            }
        }
    }

    /// Listens until the connection is lost.
    async fn listen(&self, database: &Database, backoff: &mut Backoff) -> Result<(), StoreError> {
        let mut listener = database.listen(CHANNEL).await?;
        backoff.reset();
        tracing::debug!("listening to other nodes' commits");
        // What was told before is lost.
        self.heard.notify_one();
        while let Some(node) = listener.next().await? {
            if node != self.node {
                self.heard.notify_one();
            }
        }
        Ok(())
    }
}
