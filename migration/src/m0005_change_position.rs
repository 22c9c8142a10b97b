//! On PostgreSQL, the change log's place in the order of commits, and the log's identity.
//!
//! SQLite has one writer, so its revisions are in the order of commits; nothing changes there.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The default is evaluated by the database, so that binaries that do not know the column fill it too. A restored
/// backup makes the identity's table and row anew, which their hidden columns show.
const STEPS: &str = "\
ALTER TABLE change_log ADD COLUMN transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX change_log_transaction_id_index ON change_log (transaction_id);
CREATE TABLE change_log_identity (id uuid PRIMARY KEY);
INSERT INTO change_log_identity (id) VALUES (gen_random_uuid());
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared(STEPS).await?;
        }
        Ok(())
    }
}
