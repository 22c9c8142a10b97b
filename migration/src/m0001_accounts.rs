//! The portal, the accounts of both realms, their sessions, and the e-mails that wait for a person.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{bytewise, cascades, index, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("portal")
                    .col(pk_uuid("id"))
                    .col(text("name"))
                    .col(boolean("is_public"))
                    .col(boolean("auto_approve_developers"))
                    .col(boolean("auto_approve_access_requests"))
                    .col(big_integer("created_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("admin")
                    .col(pk_uuid("id"))
                    .col(text("email"))
                    .col(bytewise(manager, "email_normalised"))
                    .col(text("full_name"))
                    .col(text("password_hash"))
                    .col(big_integer("created_at"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("admin", &["email_normalised"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("developer")
                    .col(pk_uuid("id"))
                    .col(text("email"))
                    .col(bytewise(manager, "email_normalised"))
                    .col(text("full_name"))
                    .col(text("password_hash"))
                    .col(text("status"))
                    .col(uuid_null("decided_by"))
                    .col(boolean("decision_automatic"))
                    .col(big_integer_null("decided_at"))
                    .col(text_null("decision_reason"))
                    .col(big_integer("created_at"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("developer", &["email_normalised"])).await?;
        manager.create_index(index("developer", &["created_at", "id"])).await?;
        manager
            .create_index(index("developer", &["status", "created_at", "id"]))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("session")
                    .col(pk_uuid("id"))
                    .col(text("realm"))
                    .col(uuid("account_id"))
                    .col(big_integer("created_at"))
                    .col(big_integer("expires_at"))
                    .col(big_integer_null("ended_at"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("session", &["account_id"])).await?;
        manager.create_index(index("session", &["expires_at"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("refresh_token")
                    .col(binary("hash").primary_key())
                    .col(uuid("session_id"))
                    .col(big_integer("created_at"))
                    .col(big_integer("expires_at"))
                    .col(big_integer_null("used_at"))
                    .foreign_key(&mut cascades("refresh_token", "session_id", "session"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("refresh_token", &["session_id"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("password_reset")
                    .col(binary("hash").primary_key())
                    .col(uuid("developer_id"))
                    .col(big_integer("created_at"))
                    .col(big_integer("expires_at"))
                    .foreign_key(&mut cascades("password_reset", "developer_id", "developer"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("password_reset", &["developer_id"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("sign_up_hold")
                    .col(bytewise(manager, "email_normalised").primary_key())
                    .col(big_integer("held_at"))
                    .to_owned(),
            )
            .await
    }
}
