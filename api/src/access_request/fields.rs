//! What versions and apps show of access requests: fields of other types' objects, resolved here.

use async_graphql::{Context, Result};
use domain::{RefusalCode, page::Page};

use super::registrability;
use crate::{
    app::graphql::AppConnection, error::ServiceError, loader::RequestContext as _, portal::loader::PortalKey,
    version::service::VersionRecord,
};

/// Why the viewer cannot ask for access to the version; empty: they can.
///
/// # Errors
/// When the database fails.
pub async fn cannot_register_reasons(context: &Context<'_>, version: &VersionRecord) -> Result<Vec<RefusalCode>> {
    let (portal, product) = futures_util::try_join!(context.expect(PortalKey), context.expect(version.product_id))?;
    let strategy = match version.auth_strategy_id {
        Some(id) => context.load(id).await?,
        None => None,
    };
    Ok(registrability::reasons(
        &context.call().viewer,
        &portal,
        &product,
        version,
        strategy.as_ref(),
    ))
}

/// The viewer's apps whose request for the version would be accepted; `None` for who has no apps.
///
/// # Errors
/// `BAD_USER_INPUT` for arguments that do not fit.
pub async fn eligible_apps(
    context: &Context<'_>,
    version: &VersionRecord,
    page: Result<Page, ServiceError>,
) -> Result<Option<AppConnection>> {
    let page = context.give(page)?;
    if context.call().developer().is_err() {
        return Ok(None);
    }
    let strategy = match version.auth_strategy_id {
        Some(id) if cannot_register_reasons(context, version).await?.is_empty() => context.load(id).await?,
        Some(_) | None => None,
    };
    let found = registrability::eligible_apps(context.plane(), context.call(), version, strategy.as_ref(), page).await;
    let (slice, total) = context.give(found)?;
    Ok(Some(AppConnection::new(slice, total)))
}
