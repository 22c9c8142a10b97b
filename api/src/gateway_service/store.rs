//! The rows of routes, in canonical form, and who claims their paths.

use std::collections::{BTreeSet, HashMap};

use domain::{
    Timestamp,
    gateway_service::{GatewayService, Route, RouteInput},
    id::VersionId,
};
use entity::{product, route, route_path, version};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use crate::{database::column, error::StoreError};

/// How many rows one statement inserts: PostgreSQL and SQLite count a statement's values.
const ROWS_PER_STATEMENT: usize = 1000;

/// The routes of each of these versions, in their order, for those who see the version. A version without routes is
/// missing.
pub async fn routes(
    connection: &impl ConnectionTrait,
    versions: impl IntoIterator<Item = VersionId>,
) -> Result<HashMap<VersionId, Vec<RouteInput>>, StoreError> {
    let ids = versions.into_iter().map(|id| id.uuid());
    let rows = route::Entity::find()
        .filter(route::Column::VersionId.is_in(ids))
        .order_by_asc(route::Column::VersionId)
        .order_by_asc(route::Column::Position)
        .all(connection)
        .await?;
    let mut routes: HashMap<VersionId, Vec<RouteInput>> = HashMap::new();
    for row in rows {
        let version = VersionId::from_uuid(row.version_id);
        routes.entry(version).or_default().push(route_input(row)?);
    }
    Ok(routes)
}

/// A stored route, as the domain checks it.
pub(crate) fn route_input(row: route::Model) -> Result<RouteInput, StoreError> {
    let route::Model {
        version_id: _,
        position: _,
        hosts,
        paths,
        methods,
        strip_path,
    } = row;
    Ok(RouteInput {
        hosts: column::texts(&hosts)?,
        paths: column::texts(&paths)?,
        methods: column::texts(&methods)?,
        strip_path,
    })
}

/// Writes where the version's traffic goes; `None`: it has no gateway service any more.
pub async fn write_upstream(
    connection: &impl ConnectionTrait,
    version: VersionId,
    upstream_url: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = version::ActiveModel {
        id: Set(version.uuid()),
        upstream_url: Set(upstream_url),
        updated_at: Set(now.as_millis()),
        ..Default::default()
    };
    row.update(connection).await?;
    Ok(())
}

/// Gives the version these routes in the place of those that it has.
pub async fn replace_routes(
    connection: &impl ConnectionTrait,
    version: VersionId,
    routes: &[Route],
) -> Result<(), StoreError> {
    route_path::Entity::delete_many()
        .filter(route_path::Column::VersionId.eq(version.uuid()))
        .exec(connection)
        .await?;
    route::Entity::delete_many()
        .filter(route::Column::VersionId.eq(version.uuid()))
        .exec(connection)
        .await?;
    let rows: Vec<route::ActiveModel> = (0..).zip(routes).map(|(at, route)| row(version, at, route)).collect();
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        route::Entity::insert_many(rows.iter().cloned())
            .exec_without_returning(connection)
            .await?;
    }
    let paths: BTreeSet<&String> = routes.iter().flat_map(Route::paths).collect();
    let paths: Vec<route_path::ActiveModel> = paths
        .into_iter()
        .map(|path| route_path::ActiveModel {
            path: Set(path.clone()),
            version_id: Set(version.uuid()),
        })
        .collect();
    for paths in paths.chunks(ROWS_PER_STATEMENT) {
        route_path::Entity::insert_many(paths.iter().cloned())
            .exec_without_returning(connection)
            .await?;
    }
    Ok(())
}

fn row(version: VersionId, position: i32, route: &Route) -> route::ActiveModel {
    let hosts: Vec<&str> = route.hosts().iter().map(|host| host.as_str()).collect();
    route::ActiveModel {
        version_id: Set(version.uuid()),
        position: Set(position),
        hosts: Set(column::from_texts(&hosts)),
        paths: Set(column::from_texts(route.paths())),
        methods: Set(column::from_texts(route.methods())),
        strip_path: Set(route.strip_path()),
    }
}

/// The version's gateway service as it is stored; `None` when it has none that is valid.
pub async fn of_version(
    connection: &impl ConnectionTrait,
    version: VersionId,
) -> Result<Option<GatewayService>, StoreError> {
    let row = version::Entity::find_by_id(version.uuid()).one(connection).await?;
    let Some(upstream_url) = row.and_then(|row| row.upstream_url) else {
        return Ok(None);
    };
    let routes = routes(connection, [version])
        .await?
        .remove(&version)
        .unwrap_or_default();
    Ok(valid(version, &upstream_url, &routes))
}

/// A stored gateway service; `None` when the rules no longer allow it: the gateway serves nothing of such a one.
fn valid(version: VersionId, upstream_url: &str, routes: &[RouteInput]) -> Option<GatewayService> {
    GatewayService::validate(upstream_url, routes)
        .inspect_err(|refusals| tracing::error!(%version, ?refusals, "a stored gateway service is not valid"))
        .ok()
}

/// A live version whose gateway service claims a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// The version.
    pub version: VersionId,
    /// Its name.
    pub name: String,
    /// The name of its product.
    pub product_name: String,
    /// All of its routes.
    pub routes: Vec<Route>,
}

/// The live versions but `except` that claim one of these paths, on any host and for any method, in the order of their
/// ids.
pub async fn claimants(
    connection: &impl ConnectionTrait,
    paths: impl IntoIterator<Item = &str>,
    except: VersionId,
) -> Result<Vec<Claimant>, StoreError> {
    let claiming: Vec<Uuid> = route_path::Entity::find()
        .select_only()
        .distinct()
        .column(route_path::Column::VersionId)
        .filter(route_path::Column::Path.is_in(paths))
        .filter(route_path::Column::VersionId.ne(except.uuid()))
        .into_tuple()
        .all(connection)
        .await?;
    let live = [version::Lifecycle::Active, version::Lifecycle::Deprecated];
    let versions = version::Entity::find()
        .filter(version::Column::Id.is_in(claiming))
        .filter(version::Column::Lifecycle.is_in(live))
        .order_by_asc(version::Column::Id)
        .all(connection)
        .await?;
    let products = product::Entity::find()
        .filter(product::Column::Id.is_in(versions.iter().map(|version| version.product_id)))
        .all(connection)
        .await?;
    let names: HashMap<Uuid, String> = products.into_iter().map(|product| (product.id, product.name)).collect();
    let ids = versions.iter().map(|version| VersionId::from_uuid(version.id));
    let mut routes = routes(connection, ids).await?;
    let mut claimants = Vec::with_capacity(versions.len());
    for version::Model {
        id,
        product_id,
        name,
        upstream_url,
        ..
    } in versions
    {
        let version = VersionId::from_uuid(id);
        let routes = routes.remove(&version).unwrap_or_default();
        // What serves nothing stands in nobody's way.
        if let Some(service) = upstream_url.and_then(|upstream_url| valid(version, &upstream_url, &routes)) {
            claimants.push(Claimant {
                version,
                name,
                product_name: names.get(&product_id).cloned().unwrap_or_default(),
                routes: service.routes,
            });
        }
    }
    Ok(claimants)
}
