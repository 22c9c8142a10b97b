//! Audit events, idempotency keys and the change log.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{bytewise, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("audit_event")
                    .col(pk_uuid("id"))
                    .col(big_integer("at"))
                    .col(text("actor"))
                    .col(text("action"))
                    .col(text("subject_id"))
                    .col(text_null("reason"))
                    .col(text_null("request_id"))
                    .col(text_null("client_address"))
                    .col(text_null("before"))
                    .col(text_null("after"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("audit_event", &["at", "id"])).await?;
        for leading in ["subject_id", "actor", "action"] {
            manager
                .create_index(index("audit_event", &[leading, "at", "id"]))
                .await?;
        }
        manager
            .create_table(
                Table::create()
                    .table("idempotency_key")
                    .col(text("caller"))
                    .col(text("mutation"))
                    .col(bytewise(manager, "key"))
                    .col(binary("input_hash"))
                    .col(uuid("subject_id"))
                    .col(big_integer("created_at"))
                    .primary_key(Index::create().col("caller").col("mutation").col("key"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("idempotency_key", &["created_at"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("change_log")
                    .col(
                        ColumnDef::new("revision")
                            .big_integer()
                            .not_null()
                            .auto_increment()
                            .primary_key(),
                    )
                    .col(text("subject"))
                    .col(uuid("subject_id"))
                    .col(big_integer("at"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("change_log", &["at"])).await
    }
}
