//! What happened, by whom: appended, never changed.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    /// The event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When.
    pub at: i64,
    /// Who: an account's id, or anonymous, system or operator.
    #[sea_orm(column_type = "Text")]
    pub actor: String,
    /// What was done.
    #[sea_orm(column_type = "Text")]
    pub action: String,
    /// To what: an id of its kind.
    #[sea_orm(column_type = "Text")]
    pub subject_id: String,
    /// The actor's words.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// The request that did it.
    #[sea_orm(column_type = "Text", nullable)]
    pub request_id: Option<String>,
    /// Where the request came from.
    #[sea_orm(column_type = "Text", nullable)]
    pub client_address: Option<String>,
    /// What it was, JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub before: Option<String>,
    /// What it became, JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub after: Option<String>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
