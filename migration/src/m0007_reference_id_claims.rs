//! Finding the reference ids that are claimed for an e-mail: there is a limit to them.

use sea_orm_migration::prelude::*;

use crate::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_index(index("reference_id_claim", &["email_normalised"]))
            .await
    }
}
