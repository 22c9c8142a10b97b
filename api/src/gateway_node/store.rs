//! Rows of gateways of the fleet.

use std::time::Duration;

use domain::{
    Timestamp,
    contact::MaxStaleness,
    gateway_node::{RETENTION, Sighting},
    id::{GatewayNodeId, GatewayTokenId},
    viewer::Viewer,
};
use entity::gateway_node;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Select,
    sea_query::{Expr, OnConflict},
};

use crate::{
    error::StoreError,
    pagination::{Direction, SortKey, SortValue},
};

/// A gateway as services see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayNodeRecord {
    /// Its id.
    pub id: GatewayNodeId,
    /// The token that it last came with; `None`: it runs in an API node.
    pub token_id: Option<GatewayTokenId>,
    /// What its operator calls it.
    pub name: String,
    /// The version of Portico that it runs.
    pub version: String,
    /// Which state it enforces, as it said so; `None`: none, it answers 503.
    pub position: Option<String>,
    /// What is wrong with its copy on disk.
    pub copy_failure: Option<String>,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it was last seen, whether it stopped, and for how long it goes on alone.
    pub sighting: Sighting,
}

impl From<gateway_node::Model> for GatewayNodeRecord {
    fn from(row: gateway_node::Model) -> Self {
        let gateway_node::Model {
            id,
            token_id,
            name,
            version,
            position,
            max_staleness_ms,
            copy_failure,
            created_at,
            last_seen_at,
            stopped_at,
        } = row;
        Self {
            id: GatewayNodeId::from_uuid(id),
            token_id: token_id.map(GatewayTokenId::from_uuid),
            name,
            version,
            position,
            copy_failure,
            created_at: Timestamp::from_millis(created_at),
            sighting: Sighting {
                last_seen_at: Timestamp::from_millis(last_seen_at),
                stopped_at: stopped_at.map(Timestamp::from_millis),
                max_staleness: MaxStaleness::new(Duration::from_millis(u64::try_from(max_staleness_ms).unwrap_or(0))),
            },
        }
    }
}

impl From<&GatewayNodeRecord> for gateway_node::ActiveModel {
    fn from(record: &GatewayNodeRecord) -> Self {
        let GatewayNodeRecord {
            id,
            token_id,
            name,
            version,
            position,
            copy_failure,
            created_at,
            sighting,
        } = record;
        let max_staleness = sighting.max_staleness.limit().unwrap_or_default();
        Self {
            id: Set(id.uuid()),
            token_id: Set(token_id.map(|id| id.uuid())),
            name: Set(name.clone()),
            version: Set(version.clone()),
            position: Set(position.clone()),
            max_staleness_ms: Set(i64::try_from(max_staleness.as_millis()).unwrap_or(i64::MAX)),
            copy_failure: Set(copy_failure.clone()),
            created_at: Set(created_at.as_millis()),
            last_seen_at: Set(sighting.last_seen_at.as_millis()),
            stopped_at: Set(sighting.stopped_at.map(Timestamp::as_millis)),
        }
    }
}

/// The order of the list: the latest first seen first.
#[must_use]
pub fn sort_key() -> SortKey<gateway_node::Entity> {
    SortKey {
        column: gateway_node::Column::CreatedAt,
        id_column: gateway_node::Column::Id,
        value: |row| SortValue::Integer(row.created_at),
        id: |row| row.id,
        direction: Direction::Descending,
        nullable: false,
    }
}

/// The gateways that exist for `viewer`: an admin's all, nobody else's any.
#[must_use]
pub fn select_for(viewer: &Viewer) -> Select<gateway_node::Entity> {
    let select = gateway_node::Entity::find();
    if viewer.is_admin() {
        select
    } else {
        select.filter(Expr::value(false))
    }
}

/// The gateways with these ids that exist for `viewer`.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: &[GatewayNodeId],
) -> Result<Vec<GatewayNodeRecord>, StoreError> {
    let ids = ids.iter().map(|id| id.uuid());
    let rows = select_for(viewer)
        .filter(gateway_node::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(GatewayNodeRecord::from).collect())
}

/// Every gateway, whoever asks: for the server itself, which waits for them.
pub async fn all(connection: &impl ConnectionTrait) -> Result<Vec<GatewayNodeRecord>, StoreError> {
    let rows = gateway_node::Entity::find().all(connection).await?;
    Ok(rows.into_iter().map(GatewayNodeRecord::from).collect())
}

/// Writes what these gateways reported, in one statement. When they were first seen stays.
pub async fn put(connection: &impl ConnectionTrait, records: &[GatewayNodeRecord]) -> Result<(), StoreError> {
    let rows = records.iter().map(gateway_node::ActiveModel::from);
    let changing = [
        gateway_node::Column::TokenId,
        gateway_node::Column::Name,
        gateway_node::Column::Version,
        gateway_node::Column::Position,
        gateway_node::Column::MaxStalenessMs,
        gateway_node::Column::CopyFailure,
        gateway_node::Column::LastSeenAt,
        gateway_node::Column::StoppedAt,
    ];
    let conflict = OnConflict::column(gateway_node::Column::Id)
        .update_columns(changing)
        .to_owned();
    gateway_node::Entity::insert_many(rows)
        .on_conflict(conflict)
        .exec_without_returning(connection)
        .await?;
    Ok(())
}

/// Deletes the gateways that are forgotten at `now`.
pub async fn delete_forgotten(connection: &impl ConnectionTrait, now: Timestamp) -> Result<(), StoreError> {
    let not_seen = gateway_node::Entity::find()
        .filter(gateway_node::Column::LastSeenAt.lt(now.saturating_sub(RETENTION).as_millis()))
        .all(connection)
        .await?;
    let forgotten = not_seen
        .into_iter()
        .map(GatewayNodeRecord::from)
        .filter(|node| node.sighting.is_forgotten(now))
        .map(|node| node.id.uuid());
    gateway_node::Entity::delete_many()
        .filter(gateway_node::Column::Id.is_in(forgotten))
        .exec(connection)
        .await?;
    Ok(())
}
