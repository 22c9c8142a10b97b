//! Accounts of the portal realm.

use sea_orm::entity::prelude::*;

/// Where a developer's account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    /// Stored as `PENDING`.
    #[sea_orm(string_value = "PENDING")]
    Pending,
    /// Stored as `APPROVED`.
    #[sea_orm(string_value = "APPROVED")]
    Approved,
    /// Stored as `REJECTED`.
    #[sea_orm(string_value = "REJECTED")]
    Rejected,
    /// Stored as `REVOKED`.
    #[sea_orm(string_value = "REVOKED")]
    Revoked,
}

impl From<domain::developer::DeveloperStatus> for Status {
    fn from(value: domain::developer::DeveloperStatus) -> Self {
        match value {
            domain::developer::DeveloperStatus::Pending => Self::Pending,
            domain::developer::DeveloperStatus::Approved => Self::Approved,
            domain::developer::DeveloperStatus::Rejected => Self::Rejected,
            domain::developer::DeveloperStatus::Revoked => Self::Revoked,
        }
    }
}

impl From<Status> for domain::developer::DeveloperStatus {
    fn from(value: Status) -> Self {
        match value {
            Status::Pending => Self::Pending,
            Status::Approved => Self::Approved,
            Status::Rejected => Self::Rejected,
            Status::Revoked => Self::Revoked,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "developer")]
pub struct Model {
    /// The developer.
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
    /// Where the account stands.
    pub status: Status,
    /// The admin who took the last decision; none when automatic.
    pub decided_by: Option<Uuid>,
    /// The last decision was a setting's, not a person's.
    pub decision_automatic: bool,
    /// When the last decision was taken; none: no decision yet.
    pub decided_at: Option<i64>,
    /// The admin's words.
    #[sea_orm(column_type = "Text", nullable)]
    pub decision_reason: Option<String>,
    /// When the account was made.
    pub created_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
