//! Accounts of either realm, as identity treats them: found by e-mail, checked by password.

use domain::{developer, email::NormalisedEmail};
use sea_orm::ConnectionTrait;

use super::{
    password::HashedPassword,
    realm::{AccountId, Realm},
};
use crate::{
    admin::store::{self as admin_store, AdminRecord},
    developer::store::{self as developer_store, DeveloperRecord},
    error::StoreError,
};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountRecord {
    /// A developer's.
    Developer(DeveloperRecord),
    /// An admin's.
    Admin(AdminRecord),
}

impl AccountRecord {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> AccountId {
        match self {
            Self::Developer(record) => AccountId::Developer(record.id),
            Self::Admin(record) => AccountId::Admin(record.id),
        }
    }

    /// Its e-mail address as written.
    #[must_use]
    pub fn email(&self) -> &str {
        match self {
            Self::Developer(record) => &record.email,
            Self::Admin(record) => &record.email,
        }
    }

    /// Its owner's name.
    #[must_use]
    pub fn full_name(&self) -> &str {
        match self {
            Self::Developer(record) => &record.full_name,
            Self::Admin(record) => &record.full_name,
        }
    }

    /// Whether its owner may sign in and stay signed in.
    #[must_use]
    pub const fn may_hold_session(&self) -> bool {
        match self {
            Self::Developer(record) => developer::may_hold_session(record.status),
            Self::Admin(_) => true,
        }
    }
}

/// The account that somebody claims to have, and the hash to check that by.
pub(super) async fn find(
    connection: &impl ConnectionTrait,
    realm: Realm,
    email: &NormalisedEmail,
) -> Result<Option<(AccountRecord, HashedPassword)>, StoreError> {
    Ok(match realm {
        Realm::Portal => developer_store::find_to_authenticate(connection, email)
            .await?
            .map(|(record, password)| (AccountRecord::Developer(record), password)),
        Realm::Admin => admin_store::find_to_authenticate(connection, email)
            .await?
            .map(|(record, password)| (AccountRecord::Admin(record), password)),
    })
}

/// The account and its password's hash.
pub(super) async fn find_by_id(
    connection: &impl ConnectionTrait,
    id: AccountId,
) -> Result<Option<(AccountRecord, HashedPassword)>, StoreError> {
    Ok(match id {
        AccountId::Developer(id) => developer_store::find_with_password(connection, id)
            .await?
            .map(|(record, password)| (AccountRecord::Developer(record), password)),
        AccountId::Admin(id) => admin_store::find_with_password(connection, id)
            .await?
            .map(|(record, password)| (AccountRecord::Admin(record), password)),
    })
}

/// The account and its password's hash, locked for a change.
pub(super) async fn lock(
    connection: &impl ConnectionTrait,
    id: AccountId,
) -> Result<Option<(AccountRecord, HashedPassword)>, StoreError> {
    Ok(match id {
        AccountId::Developer(id) => developer_store::lock_with_password(connection, id)
            .await?
            .map(|(record, password)| (AccountRecord::Developer(record), password)),
        AccountId::Admin(id) => admin_store::lock_with_password(connection, id)
            .await?
            .map(|(record, password)| (AccountRecord::Admin(record), password)),
    })
}

/// Writes a new password's hash.
pub(super) async fn set_password(
    connection: &impl ConnectionTrait,
    id: AccountId,
    password: &HashedPassword,
) -> Result<(), StoreError> {
    match id {
        AccountId::Developer(id) => developer_store::set_password(connection, id, password).await,
        AccountId::Admin(id) => admin_store::set_password(connection, id, password).await,
    }
}
