//! Where a session is kept over a restart.

use std::{any::Any, fmt};

use crate::session::SessionTokens;

/// Why a store failed, in its own words.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// What a store's methods answer with: a boxed future, `Send` except in the browser. `Box::pin(async move { … })` makes
/// one.
#[cfg(not(target_arch = "wasm32"))]
pub type StoreFuture<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = Result<T, StoreError>> + Send + 'a>>;
/// What a store's methods answer with: a boxed future. `Box::pin(async move { … })` makes one.
#[cfg(target_arch = "wasm32")]
pub type StoreFuture<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = Result<T, StoreError>> + 'a>>;

/// Where a client keeps its session, so that the next process need not sign in; for
/// [`crate::Builder::token_store`].
///
/// A client loads the session with its first call, saves it whenever it signs in or renews, and clears it when it signs
/// out or the server has ended the session. Keep what you are given as you keep a password: a file of mode 0600, a
/// keychain, a vault.
///
/// A refresh token counts once, so two processes that share a store must not both renew. Implement
/// [`TokenStore::lock`] where that can happen: a client renews under the lock, and takes what another one has saved
/// meanwhile.
///
/// ```
/// use std::sync::Mutex;
/// use portico_sdk::{SessionTokens, StoreFuture, TokenStore};
///
/// #[derive(Default)]
/// struct InMemory(Mutex<Option<SessionTokens>>);
///
/// impl TokenStore for InMemory {
///     fn load(&self) -> StoreFuture<'_, Option<SessionTokens>> {
///         Box::pin(async { Ok(self.0.lock().map_err(|_| "poisoned")?.clone()) })
///     }
///
///     fn save<'a>(&'a self, tokens: &'a SessionTokens) -> StoreFuture<'a, ()> {
///         Box::pin(async {
///             *self.0.lock().map_err(|_| "poisoned")? = Some(tokens.clone());
///             Ok(())
///         })
///     }
///
///     fn clear(&self) -> StoreFuture<'_, ()> {
///         Box::pin(async {
///             *self.0.lock().map_err(|_| "poisoned")? = None;
///             Ok(())
///         })
///     }
/// }
///
/// let portico = portico_sdk::Portico::builder("http://localhost:4000").token_store(InMemory::default()).build()?;
/// # Ok::<(), portico_sdk::BuildError>(())
/// ```
pub trait TokenStore: Send + Sync + 'static {
    /// The session that was saved last; None when there is none.
    fn load(&self) -> StoreFuture<'_, Option<SessionTokens>>;

    /// Keeps the session in the place of what was kept before. It must be there for good when this returns: what it
    /// replaces is worth nothing any more.
    fn save<'a>(&'a self, tokens: &'a SessionTokens) -> StoreFuture<'a, ()>;

    /// Forgets the session.
    fn clear(&self) -> StoreFuture<'_, ()>;

    /// Keeps other processes out until the lock is dropped. Unless implemented, nobody is kept out.
    fn lock(&self) -> StoreFuture<'_, StoreLock> {
        Box::pin(async { Ok(StoreLock::none()) })
    }
}

/// What holds a [`TokenStore`]'s lock: it opens when this is dropped.
pub struct StoreLock(Option<Box<dyn Any + Send>>);

impl StoreLock {
    /// A lock that keeps nobody out.
    pub fn none() -> Self {
        Self(None)
    }

    /// A lock that opens when `guard` is dropped, such as a locked file.
    pub fn holding(guard: impl Any + Send) -> Self {
        Self(Some(Box::new(guard)))
    }
}

impl fmt::Debug for StoreLock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = if self.0.is_some() { "held" } else { "none" };
        formatter.debug_tuple("StoreLock").field(&held).finish()
    }
}

/// The store that a client was built with, if any, its failures as this crate's errors.
#[derive(Clone, Default)]
pub(crate) struct Store(Option<std::sync::Arc<dyn TokenStore>>);

impl Store {
    pub(crate) fn of(store: impl TokenStore) -> Self {
        Self(Some(std::sync::Arc::new(store)))
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) async fn load(&self) -> Result<Option<SessionTokens>, crate::Error> {
        match &self.0 {
            Some(store) => store.load().await.map_err(crate::Error::TokenStore),
            None => Ok(None),
        }
    }

    pub(crate) async fn save(&self, tokens: &SessionTokens) -> Result<(), crate::Error> {
        match &self.0 {
            Some(store) => store.save(tokens).await.map_err(crate::Error::TokenStore),
            None => Ok(()),
        }
    }

    pub(crate) async fn clear(&self) -> Result<(), crate::Error> {
        match &self.0 {
            Some(store) => store.clear().await.map_err(crate::Error::TokenStore),
            None => Ok(()),
        }
    }

    pub(crate) async fn lock(&self) -> Result<StoreLock, crate::Error> {
        match &self.0 {
            Some(store) => store.lock().await.map_err(crate::Error::TokenStore),
            None => Ok(StoreLock::none()),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_there() { "Store(…)" } else { "Store(none)" })
    }
}
