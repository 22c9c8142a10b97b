//! The portal's row.

use domain::id::PortalId;
use entity::portal;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QuerySelect as _,
};

use crate::error::StoreError;

/// The portal as services see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalRecord {
    /// Its id.
    pub id: PortalId,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: domain::portal::PortalSettings,
}

impl From<portal::Model> for PortalRecord {
    fn from(row: portal::Model) -> Self {
        let portal::Model {
            id,
            name,
            is_public,
            auto_approve_developers,
            auto_approve_access_requests,
            created_at: _,
        } = row;
        Self {
            id: PortalId::from_uuid(id),
            name,
            settings: domain::portal::PortalSettings {
                is_public,
                auto_approve_developers,
                auto_approve_access_requests,
            },
        }
    }
}

/// The portal.
pub async fn load(connection: &impl ConnectionTrait) -> Result<PortalRecord, StoreError> {
    let row = portal::Entity::find().one(connection).await?;
    row.map(PortalRecord::from)
        .ok_or(StoreError::Corrupt("there is no portal"))
}

/// The portal, locked: first in the order portal, developer, app, version. Others may read it meanwhile, nobody may
/// change it.
pub async fn lock_shared(connection: &impl ConnectionTrait) -> Result<PortalRecord, StoreError> {
    let row = portal::Entity::find().lock_shared().one(connection).await?;
    row.map(PortalRecord::from)
        .ok_or(StoreError::Corrupt("there is no portal"))
}

/// The portal, locked for a change.
pub async fn lock(connection: &impl ConnectionTrait) -> Result<PortalRecord, StoreError> {
    let row = portal::Entity::find().lock_exclusive().one(connection).await?;
    row.map(PortalRecord::from)
        .ok_or(StoreError::Corrupt("there is no portal"))
}

/// Whether the database has its portal yet.
pub async fn exists(connection: &impl ConnectionTrait) -> Result<bool, StoreError> {
    Ok(portal::Entity::find().one(connection).await?.is_some())
}

/// Adds the portal to a database that has none.
pub async fn insert(
    connection: &impl ConnectionTrait,
    portal: &PortalRecord,
    created_at: domain::Timestamp,
) -> Result<(), StoreError> {
    let PortalRecord { id, name, settings } = portal;
    portal::ActiveModel {
        id: Set(id.uuid()),
        name: Set(name.clone()),
        is_public: Set(settings.is_public),
        auto_approve_developers: Set(settings.auto_approve_developers),
        auto_approve_access_requests: Set(settings.auto_approve_access_requests),
        created_at: Set(created_at.as_millis()),
    }
    .insert(connection)
    .await?;
    Ok(())
}

/// Writes the portal's name and settings.
pub async fn update(connection: &impl ConnectionTrait, portal: &PortalRecord) -> Result<(), StoreError> {
    let row = portal::Entity::find_by_id(portal.id.uuid()).one(connection).await?;
    let mut row = row
        .ok_or(StoreError::Corrupt("there is no portal"))?
        .into_active_model();
    row.name = Set(portal.name.clone());
    row.is_public = Set(portal.settings.is_public);
    row.auto_approve_developers = Set(portal.settings.auto_approve_developers);
    row.auto_approve_access_requests = Set(portal.settings.auto_approve_access_requests);
    row.update(connection).await?;
    Ok(())
}
