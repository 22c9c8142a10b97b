//! Labels of products, for those who see the product.

use std::collections::HashMap;

use domain::{id::ProductId, label::Label};
use entity::product_label;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use crate::error::StoreError;

/// The labels of these products, by key; a product without labels is left out.
pub(super) async fn of_products(
    connection: &impl ConnectionTrait,
    products: &[ProductId],
) -> Result<HashMap<ProductId, Vec<Label>>, StoreError> {
    let rows = product_label::Entity::find()
        .filter(product_label::Column::ProductId.is_in(products.iter().map(|id| id.uuid())))
        .order_by_asc(product_label::Column::Key)
        .all(connection)
        .await?;
    let mut labels: HashMap<ProductId, Vec<Label>> = HashMap::new();
    for product_label::Model { product_id, key, value } in rows {
        let product = ProductId::from_uuid(product_id);
        labels.entry(product).or_default().push(Label { key, value });
    }
    Ok(labels)
}

/// The labels of one product, by key.
pub(super) async fn of_product(
    connection: &impl ConnectionTrait,
    product: ProductId,
) -> Result<Vec<Label>, StoreError> {
    Ok(of_products(connection, &[product])
        .await?
        .remove(&product)
        .unwrap_or_default())
}

/// Puts `labels` in the place of the product's.
pub(super) async fn replace(
    connection: &impl ConnectionTrait,
    product: ProductId,
    labels: &[Label],
) -> Result<(), StoreError> {
    product_label::Entity::delete_many()
        .filter(product_label::Column::ProductId.eq(product.uuid()))
        .exec(connection)
        .await?;
    if labels.is_empty() {
        return Ok(());
    }
    let rows = labels.iter().map(|Label { key, value }| product_label::ActiveModel {
        product_id: Set(product.uuid()),
        key: Set(key.clone()),
        value: Set(value.clone()),
    });
    product_label::Entity::insert_many(rows)
        .exec_without_returning(connection)
        .await?;
    Ok(())
}
