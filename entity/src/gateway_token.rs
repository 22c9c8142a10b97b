//! Tokens that gateways of the fleet prove themselves with.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "gateway_token")]
pub struct Model {
    /// The token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What admins call it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// SHA-256; unique.
    pub token_hash: Vec<u8>,
    /// What tells it apart in a list.
    #[sea_orm(column_type = "Text")]
    pub hint: String,
    /// The admin who made it.
    pub created_by: Uuid,
    /// When it was made.
    pub created_at: i64,
    /// When it was ended.
    pub revoked_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
