//! Rows of products.

use std::collections::{BTreeSet, HashSet};

use domain::{Timestamp, id::ProductId, label, text, viewer::Viewer};
use entity::{product, product_label};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _, Select, TryInsertResult,
    sea_query::{Expr, OnConflict, SelectStatement},
};

use super::visibility::CatalogView;
use crate::{
    error::{ServiceError, StoreError},
    pagination::{self, Direction, Page, Slice, SortKey, SortValue},
};

/// A product as services see it. Labels and documents are read apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductRecord {
    /// The id.
    pub id: ProductId,
    /// Its name in addresses, unique in the portal.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Since when it has been published; `None`: it is not.
    pub published_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed, its labels and documents included.
    pub updated_at: Timestamp,
}

impl From<product::Model> for ProductRecord {
    fn from(row: product::Model) -> Self {
        let product::Model {
            id,
            slug,
            name,
            name_folded: _,
            description,
            published_at,
            created_at,
            updated_at,
        } = row;
        Self {
            id: ProductId::from_uuid(id),
            slug,
            name,
            description,
            published_at: published_at.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(created_at),
            updated_at: Timestamp::from_millis(updated_at),
        }
    }
}

impl From<&ProductRecord> for product::ActiveModel {
    fn from(record: &ProductRecord) -> Self {
        let ProductRecord {
            id,
            slug,
            name,
            description,
            published_at,
            created_at,
            updated_at,
        } = record;
        Self {
            id: Set(id.uuid()),
            slug: Set(slug.clone()),
            name: Set(name.clone()),
            name_folded: Set(text::folded(name)),
            description: Set(description.clone()),
            published_at: Set(published_at.map(|at| at.as_millis())),
            created_at: Set(created_at.as_millis()),
            updated_at: Set(updated_at.as_millis()),
        }
    }
}

/// Which products are wanted. What is `None` or empty does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// What the name or the slug starts with, whatever its case.
    pub search: Option<String>,
    /// Whether they are published.
    pub is_published: Option<bool>,
    /// Labels (key, value) that they have, all of them.
    pub labels: Vec<(String, String)>,
}

/// What products are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductSort {
    /// The name, case-folded.
    Name,
    /// When they were made.
    CreatedAt,
    /// When they were published; those that are not come last, both ways.
    PublishedAt,
}

fn sort_key((by, direction): (ProductSort, Direction)) -> SortKey<product::Entity> {
    let (column, value): (_, fn(&product::Model) -> SortValue) = match by {
        ProductSort::Name => (product::Column::NameFolded, |row| {
            SortValue::Text(row.name_folded.clone())
        }),
        ProductSort::CreatedAt => (product::Column::CreatedAt, |row| SortValue::Integer(row.created_at)),
        ProductSort::PublishedAt => (product::Column::PublishedAt, |row| {
            row.published_at.map_or(SortValue::Null, SortValue::Integer)
        }),
    };
    SortKey {
        column,
        id_column: product::Column::Id,
        value,
        id: |row| row.id,
        direction,
        nullable: by == ProductSort::PublishedAt,
    }
}

fn listed(view: &CatalogView, filter: &ProductFilter) -> Select<product::Entity> {
    let ProductFilter {
        search,
        is_published,
        labels,
    } = filter;
    let mut select = product::Entity::find().filter(view.listed_products());
    if let Some(search) = search {
        let prefix = text::folded(search.trim_start());
        select = if prefix.contains('\0') {
            // No text that is stored has it, and PostgreSQL refuses it with an error.
            select.filter(Expr::value(false))
        } else {
            select.filter(
                Condition::any()
                    .add(starts_with(product::Column::NameFolded, &prefix))
                    .add(starts_with(product::Column::Slug, &prefix)),
            )
        };
    }
    match is_published {
        Some(true) => select = select.filter(product::Column::PublishedAt.is_not_null()),
        Some(false) => select = select.filter(product::Column::PublishedAt.is_null()),
        None => {}
    }
    for wanted in labels {
        select = match labelled(wanted) {
            Some(products) => select.filter(product::Column::Id.in_subquery(products)),
            None => select.filter(Expr::value(false)),
        };
    }
    select
}

fn starts_with(column: product::Column, prefix: &str) -> Condition {
    let condition = Condition::all().add(column.gte(prefix));
    match text::prefix_upper_bound(prefix) {
        Some(bound) => condition.add(column.lt(bound)),
        None => condition,
    }
}

/// The products with this label; `None` when no product can have it, as it breaks the rules of labels.
fn labelled((key, value): &(String, String)) -> Option<SelectStatement> {
    let label = label::labels("labels", [(key.as_str(), value.as_str())]).ok()?.pop()?;
    let select = product_label::Entity::find()
        .select_only()
        .column(product_label::Column::ProductId)
        .filter(product_label::Column::Key.eq(label.key))
        .filter(product_label::Column::Value.eq(label.value));
    Some(select.into_query())
}

/// The filter with each label once; `None` when it asks for more labels than a product can have.
fn distinct(filter: &ProductFilter) -> Option<ProductFilter> {
    let labels: BTreeSet<_> = filter.labels.iter().cloned().collect();
    (labels.len() <= label::MAX_LABELS).then(|| ProductFilter {
        labels: labels.into_iter().collect(),
        ..filter.clone()
    })
}

/// A page of the products that a list shows `viewer`.
///
/// # Errors
/// `BAD_USER_INPUT` for a cursor of another list or order.
pub async fn page_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &ProductFilter,
    order: (ProductSort, Direction),
    page: &Page,
) -> Result<Slice<ProductRecord>, ServiceError> {
    let view = CatalogView::of(connection, viewer).await?;
    let (false, Some(filter)) = (view == CatalogView::Nothing, distinct(filter)) else {
        return Ok(Slice::empty());
    };
    let slice = pagination::page(connection, listed(&view, &filter), &sort_key(order), page).await?;
    Ok(slice.map(ProductRecord::from))
}

/// How many products a list shows `viewer`.
///
/// # Errors
/// When the database fails.
pub async fn count_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &ProductFilter,
) -> Result<u64, ServiceError> {
    let view = CatalogView::of(connection, viewer).await?;
    match distinct(filter) {
        Some(filter) if view != CatalogView::Nothing => pagination::count(connection, listed(&view, &filter)).await,
        Some(_) | None => Ok(0),
    }
}

/// The products with these ids that exist for `viewer`.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: impl IntoIterator<Item = ProductId>,
) -> Result<Vec<ProductRecord>, StoreError> {
    let view = CatalogView::of(connection, viewer).await?;
    let rows = product::Entity::find()
        .filter(view.products())
        .filter(product::Column::Id.is_in(ids.into_iter().map(|id| id.uuid())))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(ProductRecord::from).collect())
}

/// The products with these slugs that exist for `viewer`.
pub async fn find_by_slug_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    slugs: &[String],
) -> Result<Vec<ProductRecord>, StoreError> {
    let view = CatalogView::of(connection, viewer).await?;
    let rows = product::Entity::find()
        .filter(view.products())
        .filter(product::Column::Slug.is_in(slugs))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(ProductRecord::from).collect())
}

/// The product, locked for a change: before its versions. The caller is an admin.
pub async fn lock(connection: &impl ConnectionTrait, id: ProductId) -> Result<Option<ProductRecord>, StoreError> {
    let row = product::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(connection)
        .await?;
    Ok(row.map(ProductRecord::from))
}

/// Which of these slugs products have already.
pub(super) async fn taken_slugs(
    connection: &impl ConnectionTrait,
    slugs: &[String],
) -> Result<HashSet<String>, StoreError> {
    let taken: Vec<String> = product::Entity::find()
        .select_only()
        .column(product::Column::Slug)
        .filter(product::Column::Slug.is_in(slugs))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(taken.into_iter().collect())
}

/// Adds a product, unless its slug is taken: then `false`, and the transaction can go on.
pub(super) async fn insert(connection: &impl ConnectionTrait, product: &ProductRecord) -> Result<bool, StoreError> {
    let inserted = product::Entity::insert(product::ActiveModel::from(product))
        .on_conflict(OnConflict::column(product::Column::Slug).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(connection)
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1..)))
}

/// Writes a product that is there and locked.
///
/// # Errors
/// [`StoreError::Duplicate`] when the slug is taken.
pub(super) async fn update(connection: &impl ConnectionTrait, product: &ProductRecord) -> Result<(), StoreError> {
    product::ActiveModel::from(product).update(connection).await?;
    Ok(())
}

/// Deletes the product; its labels, documents and versions go along by their foreign keys.
pub(super) async fn delete(connection: &impl ConnectionTrait, id: ProductId) -> Result<(), StoreError> {
    product::Entity::delete_by_id(id.uuid()).exec(connection).await?;
    Ok(())
}
