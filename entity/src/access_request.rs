//! Access requests.

use sea_orm::entity::prelude::*;

/// Where an access request stands.
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
    /// Stored as `CANCELLED`.
    #[sea_orm(string_value = "CANCELLED")]
    Cancelled,
}

impl From<domain::access_request::AccessRequestStatus> for Status {
    fn from(value: domain::access_request::AccessRequestStatus) -> Self {
        match value {
            domain::access_request::AccessRequestStatus::Pending => Self::Pending,
            domain::access_request::AccessRequestStatus::Approved => Self::Approved,
            domain::access_request::AccessRequestStatus::Rejected => Self::Rejected,
            domain::access_request::AccessRequestStatus::Revoked => Self::Revoked,
            domain::access_request::AccessRequestStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Status> for domain::access_request::AccessRequestStatus {
    fn from(value: Status) -> Self {
        match value {
            Status::Pending => Self::Pending,
            Status::Approved => Self::Approved,
            Status::Rejected => Self::Rejected,
            Status::Revoked => Self::Revoked,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_request")]
pub struct Model {
    /// The request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The app that asks.
    pub app_id: Uuid,
    /// The version it asks for.
    pub version_id: Uuid,
    /// The app's developer.
    pub developer_id: Uuid,
    /// Where it stands.
    pub status: Status,
    /// The developer's words.
    #[sea_orm(column_type = "Text", nullable)]
    pub justification: Option<String>,
    /// The admin who took the last decision; none when automatic.
    pub decided_by: Option<Uuid>,
    /// The last decision was a setting's, not a person's.
    pub decision_automatic: bool,
    /// When the last decision was taken; none: no decision yet.
    pub decided_at: Option<i64>,
    /// The admin's words.
    #[sea_orm(column_type = "Text", nullable)]
    pub decision_reason: Option<String>,
    /// When it was submitted.
    pub created_at: i64,
    /// When it last changed.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
