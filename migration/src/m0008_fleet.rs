//! Gateways of their own: their tokens, and what they reported of themselves.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("gateway_token")
                    .col(pk_uuid("id"))
                    .col(text("name"))
                    .col(binary("token_hash"))
                    .col(text("hint"))
                    .col(uuid("created_by"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("revoked_at"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("gateway_token", &["token_hash"])).await?;
        manager
            .create_index(index("gateway_token", &["created_at", "id"]))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("gateway_node")
                    .col(pk_uuid("id"))
                    .col(uuid_null("token_id"))
                    .col(text("name"))
                    .col(text("version"))
                    .col(text_null("position"))
                    .col(big_integer("max_staleness_ms"))
                    .col(text_null("copy_failure"))
                    .col(big_integer("created_at"))
                    .col(big_integer("last_seen_at"))
                    .col(big_integer_null("stopped_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("gateway_node", &["created_at", "id"]))
            .await?;
        manager.create_index(index("gateway_node", &["last_seen_at"])).await
    }
}
