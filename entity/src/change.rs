//! The change log: what changed, never its new value.

use sea_orm::entity::prelude::*;

/// What kinds of objects the change log names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Subject {
    /// Stored as `PORTAL`.
    #[sea_orm(string_value = "PORTAL")]
    Portal,
    /// Stored as `ADMIN`.
    #[sea_orm(string_value = "ADMIN")]
    Admin,
    /// Stored as `DEVELOPER`.
    #[sea_orm(string_value = "DEVELOPER")]
    Developer,
    /// Stored as `SESSION`.
    #[sea_orm(string_value = "SESSION")]
    Session,
    /// Stored as `PRODUCT`.
    #[sea_orm(string_value = "PRODUCT")]
    Product,
    /// Stored as `VERSION`.
    #[sea_orm(string_value = "VERSION")]
    Version,
    /// Stored as `AUTH_STRATEGY`.
    #[sea_orm(string_value = "AUTH_STRATEGY")]
    AuthStrategy,
    /// Stored as `APP`.
    #[sea_orm(string_value = "APP")]
    App,
    /// Stored as `ACCESS_REQUEST`.
    #[sea_orm(string_value = "ACCESS_REQUEST")]
    AccessRequest,
    /// Stored as `CREDENTIAL`.
    #[sea_orm(string_value = "CREDENTIAL")]
    Credential,
    /// Stored as `GATEWAY_TOKEN`.
    #[sea_orm(string_value = "GATEWAY_TOKEN")]
    GatewayToken,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change_log")]
pub struct Model {
    /// Its place in the log.
    #[sea_orm(primary_key)]
    pub revision: i64,
    /// What kind of object changed.
    pub subject: Subject,
    /// Which one.
    pub subject_id: Uuid,
    /// When.
    pub at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
