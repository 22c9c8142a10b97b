//! Making, changing and deleting versions, and taking them through their life.

use async_graphql::{ID, MaybeUndefined};
use domain::{
    Refusal, RefusalCode,
    audit::AuditAction,
    id::{ProductKind, VersionId, VersionKind},
    version::{self, VersionLifecycle},
};
use serde::Serialize;
use serde_json::json;

pub use super::store::{VersionFilter, VersionParent, VersionRecord};
use super::{deletion, store};
use crate::{
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    error::{ServiceError, StoreError},
    gateway_service::service::refuse_conflicts,
    graphql::payload::Replayable,
    id,
    idempotency::{self, Claim},
    patch, product,
};

/// A version to make.
#[derive(Clone, Debug, Serialize)]
pub struct CreateVersion {
    /// Its product.
    pub product_id: ID,
    /// The name.
    pub name: String,
    /// Where it starts its life.
    #[serde(serialize_with = "as_text")]
    pub lifecycle: VersionLifecycle,
    /// The OpenAPI document.
    pub specification: Option<String>,
    /// The caller's key; not a part of the input that it stands for.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

fn as_text<S: serde::Serializer>(lifecycle: &VersionLifecycle, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(lifecycle)
}

/// What an admin wants changed of a version; what is undefined is left alone.
#[derive(Clone, Debug)]
pub struct VersionPatch {
    /// The version.
    pub id: ID,
    /// The name.
    pub name: MaybeUndefined<String>,
    /// The OpenAPI document.
    pub specification: MaybeUndefined<String>,
}

/// Makes a version, without a gateway service and closed for registration. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, or refusals by field: `TAKEN` when the product has a version of
/// that name.
pub async fn create(
    plane: &ControlPlane,
    call: &CallContext,
    input: CreateVersion,
) -> Result<Replayable<VersionRecord>, ServiceError> {
    call.admin()?;
    let product_id = id::parse::<ProductKind>("productId", &input.product_id)?;
    let mut transaction = plane.write().await?;
    let id = VersionId::new();
    let key = input.idempotency_key.as_deref();
    match idempotency::claim(&transaction, call, "createVersion", key, &input, id.uuid()).await? {
        Claim::Fresh => {}
        Claim::Replay(id) => {
            let made = [VersionId::from_uuid(id)];
            let version = store::find_for(&*transaction, &call.viewer, made).await?.pop();
            return Ok(Replayable {
                value: version.ok_or_else(idempotency::made_is_gone)?,
                replayed: true,
            });
        }
    }
    if product::store::lock(&*transaction, product_id).await?.is_none() {
        return Err(Refusal::at("productId", RefusalCode::NotFound, "There is no product with this id.").into());
    }
    let specification = input.specification.as_deref();
    let specification = specification
        .map(|given| checked_specification(plane, given))
        .transpose();
    let (name, specification) = match (plane.limits.name("name", &input.name), specification) {
        (Ok(name), Ok(specification)) => (name, specification),
        (name, specification) => {
            let refusals = name.err().into_iter().chain(specification.err());
            return Err(refusals.collect::<Vec<_>>().into());
        }
    };
    let version = VersionRecord {
        id,
        product_id,
        name,
        lifecycle: input.lifecycle,
        upstream_url: None,
        registration_enabled: false,
        auto_approve: false,
        auth_strategy_id: None,
        created_at: call.now,
        updated_at: call.now,
    };
    if !store::insert(&*transaction, &version).await? {
        return Err(name_taken(&version.name).into());
    }
    let bytes = specification.as_ref().map(String::len);
    store::replace_specification(&*transaction, id, specification).await?;
    let mut after = summary(&version);
    after["specificationBytes"] = json!(bytes);
    transaction.audit(AuditRecord::new(call, AuditAction::VersionCreate, id).after(after));
    transaction.changed(Subject::Version, id.uuid());
    transaction.commit().await?;
    Ok(Replayable {
        value: version,
        replayed: false,
    })
}

/// Changes a version's name or specification. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, or refusals by field.
pub async fn update(
    plane: &ControlPlane,
    call: &CallContext,
    patch: VersionPatch,
) -> Result<VersionRecord, ServiceError> {
    call.admin()?;
    let VersionPatch {
        id,
        name,
        specification,
    } = patch;
    let id = id::parse::<VersionKind>("id", &id)?;
    let mut transaction = plane.write().await?;
    let before = store::lock(&*transaction, id).await?.ok_or_else(not_found)?;
    let mut after = VersionRecord {
        updated_at: call.now,
        ..before.clone()
    };
    let mut refusals = Vec::new();
    patch::replace(&mut refusals, "name", &mut after.name, name, |name| {
        plane.limits.name("name", &name)
    });
    let specification = patch::replacement(specification).and_then(|given| {
        let checked = given.map(|given| checked_specification(plane, &given)).transpose();
        patch::kept(&mut refusals, checked)
    });
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    store::update(&*transaction, &after)
        .await
        .map_err(|error| match error {
            StoreError::Duplicate(_) => name_taken(&after.name).into(),
            StoreError::Unavailable(_) | StoreError::Failed(_) | StoreError::Corrupt(_) => ServiceError::from(error),
        })?;
    let (mut told_before, mut told_after) = (summary(&before), summary(&after));
    if let Some(document) = specification {
        let replaced = store::specifications(&*transaction, [id]).await?.remove(&id);
        told_before["specificationBytes"] = json!(replaced.map(|replaced| replaced.len()));
        told_after["specificationBytes"] = json!(document.as_ref().map(String::len));
        store::replace_specification(&*transaction, id, document).await?;
    }
    transaction.audit(
        AuditRecord::new(call, AuditAction::VersionUpdate, id)
            .before(told_before)
            .after(told_after),
    );
    transaction.changed(Subject::Version, id.uuid());
    transaction.commit().await?;
    Ok(after)
}

/// Takes a version to another state of its life. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, `NOT_FOUND`, `INVALID_TRANSITION`, or `ROUTE_CONFLICT` when it
/// becomes live and another live version claims one of its routes.
pub async fn set_lifecycle(
    plane: &ControlPlane,
    call: &CallContext,
    id: &ID,
    wanted: VersionLifecycle,
) -> Result<VersionRecord, ServiceError> {
    call.admin()?;
    let id = id::parse::<VersionKind>("id", id)?;
    let mut transaction = plane.write().await?;
    let before = store::lock(&*transaction, id).await?.ok_or_else(not_found)?;
    let lifecycle = version::step(before.lifecycle, wanted)?;
    if lifecycle.is_live() && !before.lifecycle.is_live() {
        refuse_conflicts(&transaction, id).await?;
    }
    let after = VersionRecord {
        lifecycle,
        updated_at: call.now,
        ..before.clone()
    };
    store::update(&*transaction, &after).await?;
    transaction.audit(
        AuditRecord::new(call, AuditAction::VersionSetLifecycle, id)
            .before(json!({ "lifecycle": before.lifecycle.to_string() }))
            .after(json!({ "lifecycle": after.lifecycle.to_string() })),
    );
    transaction.changed(Subject::Version, id.uuid());
    transaction.commit().await?;
    Ok(after)
}

/// Deletes a version. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, `NOT_FOUND`, or `IN_USE` while it has approved requests, unless
/// `force`.
pub async fn delete(plane: &ControlPlane, call: &CallContext, id: &ID, force: bool) -> Result<VersionId, ServiceError> {
    call.admin()?;
    let id = id::parse::<VersionKind>("id", id)?;
    let mut transaction = plane.write().await?;
    let version = store::lock(&*transaction, id).await?.ok_or_else(not_found)?;
    deletion::delete(&mut transaction, call, &[version], force).await?;
    transaction.commit().await?;
    Ok(id)
}

fn checked_specification(plane: &ControlPlane, given: &str) -> Result<String, Refusal> {
    version::specification("specification", given, plane.limits.specification_bytes)
}

fn not_found() -> ServiceError {
    Refusal::at("id", RefusalCode::NotFound, "There is no version with this id.").into()
}

fn name_taken(name: &str) -> Refusal {
    Refusal::at(
        "name",
        RefusalCode::Taken,
        format!("The product already has a version {name}. Choose another name."),
    )
}

/// What an audit event keeps of a version; of its specification at most the size.
pub(super) fn summary(version: &VersionRecord) -> serde_json::Value {
    json!({
        "productId": version.product_id.to_string(),
        "name": version.name,
        "lifecycle": version.lifecycle.to_string(),
    })
}
