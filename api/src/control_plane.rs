//! The control plane: what every service needs, made once at start.

use std::sync::Arc;

use domain::{api_key::ApiKeyPrefix, limits::Limits};
use gateway::{snapshot::SnapshotReader, usage::Usage};

use crate::{
    admin::service::AdminAccounts,
    answer_cache::AnswerCache,
    change::Follower,
    database::{Database, WriteTransaction},
    error::{ServiceError, StoreError},
    gateway_node::GatewayNodes,
    session::{
        access_token::AccessTokens, directory::AccountDirectory, password::PasswordHasher, realm::Realm,
        throttle::Throttle,
    },
};

/// The server's parts that services use.
pub struct ControlPlane {
    /// The database.
    pub database: Database,
    /// Keeps the gateway and the account directory true to the database.
    pub follower: Arc<Follower>,
    /// Sessions that live and accounts that may act.
    pub directory: Arc<AccountDirectory>,
    /// Answers to queries that are given again while they hold; `None`: every query is executed.
    pub answers: Option<Arc<AnswerCache>>,
    /// Issues and checks access tokens.
    pub access_tokens: AccessTokens,
    /// Hashes and verifies passwords off the async threads.
    pub passwords: PasswordHasher,
    /// Slows down who guesses passwords.
    pub throttle: Throttle,
    /// What the gateway decides by.
    pub snapshot: SnapshotReader,
    /// When credentials were last used.
    pub usage: Arc<Usage>,
    /// The gateways of the fleet that reported to this node.
    pub gateway_nodes: GatewayNodes,
    /// How many of everything.
    pub limits: Limits,
    /// What a caller's curl starts with.
    pub gateway_public_url: String,
    /// What API keys start with.
    pub key_prefix: ApiKeyPrefix,
}

impl ControlPlane {
    /// Begins a transaction that changes something.
    ///
    /// # Errors
    /// [`ServiceError::Store`] when no turn came in time.
    pub async fn write(&self) -> Result<WriteTransaction, ServiceError> {
        Ok(WriteTransaction::begin(&self.database, Arc::clone(&self.follower)).await?)
    }

    /// What admins' accounts are kept with.
    #[must_use]
    pub fn admin_accounts(&self) -> AdminAccounts {
        AdminAccounts {
            database: self.database.clone(),
            follower: Arc::clone(&self.follower),
            passwords: self.passwords.in_line_of(Realm::Admin),
        }
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
