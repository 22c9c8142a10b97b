//! The first admin: made on the first start of a database that has none.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use rand::distr::{Alphanumeric, SampleString as _};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    service::{self, AdminAccounts, AdminRecord, NewAdmin},
    store,
};
use crate::{context::CallContext, error::ServiceError, portal::store as portal_store};

/// Who made the account, as audit events name it.
const SYSTEM: &str = "system";
const DEFAULT_EMAIL: &str = "admin@localhost";
const DEFAULT_NAME: &str = "Admin";
/// About 190 bits: nobody types it twice.
const PASSWORD_CHARACTERS: usize = 32;
/// The file in the data directory that the password is written to.
pub const PASSWORD_FILE: &str = "initial-admin-password";

/// What the configuration says of the first admin.
#[derive(Clone, Debug, Default)]
pub struct FirstAdmin {
    /// The e-mail address; `admin@localhost` when there is none.
    pub email: Option<String>,
    /// The password; a random one, written to a file, when there is none.
    pub password: Option<SecretString>,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeFirstAdmin {
    /// The admin.
    pub admin: AdminRecord,
    /// Where the password was written; `None` when it came from the configuration.
    pub password_file: Option<PathBuf>,
}

/// Why the first admin could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FirstAdminError {
    /// The password could not be written where its owner would find it.
    #[error("cannot write the first admin's password to {path}: {source}", path = path.display())]
    Io {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The configured e-mail address or password was refused, or the database failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Makes the first admin unless there is one. Of several servers that start at once on one database, one makes it:
/// the portal's row is the lock.
///
/// # Errors
/// When the configured values are refused, the password file cannot be written, or the database fails. Nothing was
/// made then.
pub async fn ensure_first_admin(
    accounts: &AdminAccounts,
    configured: FirstAdmin,
    data_directory: &Path,
) -> Result<Option<MadeFirstAdmin>, FirstAdminError> {
    let has_admin = store::exists(accounts.database.read()).await;
    if has_admin.map_err(ServiceError::from)? {
        return Ok(None);
    }
    let call = CallContext::internal();
    let (password, generated) = match configured.password {
        Some(password) => (password, false),
        None => (random_password(), true),
    };
    let new = NewAdmin {
        email: configured.email.unwrap_or_else(|| DEFAULT_EMAIL.to_owned()),
        full_name: DEFAULT_NAME.to_owned(),
        password: password.clone(),
    };
    let (admin, hash) = accounts.prepare(&call, new).await?;
    let transaction = accounts.write().await?;
    portal_store::lock(&*transaction).await.map_err(ServiceError::from)?;
    if store::exists(&*transaction).await.map_err(ServiceError::from)? {
        return Ok(None);
    }
    let transaction = service::insert(transaction, &call, SYSTEM, &admin, &hash).await?;
    // Before the commit: an account whose password nobody knows would be in the way of the next start.
    let password_file = if generated {
        let path = data_directory.join(PASSWORD_FILE);
        write_password(data_directory, &path, &password).map_err(|source| FirstAdminError::Io {
            path: path.clone(),
            source,
        })?;
        Some(path)
    } else {
        None
    };
    transaction.commit().await?;
    Ok(Some(MadeFirstAdmin { admin, password_file }))
}

/// A password that nobody has to remember.
pub(crate) fn random_password() -> SecretString {
    SecretString::from(Alphanumeric.sample_string(&mut rand::rng(), PASSWORD_CHARACTERS))
}

/// Writes the password for its owner's eyes, in place of one that a start which failed later may have left.
fn write_password(directory: &Path, path: &Path, password: &SecretString) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    // tempfile makes it with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    writeln!(file, "{}", password.expose_secret())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
#[path = "first_admin_tests.rs"]
mod tests;
