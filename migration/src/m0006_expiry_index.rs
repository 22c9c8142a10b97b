//! Housekeeping finds what has expired by an index.

use sea_orm_migration::prelude::*;

use crate::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("refresh_token", &["expires_at"])).await?;
        manager.create_index(index("password_reset", &["expires_at"])).await
    }
}
