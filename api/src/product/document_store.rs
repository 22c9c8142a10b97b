//! Documents of products, for those who see the product. Bodies are read apart: a list of titles needs none.

use std::collections::HashMap;

use domain::{document::Document, id::ProductId};
use entity::product_document;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use uuid::Uuid;

use crate::error::StoreError;

/// A document without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentHeading {
    /// The product.
    pub product_id: ProductId,
    /// Its name in addresses, unique in the product.
    pub slug: String,
    /// The title.
    pub title: String,
}

fn of(products: &[ProductId]) -> Select<product_document::Entity> {
    product_document::Entity::find()
        .filter(product_document::Column::ProductId.is_in(products.iter().map(|id| id.uuid())))
}

/// The documents of these products, each product's in order.
pub(super) async fn of_products(
    connection: &impl ConnectionTrait,
    products: &[ProductId],
) -> Result<Vec<DocumentHeading>, StoreError> {
    headings(connection, of(products)).await
}

/// The documents of these products with one of these slugs.
pub(super) async fn named(
    connection: &impl ConnectionTrait,
    products: &[ProductId],
    slugs: &[String],
) -> Result<Vec<DocumentHeading>, StoreError> {
    let select = of(products).filter(product_document::Column::Slug.is_in(slugs));
    headings(connection, select).await
}

async fn headings(
    connection: &impl ConnectionTrait,
    select: Select<product_document::Entity>,
) -> Result<Vec<DocumentHeading>, StoreError> {
    let rows: Vec<(Uuid, String, String)> = select
        .select_only()
        .column(product_document::Column::ProductId)
        .column(product_document::Column::Slug)
        .column(product_document::Column::Title)
        .order_by_asc(product_document::Column::Position)
        .into_tuple()
        .all(connection)
        .await?;
    let headings = rows.into_iter().map(|(product_id, slug, title)| DocumentHeading {
        product_id: ProductId::from_uuid(product_id),
        slug,
        title,
    });
    Ok(headings.collect())
}

/// The bodies of these products' documents with one of these slugs.
pub(super) async fn bodies(
    connection: &impl ConnectionTrait,
    products: &[ProductId],
    slugs: &[String],
) -> Result<HashMap<(ProductId, String), String>, StoreError> {
    let rows: Vec<(Uuid, String, String)> = of(products)
        .filter(product_document::Column::Slug.is_in(slugs))
        .select_only()
        .column(product_document::Column::ProductId)
        .column(product_document::Column::Slug)
        .column(product_document::Column::Body)
        .into_tuple()
        .all(connection)
        .await?;
    let bodies = rows
        .into_iter()
        .map(|(product_id, slug, body)| ((ProductId::from_uuid(product_id), slug), body));
    Ok(bodies.collect())
}

/// Puts `documents` in the place of the product's, in their order.
pub(super) async fn replace(
    connection: &impl ConnectionTrait,
    product: ProductId,
    documents: &[Document],
) -> Result<(), StoreError> {
    product_document::Entity::delete_many()
        .filter(product_document::Column::ProductId.eq(product.uuid()))
        .exec(connection)
        .await?;
    if documents.is_empty() {
        return Ok(());
    }
    let rows = (0..).zip(documents).map(|(position, document)| {
        let Document { slug, title, body } = document;
        product_document::ActiveModel {
            product_id: Set(product.uuid()),
            slug: Set(slug.clone()),
            position: Set(position),
            title: Set(title.clone()),
            body: Set(body.clone()),
        }
    });
    product_document::Entity::insert_many(rows)
        .exec_without_returning(connection)
        .await?;
    Ok(())
}
