//! Who has ever used a reference id: a freed one stays its developer's.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reference_id_claim")]
pub struct Model {
    /// The reference id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub reference_id: String,
    /// The developer's e-mail, normalised: it outlives the account.
    #[sea_orm(column_type = "Text")]
    pub email_normalised: String,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
