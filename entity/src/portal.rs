//! The portal: one row.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "portal")]
pub struct Model {
    /// The portal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Its name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Shows its catalog to anyone, and takes no sign-ups and no requests.
    pub is_public: bool,
    /// New developers are approved at once.
    pub auto_approve_developers: bool,
    /// Every access request is approved at once, whatever its version says.
    pub auto_approve_access_requests: bool,
    /// When it was made.
    pub created_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
