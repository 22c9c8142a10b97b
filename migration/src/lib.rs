//! Steps that bring the database to its present shape, the same on SQLite and PostgreSQL.
//!
//! One file a step, applied in order, each once; a step that has shipped is never edited. Instants are `bigint`
//! milliseconds, ids `uuid`, states their upper-case names. A step must suit the previous binary for one release.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

mod m0001_accounts;
mod m0002_catalog;
mod m0003_registration;
mod m0004_records;
mod m0005_change_position;
mod m0006_list_indexes;
mod m0007_reference_id_claims;
mod m0008_fleet;

/// All steps, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(m0002_catalog::Migration),
            Box::new(m0003_registration::Migration),
            Box::new(m0004_records::Migration),
            Box::new(m0005_change_position::Migration),
            Box::new(m0006_list_indexes::Migration),
            Box::new(m0007_reference_id_claims::Migration),
            Box::new(m0008_fleet::Migration),
        ]
    }
}

/// A text column that is compared and ordered byte by byte on every database: SQLite's default, `COLLATE "C"` in
/// PostgreSQL. Lists are paged through by these columns, so both databases must agree on their order.
fn bytewise(manager: &SchemaManager<'_>, column: &'static str) -> ColumnDef {
    let mut definition = ColumnDef::new(column);
    definition.text().not_null();
    if manager.get_database_backend() == DbBackend::Postgres {
        definition.extra("COLLATE \"C\"");
    }
    definition
}

/// A foreign key on `column` that deletes the row along with the row it points to.
fn cascades(table: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, column)
        .to(to, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

/// A foreign key on `column` that stands in the way of deleting the row it points to.
fn restricts(table: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, column)
        .to(to, "id")
        .on_delete(ForeignKeyAction::Restrict)
        .to_owned()
}

/// An index named after its table and columns.
fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut statement = Index::create();
    statement
        .name(format!("{table}_{}_index", columns.join("_")))
        .table(table);
    for column in columns {
        statement.col(*column);
    }
    statement
}

/// A unique index named after its table and columns.
fn unique(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut statement = Index::create();
    statement
        .name(format!("{table}_{}_unique", columns.join("_")))
        .table(table)
        .unique();
    for column in columns {
        statement.col(*column);
    }
    statement
}
