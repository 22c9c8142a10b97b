//! Backups of SQLite: a consistent copy, on demand and before every migration.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use domain::Timestamp;
use sea_orm::DbBackend;

use super::Database;
use crate::error::StoreError;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is PostgreSQL, whose copies its own program makes.
    #[error("only a SQLite database is copied this way")]
    NotSqlite,
    /// The database's URL cannot be read.
    #[error("DATABASE_URL is no URL such as postgres://USER:PASSWORD@HOST/NAME")]
    BadUrl,
    /// PostgreSQL's own program is not there.
    #[error(
        "pg_dump is not in PATH: install PostgreSQL's client programs, of the server's version or newer (Debian: \
         `apt-get install postgresql-client`)"
    )]
    NoPgDump,
    /// It failed.
    #[error("pg_dump failed: {0}")]
    PgDump(String),
    /// A file would be overwritten.
    #[error("{path} exists already; name another file", path = .0.display())]
    Exists(PathBuf),
    /// The file cannot be made.
    #[error("cannot write {path}: {source}", path = path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database or the disk failed.
    #[error("the copy could not be written: {0}")]
    Store(#[from] StoreError),
}

/// Writes a consistent copy of the database to `file`, readable by its owner alone, also while a server writes.
///
/// # Errors
/// [`BackupError`]; a file that exists is never overwritten, and what could not be finished is deleted.
pub async fn to_file(database: &Database, file: &Path) -> Result<(), BackupError> {
    if database.backend() != DbBackend::Sqlite {
        return Err(BackupError::NotSqlite);
    }
    drop(create_private(file)?);
    let copied = database.copy_into(file).await;
    if copied.is_err() {
        let _ = fs::remove_file(file);
    }
    Ok(copied?)
}

/// Makes the empty file that the copy goes into, readable by its owner alone: SQLite and `pg_dump` would let everyone
/// read it, and it holds e-mails and hashes (<https://sqlite.org/lang_vacuum.html#vacuuminto>: the file must not exist
/// or be empty).
pub(super) fn create_private(file: &Path) -> Result<fs::File, BackupError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(made) => Ok(made),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(BackupError::Exists(file.to_owned())),
        Err(source) => Err(BackupError::Io {
            path: file.to_owned(),
            source,
        }),
    }
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

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    async fn migrated(directory: &Path) -> Database {
        let database = Database::connect(&Database::sqlite_url(directory)).await.unwrap();
        database.migrate().await.unwrap();
        database
    }

    #[tokio::test]
    async fn a_sqlite_copy_is_a_whole_database_for_its_owner_alone() {
        let (from, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let database = migrated(from.path()).await;
        let file = to.path().join("portico.db");
        to_file(&database, &file).await.unwrap();

        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let copy = Database::connect(&Database::sqlite_url(to.path())).await.unwrap();
        assert!(!copy.needs_migration().await.unwrap());
    }

    #[tokio::test]
    async fn nothing_is_overwritten_by_a_sqlite_copy() {
        let directory = TempDir::new().unwrap();
        let database = migrated(directory.path()).await;
        let file = directory.path().join("precious");
        fs::write(&file, "kept").unwrap();
        let refused = to_file(&database, &file).await.unwrap_err();
        assert!(matches!(refused, BackupError::Exists(path) if path == file));
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");

        let nowhere = directory.path().join("missing").join("backup.db");
        let refused = to_file(&database, &nowhere).await.unwrap_err();
        assert!(matches!(refused, BackupError::Io { path, .. } if path == nowhere));
    }
}
