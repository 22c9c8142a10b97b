//! Passwords: argon2id (RFC 9106), off the async threads, behind a line of bounded length.
//!
//! One hash takes 19 MiB and some 20 ms of a core. Without a bound, a burst of sign-ins would take the memory and the
//! threads that everyone else needs; so as many run as there are cores, some more wait, and the rest are turned away.
//! Admins have a line of their own, which no developer can fill.

use std::{fmt, num::NonZeroUsize, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use domain::password::normalised;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::realm::Realm;

/// Memory in KiB: OWASP's recommendation (Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1).
const MEMORY_KIB: u32 = 19 * 1024;
const ITERATIONS: u32 = 2;
const LANES: u32 = 1;

/// How many may wait for each one that runs: about a second's worth of work.
const WAITING_PER_CORE: usize = 48;

/// What is stored in a password's place: a PHC string, with its own salt and parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct HashedPassword(String);

impl HashedPassword {
    /// A PHC string read back from where it was stored.
    #[must_use]
    pub fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HashedPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HashedPassword([redacted])")
    }
}

/// What came of comparing a password with a stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password, or there is none to compare with.
    Wrong,
    /// It is the password.
    Right {
        /// The stored hash was made with weaker parameters than today's: hash the password again and store that.
        needs_rehash: bool,
    },
}

/// Why a password was neither hashed nor compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait already. Trying again in a few seconds may work.
    #[error("too many sign-ins at once")]
    Overloaded,
    /// What is stored is no argon2 hash in PHC form.
    #[error("a stored password hash is damaged")]
    Corrupt,
    /// The hash function failed, for want of memory or of random numbers.
    #[error("a password could not be hashed")]
    Failed,
}

/// Hashes and compares passwords. Cheap to clone; all clones share the lines. A new one stands in the portal realm's.
#[derive(Clone)]
pub struct PasswordHasher {
    argon2: Argon2<'static>,
    /// What the password of an account that does not exist is compared with.
    nobody: Arc<PasswordHash>,
    line: Line,
    portal: Line,
    admin: Line,
}

#[derive(Clone)]
struct Line {
    /// Room for those that run and those that wait.
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Line {
    fn new(running: NonZeroUsize, waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(running.get() + waiting)),
            running: Arc::new(Semaphore::new(running.get())),
        }
    }
}

impl PasswordHasher {
    /// A hasher that runs as many at once as there are cores. Takes the time of one hash: call it at start.
    ///
    /// # Errors
    /// When the hash function fails.
    pub fn new() -> Result<Self, PasswordError> {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self::with_limits(cores, cores.get() * WAITING_PER_CORE)
    }

    /// A hasher that runs `running` at once and lets `waiting` more wait; besides, one of the admin realm's.
    ///
    /// # Errors
    /// When the hash function fails.
    pub fn with_limits(running: NonZeroUsize, waiting: usize) -> Result<Self, PasswordError> {
        let params = Params::new(MEMORY_KIB, ITERATIONS, LANES, None).map_err(|_| PasswordError::Failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut unknown = [0_u8; 32];
        rand::rng().fill_bytes(&mut unknown);
        let nobody = argon2.hash_password(&unknown).map_err(|_| PasswordError::Failed)?;
        let portal = Line::new(running, waiting);
        Ok(Self {
            argon2,
            nobody: Arc::new(nobody),
            line: portal.clone(),
            portal,
            admin: Line::new(NonZeroUsize::MIN, WAITING_PER_CORE),
        })
    }

    /// The same hasher in the line of this realm's accounts.
    #[must_use]
    pub fn in_line_of(&self, realm: Realm) -> Self {
        let line = match realm {
            Realm::Portal => &self.portal,
            Realm::Admin => &self.admin,
        };
        Self {
            line: line.clone(),
            ..self.clone()
        }
    }

    /// Hashes a new password with a fresh salt.
    ///
    /// # Errors
    /// [`PasswordError::Overloaded`] at once when the line is full; [`PasswordError::Failed`].
    pub async fn hash(&self, password: SecretString) -> Result<HashedPassword, PasswordError> {
        let argon2 = self.argon2.clone();
        self.run(move || {
            let hash = argon2
                .hash_password(normalised(password.expose_secret()).expose_secret().as_bytes())
                .map_err(|_| PasswordError::Failed)?;
            Ok(HashedPassword(hash.to_string()))
        })
        .await
    }

    /// Compares a password with the stored one. `None` stands for an account that does not exist: it costs the same
    /// and is always wrong, so that the time of an answer does not tell who has an account.
    ///
    /// # Errors
    /// [`PasswordError::Overloaded`] at once when the line is full; [`PasswordError::Corrupt`];
    /// [`PasswordError::Failed`].
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<&HashedPassword>,
    ) -> Result<Verdict, PasswordError> {
        let known = match stored {
            Some(stored) => Some(PasswordHash::new(&stored.0).map_err(|_| PasswordError::Corrupt)?),
            None => None,
        };
        let (argon2, nobody) = (self.argon2.clone(), Arc::clone(&self.nobody));
        self.run(move || {
            let expected = known.as_ref().unwrap_or(&nobody);
            let compared = argon2.verify_password(
                normalised(password.expose_secret()).expose_secret().as_bytes(),
                expected,
            );
            match (compared, &known) {
                (Ok(()), Some(hash)) => Ok(Verdict::Right {
                    needs_rehash: is_weaker(hash)?,
                }),
                (Ok(()), None) | (Err(HashError::PasswordInvalid), _) => Ok(Verdict::Wrong),
                (Err(HashError::OutOfMemory | HashError::Internal | HashError::Crypto), _) => {
                    Err(PasswordError::Failed)
                }
                (Err(_), _) => Err(PasswordError::Corrupt),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.line.places)
            .try_acquire_owned()
            .map_err(|_| PasswordError::Overloaded)?;
        let running = Arc::clone(&self.line.running)
            .acquire_owned()
            .await
            .map_err(|_| PasswordError::Failed)?;
        // The permits go with the work: it goes on, and takes its memory, when the caller no longer waits.
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop((running, place));
            result
        })
        .await
        .map_err(|_| PasswordError::Failed)?
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PasswordHasher")
            .field("places_free", &self.line.places.available_permits())
            .field("running_free", &self.line.running.available_permits())
            .finish_non_exhaustive()
    }
}

fn is_weaker(hash: &PasswordHash) -> Result<bool, PasswordError> {
    let params = Params::try_from(hash).map_err(|_| PasswordError::Corrupt)?;
    Ok(hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
        || hash.version != Some(Version::V0x13.into())
        || params.m_cost() < MEMORY_KIB
        || params.t_cost() < ITERATIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> PasswordHasher {
        PasswordHasher::with_limits(NonZeroUsize::MIN, 8).unwrap()
    }

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[tokio::test]
    async fn a_password_is_told_from_another() {
        let hasher = hasher();
        let stored = hasher.hash(secret("correct horse battery staple")).await.unwrap();
        for (password, expected) in [
            ("correct horse battery staple", Verdict::Right { needs_rehash: false }),
            ("correct horse battery stapl", Verdict::Wrong),
            ("Correct horse battery staple", Verdict::Wrong),
            ("correct horse battery staple ", Verdict::Wrong),
            ("", Verdict::Wrong),
        ] {
            assert_eq!(hasher.verify(secret(password), Some(&stored)).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn hashes_are_argon2id_at_owasps_floor_each_with_its_salt() {
        let hasher = hasher();
        let one = hasher.hash(secret("the same")).await.unwrap();
        let other = hasher.hash(secret("the same")).await.unwrap();
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(one, other);
        assert_eq!(format!("{one:?}"), "HashedPassword([redacted])");
    }

    #[tokio::test]
    async fn composed_and_decomposed_letters_are_the_same_password() {
        let hasher = hasher();
        let stored = hasher.hash(secret("caf\u{e9} au lait")).await.unwrap();
        assert_eq!(
            hasher
                .verify(secret("cafe\u{301} au lait"), Some(&stored))
                .await
                .unwrap(),
            Verdict::Right { needs_rehash: false }
        );
    }

    #[tokio::test]
    async fn nobodys_password_is_wrong_at_the_price_of_a_real_one() {
        let hasher = hasher();
        assert_eq!(hasher.verify(secret("anything"), None).await.unwrap(), Verdict::Wrong);
        // The same code compares with it: a hash of today's parameters, not a shortcut.
        assert!(hasher.nobody.to_string().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!is_weaker(&hasher.nobody).unwrap());
        // Nor does it pass by the line.
        let full = PasswordHasher::with_limits(NonZeroUsize::MIN, 0).unwrap();
        let _place = Arc::clone(&full.line.places).try_acquire_owned().unwrap();
        assert_eq!(
            full.verify(secret("anything"), None).await.unwrap_err(),
            PasswordError::Overloaded
        );
    }

    #[tokio::test]
    async fn weaker_hashes_still_count_and_ask_to_be_made_again() {
        let hasher = hasher();
        let with = |algorithm, version, memory, iterations| {
            let params = Params::new(memory, iterations, 1, None).unwrap();
            let hash = Argon2::new(algorithm, version, params).hash_password(b"old").unwrap();
            HashedPassword::from_stored(hash.to_string())
        };
        for (stored, needs_rehash) in [
            (with(Algorithm::Argon2id, Version::V0x13, MEMORY_KIB, 1), true),
            (with(Algorithm::Argon2id, Version::V0x13, 8 * 1024, 2), true),
            (with(Algorithm::Argon2i, Version::V0x13, MEMORY_KIB, 2), true),
            (with(Algorithm::Argon2id, Version::V0x10, MEMORY_KIB, 2), true),
            (with(Algorithm::Argon2id, Version::V0x13, MEMORY_KIB + 1024, 3), false),
        ] {
            assert_eq!(
                hasher.verify(secret("old"), Some(&stored)).await.unwrap(),
                Verdict::Right { needs_rehash },
                "{}",
                stored.as_str()
            );
            assert_eq!(
                hasher.verify(secret("new"), Some(&stored)).await.unwrap(),
                Verdict::Wrong
            );
        }
    }

    #[tokio::test]
    async fn damaged_hashes_are_told_from_wrong_passwords() {
        let hasher = hasher();
        for damaged in [
            "",
            "hunter2",
            "$argon2id$",
            "$argon2id$v=19$m=19456,t=2,p=1$x",
            "$scrypt$ln=1,r=8,p=1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=1,t=0,p=0$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(
                hasher
                    .verify(secret("x"), Some(&HashedPassword::from_stored(damaged.into())))
                    .await
                    .unwrap_err(),
                PasswordError::Corrupt,
                "{damaged}"
            );
        }
    }

    #[tokio::test]
    async fn a_full_line_turns_away_at_once_and_empties_again() {
        let hasher = PasswordHasher::with_limits(NonZeroUsize::MIN, 1).unwrap();
        let busy = Arc::clone(&hasher.line.running).try_acquire_owned().unwrap();
        let holding = Arc::clone(&hasher.line.places).try_acquire_owned().unwrap();
        // One runs (the permits above), one waits, the next is turned away.
        let mut waiting = std::pin::pin!(hasher.hash(secret("waits")));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        assert_eq!(
            hasher.hash(secret("too many")).await.unwrap_err(),
            PasswordError::Overloaded
        );
        drop((busy, holding));
        waiting.await.unwrap();
        assert_eq!(hasher.line.places.available_permits(), 2);
        hasher.hash(secret("next")).await.unwrap();
    }

    #[tokio::test]
    async fn a_full_line_of_developers_leaves_the_admins_theirs() {
        let developers = PasswordHasher::with_limits(NonZeroUsize::MIN, 0).unwrap();
        let _busy = Arc::clone(&developers.line.running).try_acquire_owned().unwrap();
        let _place = Arc::clone(&developers.line.places).try_acquire_owned().unwrap();
        assert_eq!(
            developers.hash(secret("too many")).await.unwrap_err(),
            PasswordError::Overloaded
        );
        let admins = developers.in_line_of(Realm::Admin);
        let stored = admins.hash(secret("goes on")).await.unwrap();
        assert_eq!(
            admins.verify(secret("goes on"), Some(&stored)).await.unwrap(),
            Verdict::Right { needs_rehash: false }
        );
        // Going back and forth makes no new places.
        let again = admins.in_line_of(Realm::Portal);
        assert_eq!(again.hash(secret("x")).await.unwrap_err(), PasswordError::Overloaded);
    }

    #[tokio::test]
    async fn who_leaves_the_line_makes_room() {
        let hasher = PasswordHasher::with_limits(NonZeroUsize::MIN, 0).unwrap();
        let busy = Arc::clone(&hasher.line.running).try_acquire_owned().unwrap();
        {
            let mut waiting = std::pin::pin!(hasher.hash(secret("gives up")));
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
            assert_eq!(hasher.line.places.available_permits(), 0);
        }
        assert_eq!(hasher.line.places.available_permits(), 1);
        drop(busy);
        hasher.hash(secret("next")).await.unwrap();
    }
}
