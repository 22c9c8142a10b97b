//! Batches of credentials, and of the lists of credentials that apps have.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::{
    id::{AppId, CredentialId},
    page::Page,
};
use entity::credential;
use uuid::Uuid;

use super::store::{self, CredentialRecord};
use crate::{
    error::ServiceError,
    loader::{LoadError, LoadedPage, Loaders, each_page},
    pagination,
};

impl Loader<CredentialId> for Loaders {
    type Value = CredentialRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[CredentialId]) -> Result<HashMap<CredentialId, CredentialRecord>, LoadError> {
        let found = store::find_for(self.plane.database.read(), &self.call.viewer, ids.iter().copied())
            .await
            .map_err(ServiceError::from)?;
        Ok(found.into_iter().map(|record| (record.id, record)).collect())
    }
}

/// A page of an app's credentials, the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CredentialsOf {
    /// Whose.
    pub app: AppId,
    /// Which part of the list.
    pub page: Page,
}

impl Loader<CredentialsOf> for Loaders {
    type Value = LoadedPage<CredentialRecord>;
    type Error = LoadError;

    async fn load(&self, keys: &[CredentialsOf]) -> Result<HashMap<CredentialsOf, Self::Value>, LoadError> {
        let mut apps_by_page: HashMap<&Page, Vec<Uuid>> = HashMap::new();
        for CredentialsOf { app, page } in keys {
            apps_by_page.entry(page).or_default().push(app.uuid());
        }
        let mut slices = HashMap::new();
        for (page, apps) in apps_by_page {
            let by_app = pagination::pages_by_parent(
                self.plane.database.read(),
                store::select_for(&self.call.viewer),
                (credential::Column::AppId, |row: &credential::Model| row.app_id),
                apps.clone(),
                &store::sort_key(),
                page,
            )
            .await;
            slices.extend(each_page(apps, by_app).map(|(app, slice)| {
                let key = CredentialsOf {
                    app: AppId::from_uuid(app),
                    page: page.clone(),
                };
                (key, slice)
            }));
        }
        Ok(slices)
    }
}

/// Asks how many credentials this app has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CredentialCountOf(pub AppId);

impl Loader<CredentialCountOf> for Loaders {
    type Value = u64;
    type Error = LoadError;

    async fn load(&self, keys: &[CredentialCountOf]) -> Result<HashMap<CredentialCountOf, u64>, LoadError> {
        let counts = pagination::counts_by_parent(
            self.plane.database.read(),
            store::select_for(&self.call.viewer),
            credential::Column::AppId,
            keys.iter().map(|CredentialCountOf(app)| app.uuid()).collect(),
        )
        .await?;
        let counts = counts.into_iter();
        Ok(counts
            .map(|(app, count)| (CredentialCountOf(AppId::from_uuid(app)), count))
            .collect())
    }
}
