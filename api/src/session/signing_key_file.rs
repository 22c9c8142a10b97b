//! Signing keys in the data directory: made on the first start, read on every other.
//!
//! ```text
//!   <data directory>/signing-keys/   0700
//!     portal.pem  admin.pem          0600, one or more PKCS#8 PEM blocks: the first signs, all verify
//! ```

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use super::{
    realm::Realm,
    signing_key::{SigningKeyError, SigningKeys, generate_pem},
};

/// The directory inside the data directory that the key files are in.
pub const DIRECTORY: &str = "signing-keys";

/// A key file is a few hundred bytes; what is longer than this is something else.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Why the key files cannot be used. Holds no part of any key.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyFileError {
    /// A file or directory could not be read or written.
    #[error("cannot use {path}: {source}", path = path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may read or write it, so it may be known to them or be theirs.
    #[error(
        "{path} is open to other users (mode {mode:03o}): make sure that nobody has read or changed it, then run: chmod {wanted:03o} {path}",
        path = path.display()
    )]
    OpenToOthers {
        /// Which file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        wanted: u32,
    },
    /// The files hold no usable keys.
    #[error("the keys in {directory} cannot be used: {source}", directory = directory.display())]
    Key {
        /// Where they are.
        directory: PathBuf,
        /// What is wrong.
        source: SigningKeyError,
    },
}

/// Reads the keys of both realms from the data directory, and makes those that are missing. Two processes that start
/// at once end with the same keys. Does blocking input and output: call it at start.
///
/// # Errors
/// When a file cannot be read or written, is open to other users, or holds no usable key.
pub fn load_or_create(data_directory: &Path) -> Result<SigningKeys, SigningKeyFileError> {
    let directory = data_directory.join(DIRECTORY);
    create_directory(&directory)?;
    let portal = load_or_create_file(&directory, Realm::Portal)?;
    let admin = load_or_create_file(&directory, Realm::Admin)?;
    SigningKeys::from_pem(&portal, &admin).map_err(|source| SigningKeyFileError::Key { directory, source })
}

fn create_directory(directory: &Path) -> Result<(), SigningKeyFileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(at(directory))?;
    let metadata = fs::metadata(directory).map_err(at(directory))?;
    check_mode(directory, &metadata, 0o700)
}

fn load_or_create_file(directory: &Path, realm: Realm) -> Result<SecretString, SigningKeyFileError> {
    let path = directory.join(format!("{}.pem", realm.as_str()));
    match read(&path) {
        Err(SigningKeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(directory, &path)?;
            read(&path)
        }
        found => found,
    }
}

fn read(path: &Path) -> Result<SecretString, SigningKeyFileError> {
    let file = File::open(path).map_err(at(path))?;
    // Asked of the open file, not of the path, which could mean another file by now.
    let metadata = file.metadata().map_err(at(path))?;
    check_mode(path, &metadata, 0o600)?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(at(path))?;
    Ok(SecretString::from(text))
}

/// Writes a new key aside, and gives it its name only when all of it is on the disk. A file that has the name by then
/// is another process's, and stays.
fn create(directory: &Path, path: &Path) -> Result<(), SigningKeyFileError> {
    let pem = generate_pem().map_err(|source| SigningKeyFileError::Key {
        directory: directory.to_owned(),
        source,
    })?;
    // tempfile makes it with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(at(directory))?;
    file.write_all(pem.expose_secret().as_bytes()).map_err(at(path))?;
    file.as_file().sync_all().map_err(at(path))?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(refused) => return Err(at(path)(refused.error)),
    }
    #[cfg(unix)]
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(at(directory))?;
    Ok(())
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &fs::Metadata, wanted: u32) -> Result<(), SigningKeyFileError> {
    use std::os::unix::fs::PermissionsExt;

    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(SigningKeyFileError::OpenToOthers {
        path: path.to_owned(),
        mode,
        wanted,
    })
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &fs::Metadata, _: u32) -> Result<(), SigningKeyFileError> {
    Ok(())
}

fn at(path: &Path) -> impl Fn(io::Error) -> SigningKeyFileError {
    let path = path.to_owned();
    move |source| SigningKeyFileError::Io {
        path: path.clone(),
        source,
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn kids(keys: &SigningKeys) -> Vec<String> {
        [Realm::Portal, Realm::Admin]
            .into_iter()
            .flat_map(|realm| keys.of(realm).verification_keys())
            .map(|key| key.kid().to_owned())
            .collect()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_first_start_makes_keys_that_the_next_one_reads() {
        let data = tempfile::tempdir().unwrap();
        let first = load_or_create(data.path()).unwrap();
        let second = load_or_create(data.path()).unwrap();
        assert_eq!(kids(&first), kids(&second));
        let directory = data.path().join(DIRECTORY);
        assert_eq!(mode(&directory), 0o700);
        let mut names = Vec::new();
        for entry in fs::read_dir(&directory).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(mode(&entry.path()), 0o600);
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        assert_eq!(names, ["admin.pem", "portal.pem"]);
    }

    #[test]
    fn processes_that_start_at_once_end_with_the_same_keys() {
        let data = tempfile::tempdir().unwrap();
        let mut found: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| kids(&load_or_create(data.path()).unwrap())))
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        found.dedup();
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn what_others_may_read_is_refused_with_the_command_that_mends_it() {
        let data = tempfile::tempdir().unwrap();
        load_or_create(data.path()).unwrap();
        let directory = data.path().join(DIRECTORY);
        for (path, bad, good) in [
            (directory.join("portal.pem"), 0o640, 0o600),
            (directory.join("admin.pem"), 0o604, 0o600),
            (directory.join("admin.pem"), 0o620, 0o600),
            (directory.clone(), 0o755, 0o700),
        ] {
            set_mode(&path, bad);
            let error = load_or_create(data.path()).unwrap_err();
            assert!(matches!(error, SigningKeyFileError::OpenToOthers { .. }), "{error}");
            assert!(
                error
                    .to_string()
                    .ends_with(&format!("chmod {good:03o} {}", path.display())),
                "{error}"
            );
            set_mode(&path, good);
        }
        load_or_create(data.path()).unwrap();
    }

    #[test]
    fn a_damaged_file_is_an_error_and_never_replaced() {
        let data = tempfile::tempdir().unwrap();
        load_or_create(data.path()).unwrap();
        let path = data.path().join(DIRECTORY).join("portal.pem");
        for content in ["", "-----BEGIN PRIVATE KEY-----\n"] {
            fs::write(&path, content).unwrap();
            let error = load_or_create(data.path()).unwrap_err();
            assert!(matches!(error, SigningKeyFileError::Key { .. }), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_second_key_in_a_file_verifies_too() {
        let data = tempfile::tempdir().unwrap();
        let before = kids(&load_or_create(data.path()).unwrap());
        let path = data.path().join(DIRECTORY).join("portal.pem");
        let old = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{}{old}", generate_pem().unwrap().expose_secret())).unwrap();
        let keys = load_or_create(data.path()).unwrap();
        let table = keys.of(Realm::Portal);
        assert_eq!(table.verification_keys().len(), 2);
        assert_eq!(table.verification_keys()[1].kid(), before[0]);
        assert_ne!(table.verification_keys()[0].kid(), before[0]);
    }
}
