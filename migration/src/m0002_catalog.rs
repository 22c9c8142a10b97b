//! Products, their labels and documents; strategies; versions, their specifications and routes.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{bytewise, cascades, index, restricts, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        products(manager).await?;
        manager
            .create_table(
                Table::create()
                    .table("auth_strategy")
                    .col(pk_uuid("id"))
                    .col(text("kind"))
                    .col(bytewise(manager, "name"))
                    .col(boolean("built_in"))
                    .col(text("key_names"))
                    .col(integer_null("credential_ttl_days"))
                    .col(big_integer("created_at"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("auth_strategy", &["name"])).await?;
        manager
            .create_index(index("auth_strategy", &["created_at", "id"]))
            .await?;
        versions(manager).await
    }
}

async fn products(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("product")
                .col(pk_uuid("id"))
                .col(bytewise(manager, "slug"))
                .col(text("name"))
                .col(bytewise(manager, "name_folded"))
                .col(text_null("description"))
                .col(big_integer_null("published_at"))
                .col(big_integer("created_at"))
                .col(big_integer("updated_at"))
                .to_owned(),
        )
        .await?;
    manager.create_index(unique("product", &["slug"])).await?;
    manager.create_index(index("product", &["name_folded", "id"])).await?;
    manager.create_index(index("product", &["created_at", "id"])).await?;
    manager.create_index(index("product", &["published_at", "id"])).await?;
    manager
        .create_table(
            Table::create()
                .table("product_label")
                .col(uuid("product_id"))
                .col(bytewise(manager, "key"))
                .col(bytewise(manager, "value"))
                .primary_key(Index::create().col("product_id").col("key"))
                .foreign_key(&mut cascades("product_label", "product_id", "product"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(index("product_label", &["key", "value", "product_id"]))
        .await?;
    manager
        .create_table(
            Table::create()
                .table("product_document")
                .col(uuid("product_id"))
                .col(bytewise(manager, "slug"))
                .col(integer("position"))
                .col(text("title"))
                .col(text("body"))
                .primary_key(Index::create().col("product_id").col("slug"))
                .foreign_key(&mut cascades("product_document", "product_id", "product"))
                .to_owned(),
        )
        .await
}

async fn versions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("version")
                .col(pk_uuid("id"))
                .col(uuid("product_id"))
                .col(bytewise(manager, "name"))
                .col(text("lifecycle"))
                .col(text_null("upstream_url"))
                .col(boolean("registration_enabled"))
                .col(boolean("auto_approve"))
                .col(uuid_null("auth_strategy_id"))
                .col(big_integer("created_at"))
                .col(big_integer("updated_at"))
                .foreign_key(&mut cascades("version", "product_id", "product"))
                .foreign_key(&mut restricts("version", "auth_strategy_id", "auth_strategy"))
                .to_owned(),
        )
        .await?;
    manager.create_index(unique("version", &["product_id", "name"])).await?;
    manager
        .create_index(index("version", &["product_id", "created_at", "id"]))
        .await?;
    manager
        .create_index(index("version", &["auth_strategy_id", "created_at", "id"]))
        .await?;
    manager
        .create_table(
            Table::create()
                .table("version_specification")
                .col(pk_uuid("version_id"))
                .col(text("document"))
                .foreign_key(&mut cascades("version_specification", "version_id", "version"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("route")
                .col(uuid("version_id"))
                .col(integer("position"))
                .col(text("hosts"))
                .col(text("paths"))
                .col(text("methods"))
                .col(boolean("strip_path"))
                .primary_key(Index::create().col("version_id").col("position"))
                .foreign_key(&mut cascades("route", "version_id", "version"))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("route_path")
                .col(bytewise(manager, "path"))
                .col(uuid("version_id"))
                .primary_key(Index::create().col("path").col("version_id"))
                .foreign_key(&mut cascades("route_path", "version_id", "version"))
                .to_owned(),
        )
        .await?;
    manager.create_index(index("route_path", &["version_id"])).await
}
