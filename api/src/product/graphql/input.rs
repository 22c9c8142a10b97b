//! Inputs of the products' mutations.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::product::service::{CreateProduct, DocumentText, ProductPatch};

/// A label: a key and a value that products are filtered by.
#[derive(InputObject)]
pub struct LabelInput {
    /// The key, unique in the product: ASCII letters and digits, with `.`, `_`, `-` or `/` between them, at most 63
    /// characters.
    key: String,
    /// The value, at most 63 characters.
    value: String,
}

impl From<LabelInput> for (String, String) {
    fn from(LabelInput { key, value }: LabelInput) -> Self {
        (key, value)
    }
}

/// A Markdown page.
#[derive(InputObject)]
pub struct DocumentInput {
    /// The page's name in addresses, unique in the product: lower-case letters, digits and hyphens.
    slug: String,
    /// The title, at most 255 characters.
    title: String,
    /// Markdown, at most 1 MiB.
    body: String,
}

impl From<DocumentInput> for DocumentText {
    fn from(DocumentInput { slug, title, body }: DocumentInput) -> Self {
        Self { slug, title, body }
    }
}

/// A product to make.
#[derive(InputObject)]
pub struct CreateProductInput {
    /// The name, at most 100 characters.
    name: String,
    /// The name in addresses, unique in the portal: lower-case letters, digits and hyphens. Without it, one is made
    /// from the name.
    slug: Option<String>,
    /// What the product is, at most 10,000 characters.
    description: Option<String>,
    /// Labels, at most 50.
    labels: Option<Vec<LabelInput>>,
    /// Markdown pages, in order, at most 100.
    documents: Option<Vec<DocumentInput>>,
    /// Any text of one's own, such as a UUID: the same key and input within 24 hours make nothing twice.
    idempotency_key: Option<String>,
}

impl From<CreateProductInput> for CreateProduct {
    fn from(input: CreateProductInput) -> Self {
        let CreateProductInput {
            name,
            slug,
            description,
            labels,
            documents,
            idempotency_key,
        } = input;
        Self {
            name,
            slug,
            description,
            labels: labels.into_iter().flatten().map(Into::into).collect(),
            documents: documents.into_iter().flatten().map(Into::into).collect(),
            idempotency_key,
        }
    }
}

/// What to change of a product; an omitted field is left alone.
#[derive(InputObject)]
pub struct UpdateProductInput {
    /// The product.
    id: ID,
    /// The name, at most 100 characters.
    name: MaybeUndefined<String>,
    /// The name in addresses, unique in the portal.
    slug: MaybeUndefined<String>,
    /// What the product is; null clears it.
    description: MaybeUndefined<String>,
    /// All of its labels; null or an empty list removes them.
    labels: MaybeUndefined<Vec<LabelInput>>,
    /// All of its Markdown pages, in order; null or an empty list removes them.
    documents: MaybeUndefined<Vec<DocumentInput>>,
}

impl From<UpdateProductInput> for ProductPatch {
    fn from(input: UpdateProductInput) -> Self {
        let UpdateProductInput {
            id,
            name,
            slug,
            description,
            labels,
            documents,
        } = input;
        Self {
            id,
            name,
            slug,
            description,
            labels: labels.map_value(|labels| labels.into_iter().map(Into::into).collect()),
            documents: documents.map_value(|documents| documents.into_iter().map(Into::into).collect()),
        }
    }
}

/// The product to publish.
#[derive(InputObject)]
pub struct PublishProductInput {
    /// The product.
    pub(super) id: ID,
}

/// The product to take out of the catalog.
#[derive(InputObject)]
pub struct UnpublishProductInput {
    /// The product.
    pub(super) id: ID,
}

/// The product to delete.
#[derive(InputObject)]
pub struct DeleteProductInput {
    /// The product.
    pub(super) id: ID,
    /// Also when versions have approved requests; their apps are cut off at once.
    #[graphql(default = false)]
    pub(super) force: bool,
}
