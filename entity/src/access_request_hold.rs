//! Requests that wait for a person, whatever is approved automatically: an admin has ruled against this e-mail for this version.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_request_hold")]
pub struct Model {
    /// The developer's e-mail, normalised.
    #[sea_orm(primary_key, auto_increment = false)]
    pub email_normalised: String,
    /// The version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version_id: Uuid,
    /// When the decision was taken.
    pub held_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
