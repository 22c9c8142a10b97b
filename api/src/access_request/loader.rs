//! Loads access requests in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::{
    id::{AccessRequestId, AppId, VersionId},
    page::Page,
};
use entity::access_request;
use uuid::Uuid;

use super::store::{self, AccessRequestFilter, AccessRequestRecord, AccessRequestSort};
use crate::{
    error::{ServiceError, StoreError},
    loader::{LoadError, LoadedPage, Loaders, each_page},
    pagination::{self, Direction},
};

impl Loader<AccessRequestId> for Loaders {
    type Value = AccessRequestRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[AccessRequestId]) -> Result<HashMap<AccessRequestId, Self::Value>, LoadError> {
        let found = store::find_for(self.plane.database.read(), &self.call.viewer, ids.iter().copied()).await;
        let found = found.map_err(|error: StoreError| LoadError::new(error.into()))?;
        Ok(found.into_iter().map(|record| (record.id, record)).collect())
    }
}

/// What the requests of a nested list belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parent {
    /// An app.
    App(AppId),
    /// A version.
    Version(VersionId),
}

/// A page of the requests of one parent, latest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessRequestPage {
    /// Whose.
    pub parent: Parent,
    /// Which of them.
    pub filter: AccessRequestFilter,
    /// Which page.
    pub page: Page,
}

/// How many requests one parent has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessRequestCount {
    /// Whose.
    pub parent: Parent,
    /// Which of them.
    pub filter: AccessRequestFilter,
}

type ParentColumn = (access_request::Column, fn(&access_request::Model) -> Uuid);

impl Parent {
    fn column(self) -> ParentColumn {
        match self {
            Self::App(_) => (access_request::Column::AppId, |row| row.app_id),
            Self::Version(_) => (access_request::Column::VersionId, |row| row.version_id),
        }
    }

    fn uuid(self) -> Uuid {
        match self {
            Self::App(id) => id.uuid(),
            Self::Version(id) => id.uuid(),
        }
    }

    fn of(self, id: Uuid) -> Self {
        match self {
            Self::App(_) => Self::App(AppId::from_uuid(id)),
            Self::Version(_) => Self::Version(VersionId::from_uuid(id)),
        }
    }
}

impl Loader<AccessRequestPage> for Loaders {
    type Value = LoadedPage<AccessRequestRecord>;
    type Error = LoadError;

    async fn load(&self, keys: &[AccessRequestPage]) -> Result<HashMap<AccessRequestPage, Self::Value>, LoadError> {
        let order = store::sort_key(AccessRequestSort::CreatedAt, Direction::Descending);
        let mut loaded = HashMap::with_capacity(keys.len());
        for (kind, ids) in group(keys, |key| (key.parent, (key.filter.clone(), key.page.clone()))) {
            let (parent, (filter, page)) = kind;
            let pages = pagination::pages_by_parent(
                self.plane.database.read(),
                store::select_for(&self.call.viewer, &filter),
                parent.column(),
                ids.clone(),
                &order,
                &page,
            )
            .await;
            loaded.extend(each_page(ids, pages).map(|(id, slice)| {
                let key = AccessRequestPage {
                    parent: parent.of(id),
                    filter: filter.clone(),
                    page: page.clone(),
                };
                (key, slice)
            }));
        }
        Ok(loaded)
    }
}

impl Loader<AccessRequestCount> for Loaders {
    type Value = u64;
    type Error = LoadError;

    async fn load(&self, keys: &[AccessRequestCount]) -> Result<HashMap<AccessRequestCount, u64>, LoadError> {
        let mut loaded = HashMap::with_capacity(keys.len());
        for ((parent, filter), ids) in group(keys, |key| (key.parent, key.filter.clone())) {
            let select = store::select_for(&self.call.viewer, &filter);
            let counts = pagination::counts_by_parent(self.plane.database.read(), select, parent.column().0, ids)
                .await
                .map_err(|error: ServiceError| LoadError::new(error))?;
            loaded.extend(counts.into_iter().map(|(id, count)| {
                (
                    AccessRequestCount {
                        parent: parent.of(id),
                        filter: filter.clone(),
                    },
                    count,
                )
            }));
        }
        Ok(loaded)
    }
}

/// Groups keys that one statement can answer: the same kind of parent and the same arguments.
fn group<K, A: PartialEq>(keys: &[K], split: impl Fn(&K) -> (Parent, A)) -> Vec<((Parent, A), Vec<Uuid>)> {
    let mut groups: Vec<((Parent, A), Vec<Uuid>)> = Vec::new();
    for key in keys {
        let (parent, arguments) = split(key);
        let same_kind = |other: Parent| std::mem::discriminant(&other) == std::mem::discriminant(&parent);
        match groups
            .iter_mut()
            .find(|((other, held), _)| same_kind(*other) && *held == arguments)
        {
            Some((_, ids)) => ids.push(parent.uuid()),
            None => groups.push(((parent, arguments), vec![parent.uuid()])),
        }
    }
    groups
}
