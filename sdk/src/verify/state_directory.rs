//! What outlives a verifier's process.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::PathBuf,
};

use domain::id::GatewayNodeId;

use super::ConnectError;

/// A directory that this process alone uses, until it is dropped or the process ends.
pub(super) struct StateDirectory {
    path: PathBuf,
    node: GatewayNodeId,
    lock: File,
}

/// Closing the file alone would leave the lock to a child process that is being started at that moment: it has the file,
/// too, until it becomes another program.
impl Drop for StateDirectory {
    fn drop(&mut self) {
        // Where that fails, the lock ends with the process.
        let _ = self.lock.unlock();
    }
}

impl StateDirectory {
    pub(super) fn open(path: PathBuf) -> Result<Self, ConnectError> {
        match Self::try_open(&path) {
            Ok((node, lock)) => Ok(Self { path, node, lock }),
            Err(TryLockError::WouldBlock) => Err(ConnectError::StateDirectoryInUse(path)),
            Err(TryLockError::Error(source)) => Err(ConnectError::StateDirectory { path, source }),
        }
    }

    fn try_open(path: &PathBuf) -> Result<(GatewayNodeId, File), TryLockError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(TryLockError::Error)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("verifier.lock"))
            .map_err(TryLockError::Error)?;
        lock.try_lock()?;
        let node = node_id(path).map_err(TryLockError::Error)?;
        Ok((node, lock))
    }

    /// Its identity, the same at every start.
    pub(super) const fn node(&self) -> GatewayNodeId {
        self.node
    }

    /// Where the copy is.
    pub(super) fn copy(&self) -> PathBuf {
        self.path.join("snapshot.copy")
    }
}

/// The id that the directory holds; a new one when it holds none, or what is there is none.
fn node_id(directory: &std::path::Path) -> io::Result<GatewayNodeId> {
    let path = directory.join("gateway-node-id");
    match fs::read_to_string(&path) {
        Ok(text) => {
            if let Ok(id) = text.trim().parse() {
                return Ok(id);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let id = GatewayNodeId::new();
    // A new file takes the name as a whole: the lock keeps others from the partial one.
    let partial = directory.join("gateway-node-id.partial");
    let mut file = File::create(&partial)?;
    file.write_all(format!("{id}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(partial, path)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_stays_and_one_process_has_it_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let first = StateDirectory::open(path.clone()).unwrap();
        let id = first.node();
        assert!(matches!(
            StateDirectory::open(path.clone()),
            Err(ConnectError::StateDirectoryInUse(_))
        ));
        drop(first);
        assert_eq!(StateDirectory::open(path.clone()).unwrap().node(), id);
        fs::write(path.join("gateway-node-id"), "junk").unwrap();
        assert_ne!(StateDirectory::open(path.clone()).unwrap().node(), id);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        }
        fs::write(parent.path().join("file"), "").unwrap();
        let not_one = StateDirectory::open(parent.path().join("file"));
        assert!(matches!(not_one, Err(ConnectError::StateDirectory { .. })));
    }
}
