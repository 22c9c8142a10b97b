//! Versions of products, with their registration settings.

use sea_orm::entity::prelude::*;

/// Where a version stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Lifecycle {
    /// Stored as `DRAFT`.
    #[sea_orm(string_value = "DRAFT")]
    Draft,
    /// Stored as `ACTIVE`.
    #[sea_orm(string_value = "ACTIVE")]
    Active,
    /// Stored as `DEPRECATED`.
    #[sea_orm(string_value = "DEPRECATED")]
    Deprecated,
    /// Stored as `RETIRED`.
    #[sea_orm(string_value = "RETIRED")]
    Retired,
}

impl From<domain::version::VersionLifecycle> for Lifecycle {
    fn from(value: domain::version::VersionLifecycle) -> Self {
        match value {
            domain::version::VersionLifecycle::Draft => Self::Draft,
            domain::version::VersionLifecycle::Active => Self::Active,
            domain::version::VersionLifecycle::Deprecated => Self::Deprecated,
            domain::version::VersionLifecycle::Retired => Self::Retired,
        }
    }
}

impl From<Lifecycle> for domain::version::VersionLifecycle {
    fn from(value: Lifecycle) -> Self {
        match value {
            Lifecycle::Draft => Self::Draft,
            Lifecycle::Active => Self::Active,
            Lifecycle::Deprecated => Self::Deprecated,
            Lifecycle::Retired => Self::Retired,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "version")]
pub struct Model {
    /// The version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Its product.
    pub product_id: Uuid,
    /// Its name; unique in the product.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Where it stands in its life.
    pub lifecycle: Lifecycle,
    /// Where the gateway sends its traffic; none: it has no gateway service.
    #[sea_orm(column_type = "Text", nullable)]
    pub upstream_url: Option<String>,
    /// Whether new requests are taken.
    pub registration_enabled: bool,
    /// Whether requests are approved at once.
    pub auto_approve: bool,
    /// How callers prove who they are; none: nothing opens it.
    pub auth_strategy_id: Option<Uuid>,
    /// When it was made.
    pub created_at: i64,
    /// When it last changed.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
