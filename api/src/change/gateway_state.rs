//! The present state as gateways need it, read from the database.

use std::collections::{HashMap, HashSet};

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    gateway_service::{GatewayService, RouteInput},
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
};
use entity::{access_request, app, auth_strategy, change::Subject, credential, developer, route, version};
use gateway::record::{
    AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord, Update, VersionRecord,
};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, Select};
use uuid::Uuid;

use crate::{
    access_request::store::open_statuses, database::column, error::StoreError, gateway_service::store::route_input,
};

/// Everything there is, as one list of updates to an empty snapshot.
pub(super) async fn all(connection: &impl ConnectionTrait) -> Result<Vec<Update>, StoreError> {
    let mut updates = Vec::new();
    updates.extend(
        strategies(connection, auth_strategy::Entity::find())
            .await?
            .into_values(),
    );
    updates.extend(
        versions(connection, version::Entity::find(), route::Entity::find())
            .await?
            .into_values(),
    );
    updates.extend(developers(connection, developer::Entity::find()).await?.into_values());
    updates.extend(apps(connection, app::Entity::find()).await?.into_values());
    updates.extend(credentials(connection, credential::Entity::find()).await?.into_values());
    updates.extend(requests(connection, access_request::Entity::find()).await?);
    Ok(updates)
}

/// The present state of the objects that changed: what is gone is an update that removes it.
pub(super) async fn of(
    connection: &impl ConnectionTrait,
    changed: &impl Fn(Subject) -> Vec<Uuid>,
) -> Result<Vec<Update>, StoreError> {
    let mut updates = Vec::new();
    let ids = changed(Subject::AuthStrategy);
    if !ids.is_empty() {
        let select = auth_strategy::Entity::find().filter(auth_strategy::Column::Id.is_in(ids.clone()));
        let found = strategies(connection, select).await?;
        updates.extend(present(ids, found, |id| {
            Update::AuthStrategy(AuthStrategyId::from_uuid(id), None)
        }));
    }
    let ids = changed(Subject::Version);
    if !ids.is_empty() {
        let select = version::Entity::find().filter(version::Column::Id.is_in(ids.clone()));
        let routes = route::Entity::find().filter(route::Column::VersionId.is_in(ids.clone()));
        let found = versions(connection, select, routes).await?;
        updates.extend(present(ids, found, |id| {
            Update::Version(VersionId::from_uuid(id), None)
        }));
    }
    let ids = changed(Subject::Developer);
    if !ids.is_empty() {
        let select = developer::Entity::find().filter(developer::Column::Id.is_in(ids.clone()));
        let found = developers(connection, select).await?;
        updates.extend(present(ids, found, |id| {
            Update::Developer(DeveloperId::from_uuid(id), None)
        }));
    }
    let ids = changed(Subject::App);
    if !ids.is_empty() {
        let select = app::Entity::find().filter(app::Column::Id.is_in(ids.clone()));
        let found = apps(connection, select).await?;
        updates.extend(present(ids, found, |id| Update::App(AppId::from_uuid(id), None)));
    }
    let ids = changed(Subject::Credential);
    if !ids.is_empty() {
        let select = credential::Entity::find().filter(credential::Column::Id.is_in(ids.clone()));
        let found = credentials(connection, select).await?;
        updates.extend(present(ids, found, |id| {
            Update::Credential(CredentialId::from_uuid(id), None)
        }));
    }
    let ids = changed(Subject::AccessRequest);
    if !ids.is_empty() {
        // A request that is gone went with its app or version, whose own update takes it along.
        let rows = access_request::Entity::find()
            .filter(access_request::Column::Id.is_in(ids))
            .all(connection)
            .await?;
        let (open, over): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_open);
        let mut pairs: HashSet<(Uuid, Uuid)> = over.into_iter().map(|row| (row.app_id, row.version_id)).collect();
        for row in open {
            // A pair has one at most, so no other row is asked for.
            pairs.remove(&(row.app_id, row.version_id));
            updates.push(request(&row));
        }
        for pair in pairs {
            updates.extend(present_request(connection, pair).await?.as_ref().map(request));
        }
    }
    Ok(updates)
}

fn present(
    ids: Vec<Uuid>,
    mut found: HashMap<Uuid, Update>,
    gone: impl Fn(Uuid) -> Update,
) -> impl Iterator<Item = Update> {
    ids.into_iter()
        .map(move |id| found.remove(&id).unwrap_or_else(|| gone(id)))
}

async fn strategies(
    connection: &impl ConnectionTrait,
    select: Select<auth_strategy::Entity>,
) -> Result<HashMap<Uuid, Update>, StoreError> {
    let mut updates = HashMap::new();
    for row in select.all(connection).await? {
        let id = AuthStrategyId::from_uuid(row.id);
        let record = AuthStrategyRecord {
            id,
            kind: row.kind.into(),
            key_names: column::texts(&row.key_names)?,
            credential_ttl_days: column::optional_count(row.credential_ttl_days)?,
        };
        updates.insert(row.id, Update::AuthStrategy(id, Some(record)));
    }
    Ok(updates)
}

async fn versions(
    connection: &impl ConnectionTrait,
    select: Select<version::Entity>,
    routes: Select<route::Entity>,
) -> Result<HashMap<Uuid, Update>, StoreError> {
    let mut by_version: HashMap<Uuid, Vec<RouteInput>> = HashMap::new();
    for row in routes.order_by_asc(route::Column::Position).all(connection).await? {
        by_version.entry(row.version_id).or_default().push(route_input(row)?);
    }
    let mut updates = HashMap::new();
    for row in select.all(connection).await? {
        let id = VersionId::from_uuid(row.id);
        let routes = by_version.remove(&row.id).unwrap_or_default();
        let service = row.upstream_url.and_then(|upstream_url| {
            GatewayService::validate(&upstream_url, &routes)
                .inspect_err(|refusals| tracing::error!(version = %id, ?refusals, "a stored gateway service is not valid: it serves nothing"))
                .ok()
        });
        let record = VersionRecord {
            id,
            lifecycle: row.lifecycle.into(),
            strategy: row.auth_strategy_id.map(AuthStrategyId::from_uuid),
            service,
        };
        updates.insert(row.id, Update::Version(id, Some(record)));
    }
    Ok(updates)
}

async fn developers(
    connection: &impl ConnectionTrait,
    select: Select<developer::Entity>,
) -> Result<HashMap<Uuid, Update>, StoreError> {
    let rows = select.all(connection).await?.into_iter();
    Ok(rows
        .map(|row| {
            let id = DeveloperId::from_uuid(row.id);
            (
                row.id,
                Update::Developer(
                    id,
                    Some(DeveloperRecord {
                        id,
                        status: row.status.into(),
                    }),
                ),
            )
        })
        .collect())
}

async fn apps(
    connection: &impl ConnectionTrait,
    select: Select<app::Entity>,
) -> Result<HashMap<Uuid, Update>, StoreError> {
    let rows = select.all(connection).await?.into_iter();
    Ok(rows.map(|row| (row.id, app(row.id, Some(row)))).collect())
}

/// The present state of the app with this id, from its row; without one it is gone.
pub(super) fn app(id: Uuid, row: Option<app::Model>) -> Update {
    let id = AppId::from_uuid(id);
    let record = row.map(|row| AppRecord {
        id,
        developer_id: DeveloperId::from_uuid(row.developer_id),
        status: row.status.into(),
        name: row.name,
        reference_id: row.reference_id,
    });
    Update::App(id, record)
}

async fn credentials(
    connection: &impl ConnectionTrait,
    select: Select<credential::Entity>,
) -> Result<HashMap<Uuid, Update>, StoreError> {
    let mut updates = HashMap::new();
    for row in select.all(connection).await? {
        let id = CredentialId::from_uuid(row.id);
        let record = CredentialRecord {
            id,
            app_id: AppId::from_uuid(row.app_id),
            kind: row.kind.into(),
            key_hash: row
                .key_hash
                .map(|hash| ApiKeyHash::try_from(hash.as_slice()))
                .transpose()
                .map_err(|_| StoreError::Corrupt("a key hash of another length"))?,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_millis),
            revoked_at: row.revoked_at.map(Timestamp::from_millis),
        };
        updates.insert(row.id, Update::Credential(id, Some(record)));
    }
    Ok(updates)
}

/// The present request of each pair of app and version: the open one, or else the latest.
async fn requests(
    connection: &impl ConnectionTrait,
    select: Select<access_request::Entity>,
) -> Result<Vec<Update>, StoreError> {
    let rows = select
        .order_by_asc(access_request::Column::CreatedAt)
        .order_by_asc(access_request::Column::Id)
        .all(connection)
        .await?;
    let mut present: HashMap<(Uuid, Uuid), access_request::Model> = HashMap::new();
    for row in rows {
        let pair = (row.app_id, row.version_id);
        if !present.get(&pair).is_some_and(is_open) {
            present.insert(pair, row);
        }
    }
    Ok(present.values().map(request).collect())
}

/// The present request of one pair of app and version. Reads two rows at most: an app may ask and cancel for ever, and
/// each step of it is followed.
async fn present_request(
    connection: &impl ConnectionTrait,
    (app, version): (Uuid, Uuid),
) -> Result<Option<access_request::Model>, StoreError> {
    let of_pair = access_request::Entity::find()
        .filter(access_request::Column::AppId.eq(app))
        .filter(access_request::Column::VersionId.eq(version));
    let open = of_pair
        .clone()
        .filter(access_request::Column::Status.is_in(open_statuses()))
        .one(connection)
        .await?;
    if open.is_some() {
        return Ok(open);
    }
    Ok(of_pair
        .order_by_desc(access_request::Column::CreatedAt)
        .order_by_desc(access_request::Column::Id)
        .one(connection)
        .await?)
}

fn is_open(row: &access_request::Model) -> bool {
    AccessRequestStatus::from(row.status).is_open()
}

fn request(row: &access_request::Model) -> Update {
    let app_id = AppId::from_uuid(row.app_id);
    let version_id = VersionId::from_uuid(row.version_id);
    let record = AccessRequestRecord {
        app_id,
        version_id,
        status: row.status.into(),
    };
    Update::AccessRequest(app_id, version_id, Some(record))
}
