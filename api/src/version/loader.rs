//! Batches of versions, and of what belongs to those that the viewer sees.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::id::{ProductId, VersionId};

use super::store::{self, VersionFilter, VersionParent, VersionRecord};
use crate::{
    error::ServiceError,
    loader::{LoadError, LoadedPage, Loaders, each_page},
    pagination::Page,
    product::loader::columns,
};

/// Versions that exist for the viewer.
impl Loader<VersionId> for Loaders {
    type Value = VersionRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[VersionId]) -> Result<HashMap<VersionId, VersionRecord>, LoadError> {
        let records = store::find_for(self.plane.database.read(), &self.call.viewer, ids.iter().copied())
            .await
            .map_err(ServiceError::from)?;
        Ok(records.into_iter().map(|record| (record.id, record)).collect())
    }
}

/// Asks for a product's version by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VersionNamed {
    /// The product.
    pub product: ProductId,
    /// The version's name.
    pub name: String,
}

/// Versions that exist for the viewer.
impl Loader<VersionNamed> for Loaders {
    type Value = VersionRecord;
    type Error = LoadError;

    async fn load(&self, keys: &[VersionNamed]) -> Result<HashMap<VersionNamed, VersionRecord>, LoadError> {
        let (products, names) = columns(keys.iter().map(|key| (key.product, &key.name)));
        let records = store::find_named_for(self.plane.database.read(), &self.call.viewer, &products, &names)
            .await
            .map_err(ServiceError::from)?;
        let records = records.into_iter().map(|record| {
            let key = VersionNamed {
                product: record.product_id,
                name: record.name.clone(),
            };
            (key, record)
        });
        Ok(records.collect())
    }
}

/// Asks for the specification of a version that the viewer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpecificationOf(pub VersionId);

impl Loader<SpecificationOf> for Loaders {
    type Value = String;
    type Error = LoadError;

    async fn load(&self, keys: &[SpecificationOf]) -> Result<HashMap<SpecificationOf, String>, LoadError> {
        let versions = keys.iter().map(|SpecificationOf(version)| *version);
        let documents = store::specifications(self.plane.database.read(), versions)
            .await
            .map_err(ServiceError::from)?;
        let documents = documents.into_iter();
        Ok(documents
            .map(|(version, document)| (SpecificationOf(version), document))
            .collect())
    }
}

/// Asks for a page of the versions that belong to something, the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VersionPage {
    /// Whose versions.
    pub parent: VersionParent,
    /// Which ones.
    pub filter: VersionFilter,
    /// Which part of the list.
    pub page: Page,
}

/// Versions that exist for the viewer: one statement for all parents of a page.
impl Loader<VersionPage> for Loaders {
    type Value = LoadedPage<VersionRecord>;
    type Error = LoadError;

    async fn load(&self, keys: &[VersionPage]) -> Result<HashMap<VersionPage, Self::Value>, LoadError> {
        let mut groups: HashMap<(&VersionFilter, &Page), Vec<VersionParent>> = HashMap::new();
        for VersionPage { parent, filter, page } in keys {
            groups.entry((filter, page)).or_default().push(*parent);
        }
        let mut pages = HashMap::with_capacity(keys.len());
        for ((filter, page), parents) in groups {
            let connection = self.plane.database.read();
            let slices = store::pages_for(connection, &self.call.viewer, &parents, filter, page).await;
            pages.extend(each_page(parents, slices).map(|(parent, slice)| {
                let key = VersionPage {
                    parent,
                    filter: filter.clone(),
                    page: page.clone(),
                };
                (key, slice)
            }));
        }
        Ok(pages)
    }
}

/// Asks how many versions belong to something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VersionCount {
    /// Whose versions.
    pub parent: VersionParent,
    /// Which ones.
    pub filter: VersionFilter,
}

/// Versions that exist for the viewer: one statement for all parents of a filter.
impl Loader<VersionCount> for Loaders {
    type Value = u64;
    type Error = LoadError;

    async fn load(&self, keys: &[VersionCount]) -> Result<HashMap<VersionCount, u64>, LoadError> {
        let mut groups: HashMap<&VersionFilter, Vec<VersionParent>> = HashMap::new();
        for VersionCount { parent, filter } in keys {
            groups.entry(filter).or_default().push(*parent);
        }
        let mut all = HashMap::with_capacity(keys.len());
        for (filter, parents) in groups {
            let connection = self.plane.database.read();
            let counts = store::counts_for(connection, &self.call.viewer, &parents, filter).await?;
            all.extend(counts.into_iter().map(|(parent, count)| {
                let filter = filter.clone();
                (VersionCount { parent, filter }, count)
            }));
        }
        Ok(all)
    }
}
