//! Batches of apps, and of the lists of apps that developers have.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::{
    id::{AppId, DeveloperId},
    page::Page,
};
use entity::app;
use uuid::Uuid;

use super::store::{self, AppFilter, AppRecord, AppSort};
use crate::{
    error::ServiceError,
    loader::{LoadError, LoadedPage, Loaders, each_page},
    pagination::{self, Direction},
};

impl Loader<AppId> for Loaders {
    type Value = AppRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[AppId]) -> Result<HashMap<AppId, AppRecord>, LoadError> {
        let found = store::find_for(self.plane.database.read(), &self.call.viewer, ids.iter().copied())
            .await
            .map_err(ServiceError::from)?;
        Ok(found.into_iter().map(|record| (record.id, record)).collect())
    }
}

/// A page of a developer's apps, the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AppsOf {
    /// Whose.
    pub developer: DeveloperId,
    /// Which part of the list.
    pub page: Page,
}

impl Loader<AppsOf> for Loaders {
    type Value = LoadedPage<AppRecord>;
    type Error = LoadError;

    async fn load(&self, keys: &[AppsOf]) -> Result<HashMap<AppsOf, Self::Value>, LoadError> {
        let mut developers_by_page: HashMap<&Page, Vec<Uuid>> = HashMap::new();
        for AppsOf { developer, page } in keys {
            developers_by_page.entry(page).or_default().push(developer.uuid());
        }
        let mut slices = HashMap::new();
        for (page, developers) in developers_by_page {
            let by_developer = pagination::pages_by_parent(
                self.plane.database.read(),
                store::select_for(&self.call.viewer, &AppFilter::default()),
                (app::Column::DeveloperId, |row: &app::Model| row.developer_id),
                developers.clone(),
                &store::sort_key(AppSort::CreatedAt, Direction::Descending),
                page,
            )
            .await;
            slices.extend(each_page(developers, by_developer).map(|(developer, slice)| {
                let key = AppsOf {
                    developer: DeveloperId::from_uuid(developer),
                    page: page.clone(),
                };
                (key, slice)
            }));
        }
        Ok(slices)
    }
}

/// Asks how many apps of this developer exist for the viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AppCountOf(pub DeveloperId);

impl Loader<AppCountOf> for Loaders {
    type Value = u64;
    type Error = LoadError;

    async fn load(&self, keys: &[AppCountOf]) -> Result<HashMap<AppCountOf, u64>, LoadError> {
        let counts = pagination::counts_by_parent(
            self.plane.database.read(),
            store::select_for(&self.call.viewer, &AppFilter::default()),
            app::Column::DeveloperId,
            keys.iter().map(|AppCountOf(developer)| developer.uuid()).collect(),
        )
        .await?;
        let counts = counts.into_iter();
        Ok(counts
            .map(|(developer, count)| (AppCountOf(DeveloperId::from_uuid(developer)), count))
            .collect())
    }
}
