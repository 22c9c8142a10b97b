//! The present state of sessions and accounts, read from the database for the directory that every request asks.

use domain::{
    Timestamp,
    developer::DeveloperStatus,
    gateway_token::GatewayTokenHash,
    id::{AdminId, DeveloperId, GatewayTokenId, SessionId},
};
use entity::{admin, change::Subject, developer, gateway_token, session};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _, Select};
use uuid::Uuid;

use crate::{
    error::StoreError,
    session::{
        directory::{DirectoryState, SessionState},
        realm::AccountId,
    },
};

/// One object as the directory holds it; without a state, it is gone.
pub(super) enum AccountUpdate {
    Session(SessionId, Option<SessionState>),
    Developer(DeveloperId, Option<DeveloperStatus>),
    Admin(AdminId, bool),
    GatewayToken(GatewayTokenId, Option<GatewayTokenHash>),
}

impl AccountUpdate {
    pub(super) fn apply(&self, directory: &mut DirectoryState) {
        match self {
            Self::Session(id, Some(state)) => directory.put_session(*id, *state),
            Self::Session(id, None) => directory.remove_session(*id),
            Self::Developer(id, Some(status)) => directory.put_developer(*id, *status),
            Self::Developer(id, None) => directory.remove_developer(*id),
            Self::Admin(id, true) => directory.put_admin(*id),
            Self::Admin(id, false) => directory.remove_admin(*id),
            Self::GatewayToken(id, Some(hash)) => directory.put_gateway_token(*hash, *id),
            Self::GatewayToken(id, None) => directory.remove_gateway_token(*id),
        }
    }
}

/// Every account, and every session that has not ended.
pub(super) async fn all(connection: &impl ConnectionTrait, now: Timestamp) -> Result<DirectoryState, StoreError> {
    let mut directory = DirectoryState::default();
    let live = session::Entity::find()
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now.as_millis()));
    for update in sessions(connection, live).await? {
        update.apply(&mut directory);
    }
    for (id, status) in developers(connection, developer::Entity::find()).await? {
        directory.put_developer(DeveloperId::from_uuid(id), status);
    }
    for id in admins(connection, admin::Entity::find()).await? {
        directory.put_admin(AdminId::from_uuid(id));
    }
    for update in gateway_tokens(connection, gateway_token::Entity::find()).await? {
        update.apply(&mut directory);
    }
    Ok(directory)
}

/// The present state of the accounts and sessions that changed.
pub(super) async fn of(
    connection: &impl ConnectionTrait,
    changed: &impl Fn(Subject) -> Vec<Uuid>,
) -> Result<Vec<AccountUpdate>, StoreError> {
    let mut updates = Vec::new();
    let ids = changed(Subject::Session);
    if !ids.is_empty() {
        updates.extend(
            ids.iter()
                .map(|id| AccountUpdate::Session(SessionId::from_uuid(*id), None)),
        );
        let live = session::Entity::find()
            .filter(session::Column::Id.is_in(ids))
            .filter(session::Column::EndedAt.is_null());
        updates.extend(sessions(connection, live).await?);
    }
    let ids = changed(Subject::Developer);
    if !ids.is_empty() {
        updates.extend(
            ids.iter()
                .map(|id| AccountUpdate::Developer(DeveloperId::from_uuid(*id), None)),
        );
        let select = developer::Entity::find().filter(developer::Column::Id.is_in(ids));
        let found = developers(connection, select).await?.into_iter();
        updates.extend(found.map(|(id, status)| AccountUpdate::Developer(DeveloperId::from_uuid(id), Some(status))));
    }
    let ids = changed(Subject::Admin);
    if !ids.is_empty() {
        updates.extend(
            ids.iter()
                .map(|id| AccountUpdate::Admin(AdminId::from_uuid(*id), false)),
        );
        let found = admins(connection, admin::Entity::find().filter(admin::Column::Id.is_in(ids))).await?;
        updates.extend(
            found
                .into_iter()
                .map(|id| AccountUpdate::Admin(AdminId::from_uuid(id), true)),
        );
    }
    let ids = changed(Subject::GatewayToken);
    if !ids.is_empty() {
        updates.extend(
            ids.iter()
                .map(|id| AccountUpdate::GatewayToken(GatewayTokenId::from_uuid(*id), None)),
        );
        let select = gateway_token::Entity::find().filter(gateway_token::Column::Id.is_in(ids));
        updates.extend(gateway_tokens(connection, select).await?);
    }
    Ok(updates)
}

/// The tokens that were not revoked.
async fn gateway_tokens(
    connection: &impl ConnectionTrait,
    select: Select<gateway_token::Entity>,
) -> Result<Vec<AccountUpdate>, StoreError> {
    let rows: Vec<(Uuid, Vec<u8>)> = select
        .filter(gateway_token::Column::RevokedAt.is_null())
        .select_only()
        .column(gateway_token::Column::Id)
        .column(gateway_token::Column::TokenHash)
        .into_tuple()
        .all(connection)
        .await?;
    rows.into_iter()
        .map(|(id, hash)| {
            let hash = GatewayTokenHash::try_from(hash.as_slice())
                .map_err(|_| StoreError::Corrupt("a gateway token's hash of another length"))?;
            Ok(AccountUpdate::GatewayToken(GatewayTokenId::from_uuid(id), Some(hash)))
        })
        .collect()
}

async fn sessions(
    connection: &impl ConnectionTrait,
    select: Select<session::Entity>,
) -> Result<Vec<AccountUpdate>, StoreError> {
    let rows = select.all(connection).await?.into_iter();
    Ok(rows
        .map(|row| {
            let account = match row.realm {
                session::Realm::Portal => AccountId::Developer(DeveloperId::from_uuid(row.account_id)),
                session::Realm::Admin => AccountId::Admin(AdminId::from_uuid(row.account_id)),
            };
            let state = SessionState {
                account,
                ends_at: Timestamp::from_millis(row.expires_at),
            };
            AccountUpdate::Session(SessionId::from_uuid(row.id), Some(state))
        })
        .collect())
}

async fn developers(
    connection: &impl ConnectionTrait,
    select: Select<developer::Entity>,
) -> Result<Vec<(Uuid, DeveloperStatus)>, StoreError> {
    let rows: Vec<(Uuid, developer::Status)> = select
        .select_only()
        .column(developer::Column::Id)
        .column(developer::Column::Status)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|(id, status)| (id, status.into())).collect())
}

async fn admins(connection: &impl ConnectionTrait, select: Select<admin::Entity>) -> Result<Vec<Uuid>, StoreError> {
    Ok(select
        .select_only()
        .column(admin::Column::Id)
        .into_tuple()
        .all(connection)
        .await?)
}
