//! The products' mutations.

use async_graphql::{Context, ID, Object, Result};
use domain::id::ProductId;

use super::{
    CreateProductInput, DeleteProductInput, Product, PublishProductInput, UnpublishProductInput, UpdateProductInput,
};
use crate::{
    graphql::payload::answer,
    loader::RequestContext as _,
    payload,
    product::service::{self, ProductRecord},
};

payload! {
    /// What `createProduct` answers.
    CreateProductPayload replayable {
        /// The product.
        product: Product = ProductRecord
    }
}

payload! {
    /// What `updateProduct` answers.
    UpdateProductPayload {
        /// The product as it is now.
        product: Product = ProductRecord
    }
}

payload! {
    /// What `publishProduct` answers.
    PublishProductPayload {
        /// The product, published.
        product: Product = ProductRecord
    }
}

payload! {
    /// What `unpublishProduct` answers.
    UnpublishProductPayload {
        /// The product, not published.
        product: Product = ProductRecord
    }
}

payload! {
    /// What `deleteProduct` answers.
    DeleteProductPayload {
        /// The id of the product that is gone.
        deleted_id: ID = ProductId
    }
}

/// The products' mutations.
#[derive(Default)]
pub struct ProductMutation;

/// Mutations of products.
#[Object]
impl ProductMutation {
    /// Makes a product, unpublished. Without a slug, one is made from the name. Admins.
    async fn create_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The product.")] input: CreateProductInput,
    ) -> Option<Result<CreateProductPayload>> {
        answer(
            context,
            service::create(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Changes a product, at once also where it is published; what is left out stays as it is. Admins.
    async fn update_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateProductInput,
    ) -> Option<Result<UpdateProductPayload>> {
        answer(
            context,
            service::update(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Puts a product into the catalog; repeating it succeeds. Admins.
    async fn publish_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The product.")] input: PublishProductInput,
    ) -> Option<Result<PublishProductPayload>> {
        answer(
            context,
            service::publish(context.plane(), context.call(), &input.id).await,
        )
    }

    /// Takes a product out of the catalog; repeating it succeeds. What is approved goes on working. Admins.
    async fn unpublish_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The product.")] input: UnpublishProductInput,
    ) -> Option<Result<UnpublishProductPayload>> {
        answer(
            context,
            service::unpublish(context.plane(), context.call(), &input.id).await,
        )
    }

    /// Deletes a product with its versions and their access requests; `IN_USE` while a version has approved requests,
    /// unless forced. Admins.
    async fn delete_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The product.")] input: DeleteProductInput,
    ) -> Option<Result<DeleteProductPayload>> {
        answer(
            context,
            service::delete(context.plane(), context.call(), &input.id, input.force).await,
        )
    }
}
