//! Gateways of the fleet, as they reported themselves.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "gateway_node")]
pub struct Model {
    /// The gateway.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The token that it last came with; none: it runs in an API node.
    pub token_id: Option<Uuid>,
    /// What its operator calls it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The version of Portico that it runs.
    #[sea_orm(column_type = "Text")]
    pub version: String,
    /// Which state it enforces.
    #[sea_orm(column_type = "Text", nullable)]
    pub position: Option<String>,
    /// For how long it goes on without contact; 0: for ever.
    pub max_staleness_ms: i64,
    /// What is wrong with its copy on disk.
    #[sea_orm(column_type = "Text", nullable)]
    pub copy_failure: Option<String>,
    /// When it was first seen.
    pub created_at: i64,
    /// When it was last seen.
    pub last_seen_at: i64,
    /// When it said that it stops serving; none since it was seen again.
    pub stopped_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
