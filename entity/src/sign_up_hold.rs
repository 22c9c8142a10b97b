//! E-mails whose sign-up waits for a person, whatever the portal approves by itself: an admin has rejected, revoked or deleted a developer with it.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_up_hold")]
pub struct Model {
    /// The e-mail, normalised.
    #[sea_orm(primary_key, auto_increment = false)]
    pub email_normalised: String,
    /// When the decision was taken.
    pub held_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
