//! Setting and removing versions' gateway services.

use async_graphql::ID;
use domain::{
    Refusal, RefusalCode,
    audit::AuditAction,
    gateway_service::{GatewayService, InvalidUpstreamUrl, UpstreamUrl},
    id::VersionKind,
};
use serde_json::json;

pub use domain::gateway_service::RouteInput;

pub(crate) use super::conflict::refuse_conflicts;
use super::{conflict::refuse_conflicts_of, store};
use crate::{
    audit::record::AuditRecord,
    change::Subject,
    context::CallContext,
    control_plane::ControlPlane,
    error::ServiceError,
    id,
    version::{self, service::VersionRecord},
};

/// What an admin wants a version's gateway service to be.
#[derive(Clone, Debug)]
pub struct SetGatewayService {
    /// The version.
    pub version_id: ID,
    /// Where calls go; kept as written.
    pub upstream_url: String,
    /// Which calls are the version's; kept in canonical form.
    pub routes: Vec<RouteInput>,
}

/// Gives a version its gateway service, in the place of one that it has. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, or refusals by field: those of [`GatewayService::validate`],
/// NOT_FOUND, and ROUTE_CONFLICT when the version is live and another live one claims a route.
pub async fn set(
    plane: &ControlPlane,
    call: &CallContext,
    input: SetGatewayService,
) -> Result<VersionRecord, ServiceError> {
    call.admin()?;
    let id = id::parse::<VersionKind>("versionId", &input.version_id)?;
    let service = GatewayService::validate(&input.upstream_url, &input.routes)?;
    refuse_own_listener(plane, &service.upstream_url)?;
    let mut transaction = plane.write().await?;
    let version = version::store::lock(&*transaction, id).await?.ok_or_else(not_found)?;
    if version.lifecycle.is_live() {
        refuse_conflicts_of(&transaction, id, &service.routes).await?;
    }
    let before = store::of_version(&*transaction, id).await?;
    let upstream_url = service.upstream_url.as_str().to_owned();
    store::write_upstream(&*transaction, id, Some(upstream_url.clone()), call.now).await?;
    store::replace_routes(&*transaction, id, &service.routes).await?;
    let mut event = AuditRecord::new(call, AuditAction::GatewayServiceSet, id).after(summary(&service));
    if let Some(before) = before {
        event = event.before(summary(&before));
    }
    transaction.audit(event);
    transaction.changed(Subject::Version, id.uuid());
    transaction.commit().await?;
    Ok(VersionRecord {
        upstream_url: Some(upstream_url),
        updated_at: call.now,
        ..version
    })
}

/// Takes a version's gateway service away; the gateway answers its routes with 404 from then on. Admins only.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, `BAD_USER_INPUT`, or NOT_FOUND at `versionId`, when the version has none too.
pub async fn remove(plane: &ControlPlane, call: &CallContext, version_id: &ID) -> Result<VersionRecord, ServiceError> {
    call.admin()?;
    let id = id::parse::<VersionKind>("versionId", version_id)?;
    let mut transaction = plane.write().await?;
    let version = version::store::lock(&*transaction, id).await?.ok_or_else(not_found)?;
    if version.upstream_url.is_none() {
        return Err(Refusal::at(
            "versionId",
            RefusalCode::NotFound,
            "This version has no gateway service.",
        )
        .into());
    }
    let before = store::of_version(&*transaction, id).await?;
    store::write_upstream(&*transaction, id, None, call.now).await?;
    store::replace_routes(&*transaction, id, &[]).await?;
    let mut event = AuditRecord::new(call, AuditAction::GatewayServiceRemove, id);
    if let Some(before) = before {
        event = event.before(summary(&before));
    }
    transaction.audit(event);
    transaction.changed(Subject::Version, id.uuid());
    transaction.commit().await?;
    Ok(VersionRecord {
        upstream_url: None,
        updated_at: call.now,
        ..version
    })
}

/// Refuses an upstream that leads back to the gateway by the name that callers know it by. By any other name the
/// gateway refuses it when it connects.
fn refuse_own_listener(plane: &ControlPlane, upstream: &UpstreamUrl) -> Result<(), Refusal> {
    match UpstreamUrl::parse(&plane.gateway_public_url) {
        Ok(gateway) if upstream.shares_listener_with(&gateway) => Err(InvalidUpstreamUrl::Gateway.refusal()),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn not_found() -> ServiceError {
    Refusal::at("versionId", RefusalCode::NotFound, "There is no version with this id.").into()
}

fn summary(service: &GatewayService) -> serde_json::Value {
    let GatewayService { upstream_url, routes } = service;
    let routes = routes.iter().map(|route| {
        json!({
            "hosts": route.hosts().iter().map(|host| host.as_str()).collect::<Vec<_>>(),
            "paths": route.paths(),
            "methods": route.methods(),
            "stripPath": route.strip_path(),
        })
    });
    json!({ "upstreamUrl": upstream_url.as_str(), "routes": routes.collect::<Vec<_>>() })
}
