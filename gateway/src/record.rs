//! What the control plane tells the gateway: plain records of the present state, and updates that carry them.
//!
//! An update says what an object is now, never what happened to it, so applying one twice or late changes nothing.

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    developer::DeveloperStatus,
    gateway_service::GatewayService,
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
    version::VersionLifecycle,
};

/// A version of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRecord {
    /// Its id.
    pub id: VersionId,
    /// Where it stands in its life.
    pub lifecycle: VersionLifecycle,
    /// Its present strategy; `None`: nothing can open it.
    pub strategy: Option<AuthStrategyId>,
    /// Its routes and its upstream; `None`: it serves nothing.
    pub service: Option<GatewayService>,
}

/// An authentication strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthStrategyRecord {
    /// Its id.
    pub id: AuthStrategyId,
    /// Its kind.
    pub kind: AuthStrategyType,
    /// The headers that may hold a key; empty unless it is of key-auth.
    pub key_names: Vec<String>,
    /// Credentials older than this many days open no version of the strategy.
    pub credential_ttl_days: Option<u32>,
}

/// A developer's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeveloperRecord {
    /// Its id.
    pub id: DeveloperId,
    /// Where it stands.
    pub status: DeveloperStatus,
}

/// A developer's app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRecord {
    /// Its id, which upstreams see as `X-Consumer-ID`.
    pub id: AppId,
    /// Whose it is.
    pub developer_id: DeveloperId,
    /// Whether it is in use.
    pub status: AppStatus,
    /// Its name, which upstreams see as `X-Consumer-Username`.
    pub name: String,
    /// Its reference id, which upstreams see as `X-Consumer-Custom-ID`.
    pub reference_id: String,
}

/// An app's credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRecord {
    /// Its id, which upstreams see as `X-Credential-Identifier`.
    pub id: CredentialId,
    /// Whose it is.
    pub app_id: AppId,
    /// What it is.
    pub kind: CredentialKind,
    /// What stands for the key; `None` unless it is one.
    pub key_hash: Option<ApiKeyHash>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself (a replaced key's overlap included).
    pub expires_at: Option<Timestamp>,
    /// When someone ended it.
    pub revoked_at: Option<Timestamp>,
}

/// The request that counts for an app and a version: the open one, or else the latest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRequestRecord {
    /// The app that asked.
    pub app_id: AppId,
    /// For which version.
    pub version_id: VersionId,
    /// What became of it.
    pub status: AccessRequestStatus,
}

/// The present state of one object; `None`: there is no such object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// A version with its routes. One that is gone takes the requests for it along.
    Version(VersionId, Option<VersionRecord>),
    /// A strategy.
    AuthStrategy(AuthStrategyId, Option<AuthStrategyRecord>),
    /// A developer.
    Developer(DeveloperId, Option<DeveloperRecord>),
    /// An app. One that is gone takes its credentials and requests along.
    App(AppId, Option<AppRecord>),
    /// A credential.
    Credential(CredentialId, Option<CredentialRecord>),
    /// The request of an app for a version.
    AccessRequest(AppId, VersionId, Option<AccessRequestRecord>),
    /// What it is cannot be told. A control plane never says this: a gateway makes it of what it cannot read.
    Unreadable(Unreadable),
}

/// An object that is there and cannot be read. Nothing is opened by it; what must outlast it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A strategy: its versions are closed. The headers that hold its keys, as far as they were ever known, are kept
    /// from upstreams until it is gone or can be read again.
    AuthStrategy {
        /// Which one.
        id: AuthStrategyId,
        /// The names of such headers that can be told all the same.
        key_names: Vec<String>,
    },
    /// An app: its keys open nothing. Its credentials and requests stay, for when it can be read again.
    App(AppId),
}

impl From<VersionRecord> for Update {
    fn from(record: VersionRecord) -> Self {
        Self::Version(record.id, Some(record))
    }
}

impl From<AuthStrategyRecord> for Update {
    fn from(record: AuthStrategyRecord) -> Self {
        Self::AuthStrategy(record.id, Some(record))
    }
}

impl From<DeveloperRecord> for Update {
    fn from(record: DeveloperRecord) -> Self {
        Self::Developer(record.id, Some(record))
    }
}

impl From<AppRecord> for Update {
    fn from(record: AppRecord) -> Self {
        Self::App(record.id, Some(record))
    }
}

impl From<CredentialRecord> for Update {
    fn from(record: CredentialRecord) -> Self {
        Self::Credential(record.id, Some(record))
    }
}

impl From<AccessRequestRecord> for Update {
    fn from(record: AccessRequestRecord) -> Self {
        Self::AccessRequest(record.app_id, record.version_id, Some(record))
    }
}
