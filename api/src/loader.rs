//! Loaders: one per request, so that what one viewer may see is never kept for another.
//!
//! Each concept implements [`async_graphql::dataloader::Loader`] for a key type of its own in its `loader.rs`. The rows
//! that all resolvers of a level ask for are read in one statement: see [`batch`]. Nothing is cached between batches: a
//! mutation's payload shows what the mutation did.

mod batch;

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::{
    Context,
    dataloader::{DataLoader, Loader},
};

pub use self::batch::{AtOnce, Batches};
use crate::{
    context::CallContext, control_plane::ControlPlane, error::ServiceError, graphql::error::to_graphql,
    pagination::Slice,
};

/// What all loaders of a request share: where rows are, and whose eyes they are for.
pub struct Loaders {
    /// The server.
    pub plane: Arc<ControlPlane>,
    /// The caller.
    pub call: CallContext,
}

/// The loaders of one request, as its data holds them.
pub type RequestLoaders = Arc<DataLoader<Loaders>>;

/// A loader's failure, shared by everyone who waited for the batch.
pub type LoadError = Arc<ServiceError>;

/// One page of a batch of them. Each fails by itself: a bad cursor must not spoil the lists that were asked for at the
/// same time.
pub type LoadedPage<T> = Result<Slice<T>, LoadError>;

/// What one statement found for the pages of `parents`: each one's own, or the same failure for all of them.
pub fn each_page<P, R, T>(
    parents: Vec<P>,
    found: Result<HashMap<P, Slice<R>>, ServiceError>,
) -> impl Iterator<Item = (P, LoadedPage<T>)>
where
    P: Eq + Hash,
    T: From<R>,
{
    let (found, failure) = match found {
        Ok(found) => (found, None),
        Err(failure) => (HashMap::new(), Some(LoadError::new(failure))),
    };
    let failed = failure.map(|failure| {
        let parents = parents.into_iter();
        parents.map(move |parent| (parent, Err(LoadError::clone(&failure))))
    });
    let found = found
        .into_iter()
        .map(|(parent, slice)| (parent, Ok(slice.map(T::from))));
    found.chain(failed.into_iter().flatten())
}

/// The loaders of one request, whose batches run in `batches`.
#[must_use]
pub fn for_request(plane: Arc<ControlPlane>, call: CallContext, batches: &Batches) -> RequestLoaders {
    Arc::new(DataLoader::new(Loaders { plane, call }, batches.clone(), AtOnce))
}

/// What resolvers take from a request.
pub trait RequestContext {
    /// The server.
    fn plane(&self) -> &Arc<ControlPlane>;

    /// The caller.
    fn call(&self) -> &CallContext;

    /// Loads the value of `key`, together with others asked for at the same time; `None` when there is none, or none
    /// for this viewer.
    fn load<K>(
        &self,
        key: K,
    ) -> impl Future<Output = async_graphql::Result<Option<<Loaders as Loader<K>>::Value>>> + Send
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Loaders: Loader<K, Error = LoadError>;

    /// Loads what must be there: what the viewer was shown points at it.
    fn expect<K>(&self, key: K) -> impl Future<Output = async_graphql::Result<<Loaders as Loader<K>>::Value>> + Send
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Loaders: Loader<K, Error = LoadError>;

    /// Loads a page of a nested list; an empty one where the viewer may see none.
    fn load_page<K, T>(&self, key: K) -> impl Future<Output = async_graphql::Result<Slice<T>>> + Send
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        T: Clone + Send + Sync + 'static,
        Loaders: Loader<K, Value = LoadedPage<T>, Error = LoadError>;

    /// The loaders, for what outlives the resolver.
    fn loaders(&self) -> RequestLoaders;

    /// A service's answer as a resolver's: failures become GraphQL errors with a code.
    ///
    /// # Errors
    /// The failure.
    fn give<T, E: AsRef<ServiceError>>(&self, result: Result<T, E>) -> async_graphql::Result<T>;
}

impl RequestContext for Context<'_> {
    fn plane(&self) -> &Arc<ControlPlane> {
        self.data_unchecked()
    }

    fn call(&self) -> &CallContext {
        self.data_unchecked()
    }

    async fn load<K>(&self, key: K) -> async_graphql::Result<Option<<Loaders as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Loaders: Loader<K, Error = LoadError>,
    {
        let loaded = self.data_unchecked::<RequestLoaders>().load_one(key).await;
        self.give(loaded)
    }

    async fn expect<K>(&self, key: K) -> async_graphql::Result<<Loaders as Loader<K>>::Value>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Loaders: Loader<K, Error = LoadError>,
    {
        let loaded = self.load(key).await?;
        // A row can go between the two reads: deleted, or no longer the viewer's to see.
        self.give(loaded.ok_or(ServiceError::Unavailable("what was read has just been deleted")))
    }

    async fn load_page<K, T>(&self, key: K) -> async_graphql::Result<Slice<T>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        T: Clone + Send + Sync + 'static,
        Loaders: Loader<K, Value = LoadedPage<T>, Error = LoadError>,
    {
        match self.load(key).await? {
            Some(page) => self.give(page),
            None => Ok(Slice::empty()),
        }
    }

    fn loaders(&self) -> RequestLoaders {
        Arc::clone(self.data_unchecked())
    }

    fn give<T, E: AsRef<ServiceError>>(&self, result: Result<T, E>) -> async_graphql::Result<T> {
        result.map_err(|failure| to_graphql(self, failure))
    }
}
