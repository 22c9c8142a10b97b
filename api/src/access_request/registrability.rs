//! Whether the viewer may ask for access to a version: the portal's Register button, and the apps to offer.

use domain::{
    RefusalCode, access_request::viewer_cannot_register_reasons, credential::StrategyChoice, page::Page,
    registration::Registration, viewer::Viewer,
};

use super::binding_store;
use crate::{
    app::store::{self as app_store, AppRecord},
    auth_strategy::store::AuthStrategyRecord,
    context::CallContext,
    control_plane::ControlPlane,
    error::ServiceError,
    graphql::connection::TotalCount,
    pagination::{self, Direction, Slice},
    portal::store::PortalRecord,
    product::store::ProductRecord,
    version::store::VersionRecord,
};

/// A version's registration settings as the rules take them.
#[must_use]
pub fn registration_of(version: &VersionRecord, strategy: Option<&AuthStrategyRecord>) -> Registration {
    Registration {
        enabled: version.registration_enabled,
        auto_approve: version.auto_approve,
        auth_strategy: strategy.map(|strategy| StrategyChoice {
            id: strategy.id,
            kind: strategy.kind,
        }),
    }
}

/// Why the viewer cannot ask for access to the version; empty: they can.
#[must_use]
pub fn reasons(
    viewer: &Viewer,
    portal: &PortalRecord,
    product: &ProductRecord,
    version: &VersionRecord,
    strategy: Option<&AuthStrategyRecord>,
) -> Vec<RefusalCode> {
    viewer_cannot_register_reasons(
        viewer,
        &portal.settings,
        product.published_at.is_some(),
        version.lifecycle,
        &registration_of(version, strategy),
    )
}

/// The viewer's apps whose request for the version would be accepted.
///
/// # Errors
/// `BAD_USER_INPUT` for a cursor of another list.
pub async fn eligible_apps(
    plane: &ControlPlane,
    call: &CallContext,
    version: &VersionRecord,
    strategy: Option<&AuthStrategyRecord>,
    page: Page,
) -> Result<(Slice<AppRecord>, TotalCount), ServiceError> {
    let Viewer::Developer { id: developer, .. } = call.viewer else {
        return Ok((Slice::empty(), TotalCount::known(0)));
    };
    let Some(strategy) = strategy else {
        return Ok((Slice::empty(), TotalCount::known(0)));
    };
    let select = binding_store::eligible_apps(developer, version.id, strategy.kind, call.now);
    let key = app_store::sort_key(app_store::AppSort::CreatedAt, Direction::Descending);
    let slice = pagination::page(plane.database.read(), select.clone(), &key, &page).await?;
    let database = plane.database.clone();
    let total = TotalCount::new(move || {
        let (database, select) = (database.clone(), select.clone());
        async move { pagination::count(database.read(), select).await }
    });
    Ok((slice.map(AppRecord::from), total))
}
