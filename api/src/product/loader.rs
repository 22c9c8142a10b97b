//! Batches of products, and of what belongs to those that the viewer sees.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::{id::ProductId, label::Label};

use super::{
    document_store::{self, DocumentHeading},
    label_store,
    store::{self, ProductRecord},
};
use crate::{
    error::ServiceError,
    loader::{LoadError, Loaders},
};

/// Products that exist for the viewer.
impl Loader<ProductId> for Loaders {
    type Value = ProductRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, ProductRecord>, LoadError> {
        let records = store::find_for(self.plane.database.read(), &self.call.viewer, ids.iter().copied())
            .await
            .map_err(ServiceError::from)?;
        Ok(records.into_iter().map(|record| (record.id, record)).collect())
    }
}

/// Asks for the product with a slug.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProductNamed(pub String);

/// Products that exist for the viewer.
impl Loader<ProductNamed> for Loaders {
    type Value = ProductRecord;
    type Error = LoadError;

    async fn load(&self, keys: &[ProductNamed]) -> Result<HashMap<ProductNamed, ProductRecord>, LoadError> {
        let slugs = keys.iter().map(|ProductNamed(slug)| slug);
        let slugs: Vec<String> = slugs.filter(|slug| is_storable(slug)).cloned().collect();
        let records = store::find_by_slug_for(self.plane.database.read(), &self.call.viewer, &slugs)
            .await
            .map_err(ServiceError::from)?;
        let records = records.into_iter();
        Ok(records
            .map(|record| (ProductNamed(record.slug.clone()), record))
            .collect())
    }
}

/// Asks for the labels of a product that the viewer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LabelsOf(pub ProductId);

impl Loader<LabelsOf> for Loaders {
    type Value = Vec<Label>;
    type Error = LoadError;

    async fn load(&self, keys: &[LabelsOf]) -> Result<HashMap<LabelsOf, Vec<Label>>, LoadError> {
        let products: Vec<ProductId> = keys.iter().map(|LabelsOf(product)| *product).collect();
        let labels = label_store::of_products(self.plane.database.read(), &products)
            .await
            .map_err(ServiceError::from)?;
        Ok(labels
            .into_iter()
            .map(|(product, labels)| (LabelsOf(product), labels))
            .collect())
    }
}

/// Asks for the documents of a product that the viewer sees, without their bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DocumentsOf(pub ProductId);

impl Loader<DocumentsOf> for Loaders {
    type Value = Vec<DocumentHeading>;
    type Error = LoadError;

    async fn load(&self, keys: &[DocumentsOf]) -> Result<HashMap<DocumentsOf, Vec<DocumentHeading>>, LoadError> {
        let products: Vec<ProductId> = keys.iter().map(|DocumentsOf(product)| *product).collect();
        let headings = document_store::of_products(self.plane.database.read(), &products)
            .await
            .map_err(ServiceError::from)?;
        let mut documents: HashMap<DocumentsOf, Vec<DocumentHeading>> = HashMap::new();
        for heading in headings {
            documents
                .entry(DocumentsOf(heading.product_id))
                .or_default()
                .push(heading);
        }
        Ok(documents)
    }
}

/// Asks for one document of a product that the viewer sees, without its body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentNamed {
    /// The product.
    pub product: ProductId,
    /// The document's slug.
    pub slug: String,
}

impl Loader<DocumentNamed> for Loaders {
    type Value = DocumentHeading;
    type Error = LoadError;

    async fn load(&self, keys: &[DocumentNamed]) -> Result<HashMap<DocumentNamed, DocumentHeading>, LoadError> {
        let (products, slugs) = columns(keys.iter().map(|key| (key.product, &key.slug)));
        let headings = document_store::named(self.plane.database.read(), &products, &slugs)
            .await
            .map_err(ServiceError::from)?;
        let headings = headings.into_iter().map(|heading| {
            let key = DocumentNamed {
                product: heading.product_id,
                slug: heading.slug.clone(),
            };
            (key, heading)
        });
        Ok(headings.collect())
    }
}

/// Asks for the body of a document of a product that the viewer sees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BodyOf {
    /// The product.
    pub product: ProductId,
    /// The document's slug.
    pub slug: String,
}

impl Loader<BodyOf> for Loaders {
    type Value = String;
    type Error = LoadError;

    async fn load(&self, keys: &[BodyOf]) -> Result<HashMap<BodyOf, String>, LoadError> {
        let (products, slugs) = columns(keys.iter().map(|key| (key.product, &key.slug)));
        let bodies = document_store::bodies(self.plane.database.read(), &products, &slugs)
            .await
            .map_err(ServiceError::from)?;
        let bodies = bodies.into_iter();
        Ok(bodies
            .map(|((product, slug), body)| (BodyOf { product, slug }, body))
            .collect())
    }
}

/// Pairs as two lists, each value once. What is read by both lists covers the pairs; what it reads besides is little,
/// as one selection asks for the same names of all its products.
pub(crate) fn columns<'a>(pairs: impl Iterator<Item = (ProductId, &'a String)>) -> (Vec<ProductId>, Vec<String>) {
    let pairs = pairs.filter(|(_, name)| is_storable(name));
    let (mut products, mut names): (Vec<_>, Vec<_>) = pairs.map(|(product, name)| (product, name.clone())).unzip();
    products.sort_unstable();
    products.dedup();
    names.sort_unstable();
    names.dedup();
    (products, names)
}

/// Whether a text can be compared with stored ones at all: PostgreSQL refuses the NUL character with an error.
fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}
