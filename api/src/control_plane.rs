//! The control plane: what every service needs, made once at start.

use std::sync::Arc;

use domain::limits::Limits;
use gateway::{snapshot::SnapshotReader, usage::Usage};

use crate::{
    change::Follower,
    database::{Database, WriteTransaction},
    error::{ServiceError, StoreError},
};

/// The server's parts that services use.
pub struct ControlPlane {
    /// The database.
    pub database: Database,
    /// Keeps the gateway and the account directory true to the database.
    pub follower: Arc<Follower>,
    /// What the gateway decides by.
    pub snapshot: SnapshotReader,
    /// When credentials were last used.
    pub usage: Arc<Usage>,
    /// How many of everything.
    pub limits: Limits,
    /// What a caller's curl starts with.
    pub gateway_public_url: String,
    /// What API keys start with, without the underscore.
    pub key_prefix: String,
}

impl ControlPlane {
    /// Begins a transaction that changes something.
    ///
    /// # Errors
    /// [`ServiceError::Store`] when no turn came in time.
    pub async fn write(&self) -> Result<WriteTransaction, ServiceError> {
        Ok(WriteTransaction::begin(&self.database, Arc::clone(&self.follower)).await?)
    }

    /// Checks that the server can do its work: the database answers and the log is being followed.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn is_ready(&self) -> Result<bool, StoreError> {
        self.database.ping().await?;
        Ok(self.follower.is_healthy())
    }
}
