//! Products in the schema.

mod input;
mod mutation;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use domain::id::{ProductId, ProductKind};

pub use self::{
    input::{
        CreateProductInput, DeleteProductInput, DocumentInput, LabelInput, PublishProductInput, UnpublishProductInput,
        UpdateProductInput,
    },
    mutation::{
        CreateProductPayload, DeleteProductPayload, ProductMutation, PublishProductPayload, UnpublishProductPayload,
        UpdateProductPayload,
    },
};
use super::{
    loader::{BodyOf, DocumentNamed, DocumentsOf, LabelsOf, ProductNamed},
    service::{self, DocumentHeading, ProductFilter as Filter, ProductRecord, ProductSort},
};
use crate::{
    connection,
    error::ServiceError,
    graphql::{connection::TotalCount, order::OrderDirection, scalar::DateTime},
    id,
    loader::RequestContext as _,
    pagination::{self, Direction},
    version::{
        graphql::{ProductVersion, ProductVersionConnection, ProductVersionFilter, versions_of},
        loader::VersionNamed,
        service::VersionParent,
    },
};

/// An API product: what the catalog shows, with its versions.
#[derive(Clone)]
pub struct Product(ProductRecord);

impl From<ProductRecord> for Product {
    fn from(record: ProductRecord) -> Self {
        Self(record)
    }
}

/// An API product: what the catalog shows, with its versions.
#[Object]
impl Product {
    /// The product's id.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The product's name in addresses, unique in the portal.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The product's name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What the product is.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The product's labels, by key.
    async fn labels(&self, context: &Context<'_>) -> Result<Vec<Label>> {
        let labels = context.load(LabelsOf(self.0.id)).await?.unwrap_or_default();
        Ok(labels.into_iter().map(Label::from).collect())
    }

    /// Whether the catalog shows it.
    async fn is_published(&self) -> bool {
        self.0.published_at.is_some()
    }

    /// Since when the catalog has shown it; null: it does not.
    async fn published_at(&self) -> Option<DateTime> {
        self.0.published_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it last changed, its labels and documents included.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Its Markdown pages, in order.
    async fn documents(&self, context: &Context<'_>) -> Result<Vec<Document>> {
        let headings = context.load(DocumentsOf(self.0.id)).await?.unwrap_or_default();
        Ok(headings.into_iter().map(Document).collect())
    }

    /// One of its Markdown pages; null when it has none of this slug.
    async fn document(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The document's slug.")] slug: String,
    ) -> Option<Result<Document>> {
        let product = self.0.id;
        let heading = context.load(DocumentNamed { product, slug }).await.transpose()?;
        Some(heading.map(Document))
    }

    /// Its versions, the latest first: those that the viewer may see.
    async fn versions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which versions; all unless given.")] filter: Option<ProductVersionFilter>,
    ) -> Result<ProductVersionConnection> {
        let page = context.give(pagination::arguments(first, after, last, before))?;
        versions_of(context, VersionParent::Product(self.0.id), filter, page).await
    }

    /// The version of this name; null when there is none, or none for the viewer.
    async fn version(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The version's name.")] name: String,
    ) -> Option<Result<ProductVersion>> {
        let product = self.0.id;
        let version = context.load(VersionNamed { product, name }).await.transpose()?;
        Some(version.map(ProductVersion::from))
    }
}

connection!(ProductConnection, ProductEdge, Product, "products");

/// A key and a value that products are filtered by.
#[derive(SimpleObject)]
pub struct Label {
    /// The key, unique in the product.
    key: String,
    /// The value.
    value: String,
}

impl From<domain::label::Label> for Label {
    fn from(domain::label::Label { key, value }: domain::label::Label) -> Self {
        Self { key, value }
    }
}

/// A Markdown page of a product.
pub struct Document(DocumentHeading);

/// A Markdown page of a product.
#[Object]
impl Document {
    /// The document's name in addresses, unique in the product.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The title.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// Markdown, as written.
    async fn body(&self, context: &Context<'_>) -> Result<String> {
        let DocumentHeading { product_id, slug, .. } = &self.0;
        let key = BodyOf {
            product: *product_id,
            slug: slug.clone(),
        };
        context.expect(key).await
    }
}

/// Which products are wanted; what is left out does not matter.
#[derive(InputObject)]
pub struct ProductFilter {
    /// What the name or the slug starts with, whatever its case; at most 255 characters.
    search: Option<String>,
    /// Whether they are published. For everyone but admins, all are.
    is_published: Option<bool>,
    /// Labels that they have, all of them.
    labels: Option<Vec<LabelInput>>,
}

impl TryFrom<ProductFilter> for Filter {
    type Error = ServiceError;

    fn try_from(filter: ProductFilter) -> Result<Self, ServiceError> {
        let ProductFilter {
            search,
            is_published,
            labels,
        } = filter;
        Ok(Self {
            search: pagination::search(search)?,
            is_published,
            labels: labels.into_iter().flatten().map(Into::into).collect(),
        })
    }
}

/// What products are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ProductSort")]
pub enum ProductOrderField {
    /// The name, whatever its case.
    Name,
    /// When they were made.
    CreatedAt,
    /// When they were published; those that are not come last, both ways.
    PublishedAt,
}

/// How products are ordered; ties by id.
#[derive(InputObject)]
pub struct ProductOrder {
    /// What they are ordered by.
    field: ProductOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// The products' root fields.
#[derive(Default)]
pub struct ProductQuery;

/// Root fields of products.
#[Object]
impl ProductQuery {
    /// The catalog. Admins see all products; approved developers, and anyone on a public portal, what is published;
    /// others nothing.
    #[expect(clippy::too_many_arguments, reason = "a list with a filter and an order has as many")]
    async fn products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which products; all unless given.")] filter: Option<ProductFilter>,
        #[graphql(desc = "In which order; the latest first unless given.")] order_by: Option<ProductOrder>,
    ) -> Result<ProductConnection> {
        let (plane, call) = (context.plane().clone(), context.call().clone());
        let order = order_by.map_or((ProductSort::CreatedAt, Direction::Descending), |order| {
            (order.field.into(), order.direction.into())
        });
        let listed = async {
            let page = pagination::arguments(first, after, last, before)?;
            let filter = filter.map(Filter::try_from).transpose()?.unwrap_or_default();
            let slice = service::list(&plane, &call, &filter, order, &page).await?;
            Ok::<_, ServiceError>((slice, filter))
        };
        let (slice, filter) = context.give(listed.await)?;
        let total = TotalCount::new(move || {
            let (plane, call, filter) = (plane.clone(), call.clone(), filter.clone());
            async move { service::count(&plane, &call, &filter).await }
        });
        Ok(ProductConnection::new(slice, total))
    }

    /// One product, by its id or by its slug; null when there is none, or none for the viewer. Through one's own
    /// access request a product stays readable when it is no longer published.
    async fn product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The product's id. Exactly one of id and slug.")] id: Option<ID>,
        #[graphql(desc = "The product's slug. Exactly one of id and slug.")] slug: Option<String>,
    ) -> Option<Result<Product>> {
        let product = match (id, slug) {
            (Some(id), None) => match context.give(id::parse::<ProductKind>("id", &id)) {
                Ok(id) => context.load::<ProductId>(id).await,
                Err(error) => Err(error),
            },
            (None, Some(slug)) => context.load(ProductNamed(slug)).await,
            (None, None) | (Some(_), Some(_)) => context.give(Err(ServiceError::BadUserInput(
                "Pass id or slug, exactly one of the two.".to_owned(),
            ))),
        };
        product.map(|product| product.map(Product::from)).transpose()
    }
}
