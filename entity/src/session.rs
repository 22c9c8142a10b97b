//! Sessions: one sign-in and the refresh tokens that follow from it.

use sea_orm::entity::prelude::*;

/// The realms of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Realm {
    /// Stored as `PORTAL`.
    #[sea_orm(string_value = "PORTAL")]
    Portal,
    /// Stored as `ADMIN`.
    #[sea_orm(string_value = "ADMIN")]
    Admin,
}

impl From<domain::session::Realm> for Realm {
    fn from(value: domain::session::Realm) -> Self {
        match value {
            domain::session::Realm::Portal => Self::Portal,
            domain::session::Realm::Admin => Self::Admin,
        }
    }
}

impl From<Realm> for domain::session::Realm {
    fn from(value: Realm) -> Self {
        match value {
            Realm::Portal => Self::Portal,
            Realm::Admin => Self::Admin,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// The session.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The realm it is valid in.
    pub realm: Realm,
    /// The developer or admin.
    pub account_id: Uuid,
    /// When it began.
    pub created_at: i64,
    /// When it ends, however often it is refreshed.
    pub expires_at: i64,
    /// When it was ended early: sign-out, reuse of a token, a changed password.
    pub ended_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
