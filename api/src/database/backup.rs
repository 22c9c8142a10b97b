//! Backups: a consistent copy of a SQLite database, on demand and before every migration.

use std::path::{Path, PathBuf};

use domain::Timestamp;
use sea_orm::DbBackend;

use super::Database;
use crate::error::StoreError;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is PostgreSQL, which has tools of its own.
    #[error("this command backs up SQLite; use pg_dump for PostgreSQL")]
    NotSqlite,
    /// A file would be overwritten.
    #[error("{path} exists already; name another file", path = .0.display())]
    Exists(PathBuf),
    /// The database or the disk failed.
    #[error("the copy could not be written: {0}")]
    Store(#[from] StoreError),
}

/// Writes a consistent copy of the database to `file`, also while a server writes.
///
/// # Errors
/// [`BackupError`]; a file that exists is never overwritten.
pub async fn to_file(database: &Database, file: &Path) -> Result<(), BackupError> {
    if database.backend() != DbBackend::Sqlite {
        return Err(BackupError::NotSqlite);
    }
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    Ok(database.copy_into(file).await?)
}

/// Copies a SQLite database that is about to be migrated into the data directory. A new database, or one that needs
/// no step, is left alone; PostgreSQL is its operators' to back up.
///
/// # Errors
/// [`BackupError`]; the migration must not run then.
pub async fn before_migration(database: &Database, data_directory: &Path) -> Result<Option<PathBuf>, BackupError> {
    if database.backend() != DbBackend::Sqlite || database.is_new().await? || !database.needs_migration().await? {
        return Ok(None);
    }
    let file = data_directory.join(format!("portico-before-migration-{}.db", Timestamp::now().as_millis()));
    to_file(database, &file).await?;
    tracing::info!(file = %file.display(), "backed up the database before migrating it");
    Ok(Some(file))
}
