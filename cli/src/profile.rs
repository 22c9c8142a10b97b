//! A profile: which server somebody signed in to, as whom, and the session's tokens. One file of mode 0600 each, in a
//! folder of mode 0700.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;
use portico_sdk::{
    ExposeSecret, SecretString, SessionTokens, StoreError, StoreFuture, StoreLock, Timestamp, TokenStore,
};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Where one profile is kept.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    name: String,
    path: PathBuf,
}

/// What a profile's file holds.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    endpoint: String,
    /// None once the session has ended: the endpoint is still worth keeping.
    tokens: Option<KeptTokens>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptTokens {
    access_token: String,
    access_token_expires_at: Timestamp,
    refresh_token: String,
    refresh_token_expires_at: Timestamp,
}

impl Profile {
    /// The profile of this name in the folder, or in the system's place for configuration.
    ///
    /// # Errors
    /// For a name that is no plain file name, and where the system has no such place.
    pub(crate) fn of(name: &str, folder: Option<&Path>) -> Result<Self, Failure> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(Failure::Usage(
                "a profile's name has letters, digits, `-` and `_` only".to_owned(),
            ));
        }
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => etcetera::choose_base_strategy()
                .map_err(|_| Failure::Usage("there is no home folder: name one with --config-dir".to_owned()))?
                .config_dir()
                .join("porticoctl"),
        };
        Ok(Self {
            name: name.to_owned(),
            path: folder.join(format!("{name}.json")),
        })
    }

    /// What the user calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The server that it signed in to last.
    ///
    /// # Errors
    /// Where its file is there and cannot be read.
    pub(crate) fn endpoint(&self) -> Result<Option<String>, Failure> {
        let kept = self.read().map_err(Failure::file(&self.path))?;
        Ok(kept.map(|kept| kept.endpoint))
    }

    /// Whether it has a session with this server, which may have ended meanwhile.
    ///
    /// # Errors
    /// Where its file is there and cannot be read.
    pub(crate) fn has_session(&self, endpoint: &str) -> Result<bool, Failure> {
        let kept = self.read().map_err(Failure::file(&self.path))?;
        Ok(kept.is_some_and(|kept| kept.endpoint == endpoint && kept.tokens.is_some()))
    }

    /// The profile as the place of a session with this server.
    pub(crate) fn store(&self, endpoint: &str) -> ProfileStore {
        ProfileStore {
            profile: self.clone(),
            endpoint: endpoint.to_owned(),
        }
    }

    fn read(&self) -> io::Result<Option<Kept>> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file as a whole: a reader sees the old one or the new one.
    fn write(&self, kept: &Kept) -> io::Result<()> {
        let folder = self.folder()?;
        let mut file = tempfile::Builder::new().prefix(".profile-").tempfile_in(folder)?;
        // Made with mode 0600 by tempfile.
        serde_json::to_writer(&mut file, kept)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    }

    fn folder(&self) -> io::Result<&Path> {
        let folder = self.path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        Ok(folder)
    }

    /// Waits until no other process renews the session. The lock is a file beside the profile's, which is replaced.
    fn lock(&self) -> io::Result<File> {
        let path = self.folder()?.join(format!("{}.lock", self.name));
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        file.lock()?;
        Ok(file)
    }
}

/// A profile as the SDK's place for a session.
#[derive(Clone, Debug)]
pub(crate) struct ProfileStore {
    profile: Profile,
    endpoint: String,
}

impl ProfileStore {
    /// Reading and writing a small file, and waiting for a lock, off the thread that waits for the server.
    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        Ok(tokio::task::spawn_blocking(move || work(&store)).await??)
    }
}

impl TokenStore for ProfileStore {
    fn load(&self) -> StoreFuture<'_, Option<SessionTokens>> {
        Box::pin(self.off_thread(|store| {
            let kept = store.profile.read()?;
            // A session of another server is none of this one's: its tokens must not be sent there.
            let tokens = kept
                .filter(|kept| kept.endpoint == store.endpoint)
                .and_then(|kept| kept.tokens);
            Ok(tokens.map(|tokens| {
                SessionTokens::new(
                    SecretString::from(tokens.access_token),
                    tokens.access_token_expires_at,
                    SecretString::from(tokens.refresh_token),
                    tokens.refresh_token_expires_at,
                )
            }))
        }))
    }

    fn save<'a>(&'a self, tokens: &'a SessionTokens) -> StoreFuture<'a, ()> {
        let kept = Kept {
            endpoint: self.endpoint.clone(),
            tokens: Some(KeptTokens {
                access_token: tokens.access_token.expose_secret().to_owned(),
                access_token_expires_at: tokens.access_token_expires_at,
                refresh_token: tokens.refresh_token.expose_secret().to_owned(),
                refresh_token_expires_at: tokens.refresh_token_expires_at,
            }),
        };
        Box::pin(self.off_thread(move |store| store.profile.write(&kept)))
    }

    fn clear(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.off_thread(|store| {
            // What was kept for another server is none of this one's to forget.
            if store.profile.read()?.is_none_or(|kept| kept.endpoint != store.endpoint) {
                return Ok(());
            }
            store.profile.write(&Kept {
                endpoint: store.endpoint.clone(),
                tokens: None,
            })
        }))
    }

    fn lock(&self) -> StoreFuture<'_, StoreLock> {
        Box::pin(self.off_thread(|store| store.profile.lock().map(StoreLock::holding)))
    }
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn a_profile_s_name_cannot_leave_the_folder() {
        for name in ["", "..", "a/b", "a\\b", "a.b", "ä"] {
            assert!(Profile::of(name, None).is_err(), "{name}");
        }
        assert!(Profile::of("acme-Prod_1", Some(std::path::Path::new("folder"))).is_ok());
    }
}
