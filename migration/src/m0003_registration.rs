//! Apps, access requests and credentials, and what outlives them.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{bytewise, cascades, index, restricts, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        apps(manager).await?;
        access_requests(manager).await?;
        credentials(manager).await
    }
}

async fn apps(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("app")
                .col(pk_uuid("id"))
                .col(uuid("developer_id"))
                .col(text("name"))
                .col(bytewise(manager, "name_folded"))
                .col(bytewise(manager, "reference_id"))
                .col(bytewise(manager, "reference_id_folded"))
                .col(text_null("description"))
                .col(text("status"))
                .col(uuid_null("suspended_by"))
                .col(big_integer_null("suspended_at"))
                .col(text_null("suspension_reason"))
                .col(big_integer("created_at"))
                .col(big_integer("updated_at"))
                .foreign_key(&mut cascades("app", "developer_id", "developer"))
                .to_owned(),
        )
        .await?;
    manager.create_index(unique("app", &["reference_id"])).await?;
    manager.create_index(index("app", &["reference_id_folded"])).await?;
    manager.create_index(index("app", &["created_at", "id"])).await?;
    manager.create_index(index("app", &["name_folded", "id"])).await?;
    manager
        .create_index(index("app", &["developer_id", "created_at", "id"]))
        .await?;
    manager
        .create_index(index("app", &["developer_id", "name_folded", "id"]))
        .await?;
    manager
        .create_index(index("app", &["status", "created_at", "id"]))
        .await?;
    manager
        .create_table(
            Table::create()
                .table("reference_id_claim")
                .col(bytewise(manager, "reference_id").primary_key())
                .col(bytewise(manager, "email_normalised"))
                .to_owned(),
        )
        .await
}

async fn access_requests(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("access_request")
                .col(pk_uuid("id"))
                .col(uuid("app_id"))
                .col(uuid("version_id"))
                .col(uuid("developer_id"))
                .col(text("status"))
                .col(text_null("justification"))
                .col(uuid_null("decided_by"))
                .col(boolean("decision_automatic"))
                .col(big_integer_null("decided_at"))
                .col(text_null("decision_reason"))
                .col(big_integer("created_at"))
                .col(big_integer("updated_at"))
                .foreign_key(&mut cascades("access_request", "app_id", "app"))
                .foreign_key(&mut cascades("access_request", "version_id", "version"))
                .foreign_key(&mut cascades("access_request", "developer_id", "developer"))
                .to_owned(),
        )
        .await?;
    // The rule "one open request per app and version", kept by the database itself.
    manager
        .create_index(
            unique("access_request", &["app_id", "version_id"])
                .name("access_request_open_unique")
                .and_where(Expr::col("status").is_in(["PENDING", "APPROVED", "REVOKED"]))
                .to_owned(),
        )
        .await?;
    for leading in ["app_id", "version_id", "developer_id", "status"] {
        manager
            .create_index(index("access_request", &[leading, "created_at", "id"]))
            .await?;
    }
    manager
        .create_index(index("access_request", &["created_at", "id"]))
        .await?;
    manager
        .create_index(index("access_request", &["updated_at", "id"]))
        .await?;
    manager
        .create_table(
            Table::create()
                .table("access_request_hold")
                .col(bytewise(manager, "email_normalised"))
                .col(uuid("version_id"))
                .col(big_integer("held_at"))
                .primary_key(Index::create().col("email_normalised").col("version_id"))
                .foreign_key(&mut cascades("access_request_hold", "version_id", "version"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(index("access_request_hold", &["version_id"]))
        .await
}

async fn credentials(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("credential")
                .col(pk_uuid("id"))
                .col(uuid("app_id"))
                .col(uuid("auth_strategy_id"))
                .col(text("kind"))
                .col(text("name"))
                .col(binary_null("key_hash"))
                .col(text("hint"))
                .col(text_null("client_id"))
                .col(big_integer("created_at"))
                .col(big_integer_null("expires_at"))
                .col(big_integer_null("revoked_at"))
                .col(uuid_null("replaced_by"))
                .col(big_integer_null("last_used_at"))
                .foreign_key(&mut cascades("credential", "app_id", "app"))
                .foreign_key(&mut restricts("credential", "auth_strategy_id", "auth_strategy"))
                .to_owned(),
        )
        .await?;
    manager.create_index(unique("credential", &["key_hash"])).await?;
    manager
        .create_index(index("credential", &["app_id", "created_at", "id"]))
        .await?;
    manager.create_index(index("credential", &["auth_strategy_id"])).await
}
