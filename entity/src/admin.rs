//! Accounts of the admin realm.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "admin")]
pub struct Model {
    /// The admin.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The e-mail as written.
    #[sea_orm(column_type = "Text")]
    pub email: String,
    /// What e-mails are compared by; unique.
    #[sea_orm(column_type = "Text")]
    pub email_normalised: String,
    /// The name.
    #[sea_orm(column_type = "Text")]
    pub full_name: String,
    /// PHC string.
    #[sea_orm(column_type = "Text")]
    pub password_hash: String,
    /// When the account was made.
    pub created_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
