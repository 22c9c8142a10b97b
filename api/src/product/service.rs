//! Making, changing, publishing and deleting products.

use async_graphql::{ID, MaybeUndefined};
use domain::{
    Refusal, RefusalCode,
    audit::AuditAction,
    document::{self, Document, DocumentInput},
    id::{ProductId, ProductKind},
    label::{self, Label},
    product::{self, PublishStep},
    slug,
};
use serde::Serialize;
use serde_json::json;

use super::{document_store, label_store, store};
pub use super::{
    document_store::DocumentHeading,
    store::{ProductFilter, ProductRecord, ProductSort},
};
use crate::{
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    database::WriteTransaction,
    error::{ServiceError, StoreError},
    graphql::payload::Replayable,
    id,
    idempotency::{self, Claim},
    pagination::{Direction, Page, Slice},
    patch::{self, kept, kept_all, replacement},
    version,
};

/// How many slugs are looked up at once when the one made from a name is taken.
const SLUG_CANDIDATES: usize = 50;

/// A document as an admin wrote it.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentText {
    /// Its name in addresses.
    pub slug: String,
    /// The title.
    pub title: String,
    /// Markdown.
    pub body: String,
}

/// A product to make.
#[derive(Clone, Debug, Serialize)]
pub struct CreateProduct {
    /// The name.
    pub name: String,
    /// Its name in addresses; none: made from the name.
    pub slug: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Labels: key and value.
    pub labels: Vec<(String, String)>,
    /// Markdown pages, in order.
    pub documents: Vec<DocumentText>,
    /// The caller's key; not a part of the input that it stands for.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// What an admin wants changed of a product; what is undefined is left alone.
#[derive(Clone, Debug)]
pub struct ProductPatch {
    /// The product.
    pub id: ID,
    /// The name.
    pub name: MaybeUndefined<String>,
    /// Its name in addresses.
    pub slug: MaybeUndefined<String>,
    /// What it is.
    pub description: MaybeUndefined<String>,
    /// Labels: key and value.
    pub labels: MaybeUndefined<Vec<(String, String)>>,
    /// Markdown pages, in order.
    pub documents: MaybeUndefined<Vec<DocumentText>>,
}

/// A page of the products that the caller's list shows.
///
/// # Errors
/// `BAD_USER_INPUT` for a cursor of another list or order.
pub async fn list(
    plane: &ControlPlane,
    call: &CallContext,
    filter: &ProductFilter,
    order: (ProductSort, Direction),
    page: &Page,
) -> Result<Slice<ProductRecord>, ServiceError> {
    store::page_for(plane.database.read(), &call.viewer, filter, order, page).await
}

/// How many products the caller's list has.
///
/// # Errors
/// When the database fails.
pub async fn count(plane: &ControlPlane, call: &CallContext, filter: &ProductFilter) -> Result<u64, ServiceError> {
    store::count_for(plane.database.read(), &call.viewer, filter).await
}

/// Makes a product, unpublished. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals by field: `TAKEN` when another product has the slug that was given.
pub async fn create(
    plane: &ControlPlane,
    call: &CallContext,
    input: CreateProduct,
) -> Result<Replayable<ProductRecord>, ServiceError> {
    call.admin()?;
    let mut transaction = plane.write().await?;
    let id = ProductId::new();
    let key = input.idempotency_key.as_deref();
    match idempotency::claim(&transaction, call, "createProduct", key, &input, id.uuid()).await? {
        Claim::Fresh => {}
        Claim::Replay(id) => {
            let made = [ProductId::from_uuid(id)];
            let product = store::find_for(&*transaction, &call.viewer, made).await?.pop();
            return Ok(Replayable {
                value: product.ok_or_else(idempotency::made_is_gone)?,
                replayed: true,
            });
        }
    }
    let mut refusals = Vec::new();
    let name = kept(&mut refusals, plane.limits.product_name("name", &input.name));
    let slug = match (&input.slug, &name) {
        (Some(slug), _) => kept(&mut refusals, slug::slug("slug", slug)),
        (None, Some(name)) => kept(&mut refusals, slug::from_name("slug", name)),
        (None, None) => None,
    };
    let description = plane
        .limits
        .optional_description("description", input.description.as_deref());
    let description = kept(&mut refusals, description);
    let labels = kept_all(&mut refusals, checked_labels(&input.labels));
    let documents = kept_all(&mut refusals, checked_documents(&input.documents));
    let (Some(name), Some(slug), Some(description), Some(labels), Some(documents)) =
        (name, slug, description, labels, documents)
    else {
        return Err(refusals.into());
    };
    let mut product = ProductRecord {
        id,
        slug,
        name,
        description,
        published_at: None,
        created_at: call.now,
        updated_at: call.now,
    };
    if input.slug.is_none() {
        insert_under_free_slug(&transaction, &mut product).await?;
    } else if !store::insert(&*transaction, &product).await? {
        return Err(slug_taken(&product.slug).into());
    }
    label_store::replace(&*transaction, id, &labels).await?;
    document_store::replace(&*transaction, id, &documents).await?;
    transaction.audit(AuditRecord::new(call, AuditAction::ProductCreate, id).after(summary(
        &product,
        &labels,
        slugs(&documents),
    )));
    transaction.changed(Subject::Product, id.uuid());
    transaction.commit().await?;
    Ok(Replayable {
        value: product,
        replayed: false,
    })
}

/// Inserts the product under its slug or, when that is taken, under the first free one of `-2`, `-3`, ….
async fn insert_under_free_slug(
    transaction: &WriteTransaction,
    product: &mut ProductRecord,
) -> Result<(), ServiceError> {
    let wanted = product.slug.clone();
    let mut candidates = slug::candidates(&wanted);
    loop {
        let batch: Vec<String> = candidates.by_ref().take(SLUG_CANDIDATES).collect();
        let taken = store::taken_slugs(&**transaction, &batch).await?;
        for slug in batch.into_iter().filter(|slug| !taken.contains(slug)) {
            product.slug = slug;
            // Another transaction may have taken it since it was looked up.
            if store::insert(&**transaction, product).await? {
                return Ok(());
            }
        }
    }
}

/// Changes a product. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, or refusals by field.
pub async fn update(
    plane: &ControlPlane,
    call: &CallContext,
    patch: ProductPatch,
) -> Result<ProductRecord, ServiceError> {
    call.admin()?;
    let ProductPatch {
        id,
        name,
        slug,
        description,
        labels,
        documents,
    } = patch;
    let id = id::parse::<ProductKind>("id", &id)?;
    let mut transaction = plane.write().await?;
    let before = store::lock(&*transaction, id).await?.ok_or_else(not_found)?;
    let mut after = ProductRecord {
        updated_at: call.now,
        ..before.clone()
    };
    let mut refusals = Vec::new();
    patch::replace(&mut refusals, "name", &mut after.name, name, |name| {
        plane.limits.product_name("name", &name)
    });
    patch::replace(&mut refusals, "slug", &mut after.slug, slug, |slug| {
        slug::slug("slug", &slug)
    });
    if let Some(description) = replacement(description) {
        let description = plane.limits.optional_description("description", description.as_deref());
        after.description = kept(&mut refusals, description).flatten();
    }
    let labels =
        replacement(labels).and_then(|labels| kept_all(&mut refusals, checked_labels(&labels.unwrap_or_default())));
    let documents = replacement(documents)
        .and_then(|documents| kept_all(&mut refusals, checked_documents(&documents.unwrap_or_default())));
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    store::update(&*transaction, &after)
        .await
        .map_err(|error| match error {
            StoreError::Duplicate(_) => slug_taken(&after.slug).into(),
            StoreError::Unavailable(_) | StoreError::Failed(_) | StoreError::Corrupt(_) => ServiceError::from(error),
        })?;
    let labels_before = label_store::of_product(&*transaction, id).await?;
    let headings = document_store::of_products(&*transaction, &[id]).await?;
    let slugs_before: Vec<&str> = headings.iter().map(|heading| heading.slug.as_str()).collect();
    if let Some(labels) = &labels {
        label_store::replace(&*transaction, id, labels).await?;
    }
    if let Some(documents) = &documents {
        document_store::replace(&*transaction, id, documents).await?;
    }
    let labels_after = labels.as_ref().unwrap_or(&labels_before);
    let slugs_after = documents.as_deref().map_or_else(|| slugs_before.clone(), slugs);
    transaction.audit(
        AuditRecord::new(call, AuditAction::ProductUpdate, id)
            .after(summary(&after, labels_after, slugs_after))
            .before(summary(&before, &labels_before, slugs_before)),
    );
    transaction.changed(Subject::Product, id.uuid());
    transaction.commit().await?;
    Ok(after)
}

/// Publishes a product; repeating it succeeds and changes nothing. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, or `NOT_FOUND`.
pub async fn publish(plane: &ControlPlane, call: &CallContext, id: &ID) -> Result<ProductRecord, ServiceError> {
    let step = |present: &ProductRecord| product::publish(present.published_at, call.now);
    take_step(plane, call, id, AuditAction::ProductPublish, step).await
}

/// Takes a product out of the catalog; repeating it succeeds and changes nothing. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, or `NOT_FOUND`.
pub async fn unpublish(plane: &ControlPlane, call: &CallContext, id: &ID) -> Result<ProductRecord, ServiceError> {
    let step = |present: &ProductRecord| product::unpublish(present.published_at);
    take_step(plane, call, id, AuditAction::ProductUnpublish, step).await
}

async fn take_step(
    plane: &ControlPlane,
    call: &CallContext,
    id: &ID,
    action: AuditAction,
    step: impl Fn(&ProductRecord) -> PublishStep + Send,
) -> Result<ProductRecord, ServiceError> {
    call.admin()?;
    let id = id::parse::<ProductKind>("id", id)?;
    let mut transaction = plane.write().await?;
    let before = store::lock(&*transaction, id).await?.ok_or_else(not_found)?;
    let published_at = match step(&before) {
        PublishStep::Unchanged => return Ok(before),
        PublishStep::Changed(published_at) => published_at,
    };
    let after = ProductRecord {
        published_at,
        updated_at: call.now,
        ..before.clone()
    };
    store::update(&*transaction, &after).await?;
    transaction.audit(
        AuditRecord::new(call, action, id)
            .before(json!({ "isPublished": before.published_at.is_some() }))
            .after(json!({ "isPublished": after.published_at.is_some() })),
    );
    transaction.changed(Subject::Product, id.uuid());
    transaction.commit().await?;
    Ok(after)
}

/// Deletes a product with its versions. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, `NOT_FOUND`, or `IN_USE` while a version has approved requests, unless `force`.
pub async fn delete(plane: &ControlPlane, call: &CallContext, id: &ID, force: bool) -> Result<ProductId, ServiceError> {
    call.admin()?;
    let id = id::parse::<ProductKind>("id", id)?;
    let mut transaction = plane.write().await?;
    let product = store::lock(&*transaction, id).await?.ok_or_else(not_found)?;
    let versions = version::store::lock_all_of(&*transaction, id).await?;
    version::deletion::delete(&mut transaction, call, &versions, force).await?;
    let labels = label_store::of_product(&*transaction, id).await?;
    let headings = document_store::of_products(&*transaction, &[id]).await?;
    let slugs = headings.iter().map(|heading| heading.slug.as_str()).collect();
    store::delete(&*transaction, id).await?;
    transaction.audit(AuditRecord::new(call, AuditAction::ProductDelete, id).before(summary(&product, &labels, slugs)));
    transaction.changed(Subject::Product, id.uuid());
    transaction.commit().await?;
    Ok(id)
}

fn not_found() -> ServiceError {
    Refusal::at("id", RefusalCode::NotFound, "There is no product with this id.").into()
}

fn slug_taken(slug: &str) -> Refusal {
    Refusal::at(
        "slug",
        RefusalCode::Taken,
        format!("Another product has the slug {slug}. Choose another one."),
    )
}

fn checked_labels(given: &[(String, String)]) -> Result<Vec<Label>, Vec<Refusal>> {
    label::labels(
        "labels",
        given.iter().map(|(key, value)| (key.as_str(), value.as_str())),
    )
}

fn checked_documents(given: &[DocumentText]) -> Result<Vec<Document>, Vec<Refusal>> {
    let given = given
        .iter()
        .map(|DocumentText { slug, title, body }| DocumentInput { slug, title, body });
    document::documents("documents", given)
}

fn slugs(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| document.slug.as_str()).collect()
}

/// What an audit event keeps of a product. Documents' bodies are left out: they may have megabytes.
fn summary(product: &ProductRecord, labels: &[Label], documents: Vec<&str>) -> serde_json::Value {
    let labels = labels
        .iter()
        .map(|label| (label.key.clone(), label.value.clone().into()));
    json!({
        "name": product.name,
        "slug": product.slug,
        "description": product.description,
        "labels": labels.collect::<serde_json::Map<_, _>>(),
        "documents": documents,
        "isPublished": product.published_at.is_some(),
    })
}
