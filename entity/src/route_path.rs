//! Each path of each route once more, so that an index finds who claims it.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "route_path")]
pub struct Model {
    /// The path prefix.
    #[sea_orm(primary_key, auto_increment = false)]
    pub path: String,
    /// The version that claims it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version_id: Uuid,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
