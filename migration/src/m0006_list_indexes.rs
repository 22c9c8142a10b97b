//! Indexes that lists and housekeeping lacked: products by publication, unpublished ones last both ways, and what has
//! expired.

use sea_orm_migration::prelude::*;

use crate::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("refresh_token", &["expires_at"])).await?;
        manager.create_index(index("password_reset", &["expires_at"])).await?;
        // Read forwards and backwards, each serves one order and its last page.
        for (name, order) in [("ascending", "ASC"), ("descending", "DESC")] {
            let sql = format!(
                "CREATE INDEX product_published_{name}_index \
                 ON product ((published_at IS NULL), published_at {order}, id {order})"
            );
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        // How many there are of what most are: a small index is read faster than the table.
        manager.create_index(index("app", &["status"])).await?;
        manager.create_index(index("developer", &["status"])).await?;
        let published =
            "CREATE INDEX product_published_count_index ON product (published_at) WHERE published_at IS NOT NULL";
        manager.get_connection().execute_unprepared(published).await?;
        Ok(())
    }
}
