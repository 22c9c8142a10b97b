//! API products.

use crate::{
    Created, Error, List, OrderDirection, ProductId, Timestamp,
    client::handle,
    document::DocumentInput,
    error::DecodeError,
    listing::{connection, listing},
    node::get_by_id,
    operation::{graphql_enum, input, mutation},
    schema,
};

/// An API product: what the catalog shows, with versions that apps register against.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[non_exhaustive]
pub struct Product {
    /// The product's id.
    pub id: ProductId,
    /// Its name in addresses, unique in the portal.
    pub slug: String,
    /// The name, 1 to 100 characters.
    pub name: String,
    /// What it is, up to 10,000 characters.
    pub description: Option<String>,
    /// Its labels.
    pub labels: Vec<Label>,
    /// Whether the catalog shows it to others than admins.
    pub is_published: bool,
    /// Since when; None unless it is published.
    pub published_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A product as other objects name it.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[cynic(graphql_type = "Product")]
#[non_exhaustive]
pub struct ProductRef {
    /// The product's id.
    pub id: ProductId,
    /// Its name in addresses.
    pub slug: String,
    /// The name.
    pub name: String,
}

/// A label of a product.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[non_exhaustive]
pub struct Label {
    /// What it says something about.
    pub key: String,
    /// What it says.
    pub value: String,
}

input! {
    /// A label to give a product.
    #[derive(Clone, Debug, cynic::InputObject)]
    LabelInput {
        required {
            /// What it says something about.
            key: [String],
            /// What it says.
            value: [String],
        }
    }
}

input! {
    /// What `createProduct` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    CreateProductInput {
        required {
            /// The name, 1 to 100 characters.
            name: [String],
        }
        optional {
            /// Its name in addresses; made from the name unless given.
            slug: [String],
            /// What it is, up to 10,000 characters.
            description: [String],
            /// Makes repeating the call safe for 24 hours: 1 to 255 printable ASCII characters. Unless given, the crate
            /// makes one for the retries of this one call.
            idempotency_key: [String],
        }
        list {
            /// Its labels.
            labels: [LabelInput],
            /// Its documentation, in order.
            documents: [DocumentInput],
        }
    }
}

input! {
    /// What `updateProduct` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    UpdateProductInput {
        required {
            /// Which product.
            id: [ProductId],
        }
        patch {
            /// The name; it cannot be cleared.
            name: [String],
            /// Its name in addresses; it cannot be cleared.
            slug: [String],
            /// What it is.
            description: [String],
            /// Its labels, all of them.
            labels: [Vec<LabelInput>],
            /// Its documentation, all of it, in order.
            documents: [Vec<DocumentInput>],
        }
    }
}

input! {
    /// Which products.
    #[derive(Clone, Debug, cynic::InputObject)]
    ProductFilter {
        optional {
            /// A prefix of the name or the slug, whatever the case.
            search: [String],
            /// Published ones, or the others.
            is_published: [bool],
        }
        list {
            /// With all of these labels.
            labels: [LabelInput],
        }
    }
}

graphql_enum! {
    /// What products can be ordered by.
    ProductOrderField {
        /// The name, whatever the case.
        Name = "NAME",
        /// When they were made.
        CreatedAt = "CREATED_AT",
        /// When they were published; those that are not come last.
        PublishedAt = "PUBLISHED_AT",
    }
}

input! {
    /// In which order.
    #[derive(Clone, Debug, cynic::InputObject)]
    ProductOrder {
        required {
            /// By what.
            field: [ProductOrderField],
            /// Which end first.
            direction: [OrderDirection],
        }
    }
}

handle! {
    /// API products; from [`crate::Portico::products`].
    Products
}

impl<'a> Products<'a> {
    /// What the caller may see of the catalog (`products`).
    pub fn list(self) -> List<'a, ProductListing> {
        List::new(self.client, ProductListing::default())
    }

    /// One product (`node`); None where the caller may see none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn get(self, id: &ProductId) -> Result<Option<Product>, Error> {
        GetProduct::fetch(self.client, id).await
    }

    /// The product with this slug (`product`); None where the caller may see none such.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn get_by_slug(self, slug: impl Into<String>) -> Result<Option<Product>, Error> {
        let variables = GetProductBySlugVariables { slug: slug.into() };
        Ok(self.client.query::<GetProductBySlug, _>(variables).await?.product)
    }

    /// Makes a product, not yet published (`createProduct`). Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with TAKEN when the slug is in use, INVALID, REQUIRED or TOO_LONG.
    pub async fn create(self, input: CreateProductInput) -> Result<Created<Product>, Error> {
        let payload = self.client.mutate_repeatable::<CreateProduct>(input).await?;
        let object = payload
            .product
            .ok_or_else(|| DecodeError::missing("createProduct.product"))?;
        Ok(Created {
            object,
            replayed: payload.replayed,
        })
    }

    /// Changes a product (`updateProduct`). Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND, TAKEN, INVALID, REQUIRED or TOO_LONG.
    pub async fn update(self, input: UpdateProductInput) -> Result<Product, Error> {
        let payload = self.client.mutate::<UpdateProduct>(input).await?;
        Ok(payload
            .product
            .ok_or_else(|| DecodeError::missing("updateProduct.product"))?)
    }

    /// Shows a product in the catalog (`publishProduct`); repeating it succeeds. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn publish(self, id: &ProductId) -> Result<Product, Error> {
        let payload = self
            .client
            .mutate::<PublishProduct>(PublishProductInput { id: id.clone() })
            .await?;
        Ok(payload
            .product
            .ok_or_else(|| DecodeError::missing("publishProduct.product"))?)
    }

    /// Hides a product from the catalog (`unpublishProduct`): no new requests; what is approved goes on. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn unpublish(self, id: &ProductId) -> Result<Product, Error> {
        let payload = self
            .client
            .mutate::<UnpublishProduct>(UnpublishProductInput { id: id.clone() })
            .await?;
        Ok(payload
            .product
            .ok_or_else(|| DecodeError::missing("unpublishProduct.product"))?)
    }

    /// Deletes a product that nobody may call (`deleteProduct`). Answers with its id. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with IN_USE while a version has approved requests, or NOT_FOUND.
    pub async fn delete(self, id: &ProductId) -> Result<ProductId, Error> {
        self.delete_with(DeleteProductInput {
            id: id.clone(),
            force: false,
        })
        .await
    }

    /// Deletes a product with its versions and their requests (`deleteProduct` with `force`); their traffic stops at
    /// once. Answers with its id. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn delete_forced(self, id: &ProductId) -> Result<ProductId, Error> {
        self.delete_with(DeleteProductInput {
            id: id.clone(),
            force: true,
        })
        .await
    }

    async fn delete_with(self, input: DeleteProductInput) -> Result<ProductId, Error> {
        let payload = self.client.mutate::<DeleteProduct>(input).await?;
        Ok(payload
            .deleted_id
            .ok_or_else(|| DecodeError::missing("deleteProduct.deletedId"))?)
    }
}

connection!(ProductConnection of Product);

listing! {
    /// What [`Products::list`] lists.
    ProductListing = ListProducts(ListProductsVariables).products
        -> ProductConnection of Product, filter: ProductFilter, order_by: ProductOrder
}

get_by_id!(GetProduct(GetProductVariables: ProductId) -> ProductNode::Product(Product));

#[derive(cynic::QueryVariables)]
struct GetProductBySlugVariables {
    slug: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "GetProductBySlugVariables")]
struct GetProductBySlug {
    #[arguments(slug: $slug)]
    product: Option<Product>,
}

#[derive(cynic::InputObject)]
pub(crate) struct PublishProductInput {
    id: ProductId,
}

#[derive(cynic::InputObject)]
pub(crate) struct UnpublishProductInput {
    id: ProductId,
}

#[derive(cynic::InputObject)]
pub(crate) struct DeleteProductInput {
    id: ProductId,
    force: bool,
}

mutation!(CreateProduct.create_product(CreateProductVariables: CreateProductInput)
    -> CreateProductPayload { product: Product; replayed });
mutation!(UpdateProduct.update_product(UpdateProductVariables: UpdateProductInput)
    -> UpdateProductPayload { product: Product });
mutation!(PublishProduct.publish_product(PublishProductVariables: PublishProductInput)
    -> PublishProductPayload { product: Product });
mutation!(UnpublishProduct.unpublish_product(UnpublishProductVariables: UnpublishProductInput)
    -> UnpublishProductPayload { product: Product });
mutation!(DeleteProduct.delete_product(DeleteProductVariables: DeleteProductInput)
    -> DeleteProductPayload { deleted_id: ProductId });
