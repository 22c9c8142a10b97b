//! Authentication strategies.

use sea_orm::entity::prelude::*;

/// The kinds of strategies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// Stored as `KEY_AUTH`.
    #[sea_orm(string_value = "KEY_AUTH")]
    KeyAuth,
    /// Stored as `OPENID_CONNECT`.
    #[sea_orm(string_value = "OPENID_CONNECT")]
    OpenidConnect,
}

impl From<domain::auth_strategy::AuthStrategyType> for Kind {
    fn from(value: domain::auth_strategy::AuthStrategyType) -> Self {
        match value {
            domain::auth_strategy::AuthStrategyType::KeyAuth => Self::KeyAuth,
            domain::auth_strategy::AuthStrategyType::OpenidConnect => Self::OpenidConnect,
        }
    }
}

impl From<Kind> for domain::auth_strategy::AuthStrategyType {
    fn from(value: Kind) -> Self {
        match value {
            Kind::KeyAuth => Self::KeyAuth,
            Kind::OpenidConnect => Self::OpenidConnect,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "auth_strategy")]
pub struct Model {
    /// The strategy.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What kind it is.
    pub kind: Kind,
    /// Its name; unique.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Made with the portal; cannot be deleted.
    pub built_in: bool,
    /// Header names that carry the key, a JSON array.
    #[sea_orm(column_type = "Text")]
    pub key_names: String,
    /// Keys older than this open nothing; none: no limit.
    pub credential_ttl_days: Option<i32>,
    /// When it was made.
    pub created_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
