//! The data directory: readable by its owner alone, used by one server at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirectoryError {
    /// It cannot be made or written to.
    #[error("cannot use the data directory {path}: {source}; choose another with --data-dir", path = path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another server runs on it.
    #[error("another portico server uses the data directory {path}; stop it, or choose another with --data-dir", path = .0.display())]
    InUse(PathBuf),
}

/// A data directory that this process may use. Dropping it gives it free.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    lock: File,
}

/// Closing the file alone would leave the lock to a child that is being started at that moment: it has the file, too,
/// until it becomes another program.
impl Drop for DataDirectory {
    fn drop(&mut self) {
        // Where that fails, the lock ends with the process.
        let _ = self.lock.unlock();
    }
}

impl DataDirectory {
    /// Makes the directory if it is missing and locks it against a second server. The lock ends with the process,
    /// however that ends.
    ///
    /// # Errors
    /// [`DataDirectoryError`].
    pub fn lock(path: &Path) -> Result<Self, DataDirectoryError> {
        let failed = |source| DataDirectoryError::Io {
            path: path.to_owned(),
            source,
        };
        create_private(path).map_err(failed)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("portico.lock"))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                lock: file,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirectoryError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Makes an empty database file that only its owner may read, unless there is one: SQLite would make it readable by
    /// all, and gives its log files the mode of the database.
    ///
    /// # Errors
    /// [`DataDirectoryError::Io`].
    pub fn prepare_database(&self) -> Result<(), DataDirectoryError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(self.path.join("portico.db")) {
            Ok(_) => Ok(()),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(source) => Err(DataDirectoryError::Io {
                path: self.path.clone(),
                source,
            }),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes a directory that only its owner may look into.
///
/// # Errors
/// When it cannot be made.
pub fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Tells tools and tests where a process listens: `addresses.json` in its directory, replaced as a whole.
///
/// # Errors
/// When the file cannot be written; one that was there stays.
pub fn write_addresses(directory: &Path, addresses: &serde_json::Value) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    io::Write::write_all(&mut file, format!("{addresses}\n").as_bytes())?;
    file.persist(directory.join("addresses.json"))
        .map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        let first = DataDirectory::lock(&path).unwrap();
        assert!(matches!(DataDirectory::lock(&path), Err(DataDirectoryError::InUse(_))));
        drop(first);
        DataDirectory::lock(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look_into_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        let directory = DataDirectory::lock(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        directory.prepare_database().unwrap();
        directory.prepare_database().unwrap();
        let database = fs::metadata(path.join("portico.db")).unwrap();
        assert_eq!(database.permissions().mode() & 0o777, 0o600);
    }
}
