//! Which kind of strategy an app is bound to, and which apps a version's request would be accepted from.

use domain::{
    Timestamp,
    app::BoundKinds,
    auth_strategy::AuthStrategyType,
    id::{AppId, DeveloperId, VersionId},
};
use entity::{access_request, app, auth_strategy, credential, version};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _, Select,
};

use super::store::{open_statuses, open_versions_of_app};
use crate::error::StoreError;

/// What an app's live credentials and open requests bind it to.
pub async fn bound_kinds(
    connection: &impl ConnectionTrait,
    app: AppId,
    now: Timestamp,
) -> Result<BoundKinds, StoreError> {
    let credentials: Vec<credential::Kind> = credential::Entity::find()
        .select_only()
        .distinct()
        .column(credential::Column::Kind)
        .filter(credential::Column::AppId.eq(app.uuid()))
        .filter(live_credential(now))
        .into_tuple()
        .all(connection)
        .await?;
    let versions = open_versions_of_app(connection, app).await?;
    let strategies: Vec<auth_strategy::Kind> = auth_strategy::Entity::find()
        .select_only()
        .column(auth_strategy::Column::Kind)
        .filter(
            auth_strategy::Column::Id.in_subquery(
                version::Entity::find()
                    .select_only()
                    .column(version::Column::AuthStrategyId)
                    .filter(version::Column::Id.is_in(versions.iter().map(|id| id.uuid())))
                    .filter(version::Column::AuthStrategyId.is_not_null())
                    .into_query(),
            ),
        )
        .into_tuple()
        .all(connection)
        .await?;
    Ok(BoundKinds::new(
        credentials.into_iter().map(Into::into),
        strategies.into_iter().map(Into::into),
    ))
}

fn live_credential(now: Timestamp) -> Condition {
    Condition::all().add(credential::Column::RevokedAt.is_null()).add(
        Condition::any()
            .add(credential::Column::ExpiresAt.is_null())
            .add(credential::Column::ExpiresAt.gt(now.as_millis())),
    )
}

/// The apps of `developer` whose request for a version with a strategy of `kind` would be accepted, as far as it is
/// the app's business: in use, without an open request for the version, and bound to no other kind.
#[must_use]
pub fn eligible_apps(
    developer: DeveloperId,
    version: VersionId,
    kind: AuthStrategyType,
    now: Timestamp,
) -> Select<app::Entity> {
    let requested = access_request::Entity::find()
        .select_only()
        .column(access_request::Column::AppId)
        .filter(access_request::Column::DeveloperId.eq(developer.uuid()))
        .filter(access_request::Column::VersionId.eq(version.uuid()))
        .filter(access_request::Column::Status.is_in(open_statuses()))
        .into_query();
    let own_apps = app::Entity::find()
        .select_only()
        .column(app::Column::Id)
        .filter(app::Column::DeveloperId.eq(developer.uuid()))
        .into_query();
    let holding_other_kind = credential::Entity::find()
        .select_only()
        .column(credential::Column::AppId)
        .filter(credential::Column::AppId.in_subquery(own_apps))
        .filter(credential::Column::Kind.ne(credential::Kind::from(kind.credential_kind())))
        .filter(live_credential(now))
        .into_query();
    let other_kind = auth_strategy::Entity::find()
        .select_only()
        .column(auth_strategy::Column::Id)
        .filter(auth_strategy::Column::Kind.ne(auth_strategy::Kind::from(kind)))
        .into_query();
    let of_other_kind = version::Entity::find()
        .select_only()
        .column(version::Column::Id)
        .filter(version::Column::AuthStrategyId.in_subquery(other_kind))
        .into_query();
    let asking_other_kind = access_request::Entity::find()
        .select_only()
        .column(access_request::Column::AppId)
        .filter(access_request::Column::DeveloperId.eq(developer.uuid()))
        .filter(access_request::Column::VersionId.in_subquery(of_other_kind))
        .filter(access_request::Column::Status.is_in(open_statuses()))
        .into_query();
    app::Entity::find()
        .filter(app::Column::DeveloperId.eq(developer.uuid()))
        .filter(app::Column::Status.eq(app::Status::Active))
        .filter(app::Column::Id.not_in_subquery(requested))
        .filter(app::Column::Id.not_in_subquery(holding_other_kind))
        .filter(app::Column::Id.not_in_subquery(asking_other_kind))
}
