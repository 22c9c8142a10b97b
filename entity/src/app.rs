//! Applications of developers.

use sea_orm::entity::prelude::*;

/// Whether an app's credentials may open anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Stored as `ACTIVE`.
    #[sea_orm(string_value = "ACTIVE")]
    Active,
    /// Stored as `SUSPENDED`.
    #[sea_orm(string_value = "SUSPENDED")]
    Suspended,
}

impl From<domain::app::AppStatus> for Status {
    fn from(value: domain::app::AppStatus) -> Self {
        match value {
            domain::app::AppStatus::Active => Self::Active,
            domain::app::AppStatus::Suspended => Self::Suspended,
        }
    }
}

impl From<Status> for domain::app::AppStatus {
    fn from(value: Status) -> Self {
        match value {
            Status::Active => Self::Active,
            Status::Suspended => Self::Suspended,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "app")]
pub struct Model {
    /// The app.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub developer_id: Uuid,
    /// Its name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The name, case-folded: order and search.
    #[sea_orm(column_type = "Text")]
    pub name_folded: String,
    /// The developer's own id for it; unique in the portal, compared exactly.
    #[sea_orm(column_type = "Text")]
    pub reference_id: String,
    /// The reference id, case-folded: search.
    #[sea_orm(column_type = "Text")]
    pub reference_id_folded: String,
    /// What it is.
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    /// Whether its credentials may open anything.
    pub status: Status,
    /// The admin who suspended it.
    pub suspended_by: Option<Uuid>,
    /// When it was suspended; none: it is not.
    pub suspended_at: Option<i64>,
    /// The admin's words.
    #[sea_orm(column_type = "Text", nullable)]
    pub suspension_reason: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// When it last changed.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
