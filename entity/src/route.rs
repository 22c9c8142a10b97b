//! Routes of gateway services.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "route")]
pub struct Model {
    /// The version whose gateway service it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version_id: Uuid,
    /// Its place among the service's routes, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// Hosts it serves, a JSON array; empty: any.
    #[sea_orm(column_type = "Text")]
    pub hosts: String,
    /// Path prefixes it serves, a JSON array.
    #[sea_orm(column_type = "Text")]
    pub paths: String,
    /// Methods it serves, a JSON array; empty: any.
    #[sea_orm(column_type = "Text")]
    pub methods: String,
    /// Whether the matched prefix is cut before forwarding.
    pub strip_path: bool,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
