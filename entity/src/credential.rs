//! Credentials of apps.

use sea_orm::entity::prelude::*;

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// Stored as `API_KEY`.
    #[sea_orm(string_value = "API_KEY")]
    ApiKey,
    /// Stored as `OAUTH_CLIENT`.
    #[sea_orm(string_value = "OAUTH_CLIENT")]
    OauthClient,
}

impl From<domain::credential::CredentialKind> for Kind {
    fn from(value: domain::credential::CredentialKind) -> Self {
        match value {
            domain::credential::CredentialKind::ApiKey => Self::ApiKey,
            domain::credential::CredentialKind::OauthClient => Self::OauthClient,
        }
    }
}

impl From<Kind> for domain::credential::CredentialKind {
    fn from(value: Kind) -> Self {
        match value {
            Kind::ApiKey => Self::ApiKey,
            Kind::OauthClient => Self::OauthClient,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credential")]
pub struct Model {
    /// The credential.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub app_id: Uuid,
    /// The strategy it was made for.
    pub auth_strategy_id: Uuid,
    /// What it is.
    pub kind: Kind,
    /// What its developer calls it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// SHA-256 of the key; unique. API keys only.
    pub key_hash: Option<Vec<u8>>,
    /// What tells keys apart in a list: prefix and last four.
    #[sea_orm(column_type = "Text")]
    pub hint: String,
    /// The client id at the provider. OAuth clients only.
    #[sea_orm(column_type = "Text", nullable)]
    pub client_id: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// When it ends by itself.
    pub expires_at: Option<i64>,
    /// When someone ended it.
    pub revoked_at: Option<i64>,
    /// The credential that it was rotated into.
    pub replaced_by: Option<Uuid>,
    /// When a call last passed with it, to the minute.
    pub last_used_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
