//! Rows of gateway tokens.

use domain::{
    Timestamp,
    gateway_token::GatewayTokenHash,
    id::{AdminId, GatewayTokenId},
    viewer::Viewer,
};
use entity::gateway_token;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QuerySelect as _, Select, sea_query::Expr,
};

use crate::{
    error::StoreError,
    pagination::{Direction, SortKey, SortValue},
};

/// A gateway token as services see it; never the token or its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayTokenRecord {
    /// Its id.
    pub id: GatewayTokenId,
    /// What admins call it.
    pub name: String,
    /// What tells it apart in a list.
    pub hint: String,
    /// Who made it.
    pub created_by: AdminId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

impl From<gateway_token::Model> for GatewayTokenRecord {
    fn from(row: gateway_token::Model) -> Self {
        let gateway_token::Model {
            id,
            name,
            token_hash: _,
            hint,
            created_by,
            created_at,
            revoked_at,
        } = row;
        Self {
            id: GatewayTokenId::from_uuid(id),
            name,
            hint,
            created_by: AdminId::from_uuid(created_by),
            created_at: Timestamp::from_millis(created_at),
            revoked_at: revoked_at.map(Timestamp::from_millis),
        }
    }
}

/// The order of the list: the latest first.
#[must_use]
pub fn sort_key() -> SortKey<gateway_token::Entity> {
    SortKey {
        column: gateway_token::Column::CreatedAt,
        id_column: gateway_token::Column::Id,
        value: |row| SortValue::Integer(row.created_at),
        id: |row| row.id,
        direction: Direction::Descending,
        nullable: false,
    }
}

/// The tokens that exist for `viewer`: an admin's all, nobody else's any.
#[must_use]
pub fn select_for(viewer: &Viewer) -> Select<gateway_token::Entity> {
    let select = gateway_token::Entity::find();
    if viewer.is_admin() {
        select
    } else {
        select.filter(Expr::value(false))
    }
}

/// The tokens with these ids that exist for `viewer`.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: impl IntoIterator<Item = GatewayTokenId>,
) -> Result<Vec<GatewayTokenRecord>, StoreError> {
    let ids = ids.into_iter().map(|id| id.uuid());
    let rows = select_for(viewer)
        .filter(gateway_token::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(GatewayTokenRecord::from).collect())
}

/// The token, locked for a change.
pub async fn lock(
    connection: &impl ConnectionTrait,
    id: GatewayTokenId,
) -> Result<Option<GatewayTokenRecord>, StoreError> {
    let row = gateway_token::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(connection)
        .await?;
    Ok(row.map(GatewayTokenRecord::from))
}

/// Adds a token.
pub async fn insert(
    connection: &impl ConnectionTrait,
    record: &GatewayTokenRecord,
    hash: &GatewayTokenHash,
) -> Result<(), StoreError> {
    let GatewayTokenRecord {
        id,
        name,
        hint,
        created_by,
        created_at,
        revoked_at,
    } = record;
    gateway_token::ActiveModel {
        id: Set(id.uuid()),
        name: Set(name.clone()),
        token_hash: Set(hash.as_bytes().to_vec()),
        hint: Set(hint.clone()),
        created_by: Set(created_by.uuid()),
        created_at: Set(created_at.as_millis()),
        revoked_at: Set(revoked_at.map(Timestamp::as_millis)),
    }
    .insert(connection)
    .await?;
    Ok(())
}

/// Ends a token. Says whether there was one to end.
pub async fn revoke(connection: &impl ConnectionTrait, id: GatewayTokenId, at: Timestamp) -> Result<bool, StoreError> {
    let updated = gateway_token::Entity::update_many()
        .col_expr(gateway_token::Column::RevokedAt, Expr::value(at.as_millis()))
        .filter(gateway_token::Column::Id.eq(id.uuid()))
        .filter(gateway_token::Column::RevokedAt.is_null())
        .exec(connection)
        .await?;
    Ok(updated.rows_affected == 1)
}
