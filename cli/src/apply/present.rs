//! What the portal has of what the file names.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;
use portico_sdk::{AuthStrategy, Document, Portal, Portico, Product, ProductVersion};

use super::file::Wanted;
use crate::failure::Failure;

/// What the portal has of what the file names.
#[derive(Debug, Default)]
pub(super) struct Present {
    pub(super) portal: Option<Portal>,
    /// By name: all there are, since versions may name any.
    pub(super) strategies: HashMap<String, AuthStrategy>,
    /// By slug.
    pub(super) products: HashMap<String, PresentProduct>,
}

/// A product with what the file may name of it.
#[derive(Debug)]
pub(super) struct PresentProduct {
    pub(super) product: Product,
    pub(super) documents: Vec<Document>,
    /// By name.
    pub(super) versions: HashMap<String, PresentVersion>,
}

/// A version with what the file may name of it.
#[derive(Debug)]
pub(super) struct PresentVersion {
    pub(super) version: ProductVersion,
    /// Read only where the file has one.
    pub(super) specification: Option<String>,
}

/// Reads it.
///
/// # Errors
/// Those of the calls.
pub(super) async fn of(client: &Portico, wanted: &Wanted) -> Result<Present, Failure> {
    let mut present = Present::default();
    if wanted.portal.is_some() {
        present.portal = Some(client.portal().get().await?);
    }
    let mut strategies = client.auth_strategies().list().page_size(100).stream();
    while let Some(strategy) = strategies.try_next().await? {
        present.strategies.insert(strategy.name().to_owned(), strategy);
    }
    for product in &wanted.products {
        let Some(found) = client.products().get_by_slug(&product.slug).await? else {
            continue;
        };
        let documents = match &product.documents {
            Some(_) => client.products().documents(&found.id).await?,
            None => Vec::new(),
        };
        let mut versions = HashMap::new();
        for version in &product.versions {
            let Some(found) = client.versions().get_by_name(&found.id, &version.name).await? else {
                continue;
            };
            let specification = match &version.specification {
                Some(_) => client.versions().specification(&found.id).await?,
                None => None,
            };
            let name = version.name.clone();
            versions.insert(
                name,
                PresentVersion {
                    version: found,
                    specification,
                },
            );
        }
        present.products.insert(
            product.slug.clone(),
            PresentProduct {
                product: found,
                documents,
                versions,
            },
        );
    }
    Ok(present)
}
