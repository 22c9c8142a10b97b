//! What the hub reads to know for whom a change is. None of it is shown: what a subscriber gets is read with the
//! subscriber's own eyes.

use std::collections::HashMap;

use domain::id::{AccessRequestId, AppId, CredentialId, DeveloperId, ProductId, VersionId};
use entity::{access_request, app, credential, version};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, JoinType, QueryFilter as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::interest::{CredentialRoute, KnownIds, KnownKey, RequestRoute};
use crate::error::StoreError;

/// How many objects are read by one statement, each named by one of its values.
const BATCH: usize = 1000;

/// Where those of these access requests that are there belong.
pub(super) async fn request_routes(
    connection: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, RequestRoute>, StoreError> {
    let mut routes = HashMap::new();
    for ids in ids.chunks(BATCH) {
        let rows: Vec<(Uuid, Uuid, Uuid, Uuid, access_request::Status, Uuid)> = access_request::Entity::find()
            .select_only()
            .column(access_request::Column::Id)
            .column(access_request::Column::DeveloperId)
            .column(access_request::Column::AppId)
            .column(access_request::Column::VersionId)
            .column(access_request::Column::Status)
            .column(version::Column::ProductId)
            .join(
                JoinType::InnerJoin,
                access_request::Entity::belongs_to(version::Entity)
                    .from(access_request::Column::VersionId)
                    .to(version::Column::Id)
                    .into(),
            )
            .filter(access_request::Column::Id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(connection)
            .await?;
        routes.extend(rows.into_iter().map(|(id, developer, app, version, status, product)| {
            let route = RequestRoute {
                id: AccessRequestId::from_uuid(id),
                developer: DeveloperId::from_uuid(developer),
                app: AppId::from_uuid(app),
                version: VersionId::from_uuid(version),
                product: ProductId::from_uuid(product),
                status: status.into(),
            };
            (id, route)
        }));
    }
    Ok(routes)
}

/// Where those of these credentials that are there belong.
pub(super) async fn credential_routes(
    connection: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, CredentialRoute>, StoreError> {
    let mut routes = HashMap::new();
    for ids in ids.chunks(BATCH) {
        let named = credentials().filter(credential::Column::Id.is_in(ids.iter().copied()));
        let rows: Vec<(Uuid, Uuid, Uuid)> = named.into_tuple().all(connection).await?;
        routes.extend(rows.into_iter().map(|(id, app, developer)| {
            let route = CredentialRoute {
                id: CredentialId::from_uuid(id),
                app: AppId::from_uuid(app),
                developer: DeveloperId::from_uuid(developer),
            };
            (id, route)
        }));
    }
    Ok(routes)
}

/// What each of the keys stands for at present.
pub(super) async fn known_ids(
    connection: &impl ConnectionTrait,
    keys: &[KnownKey],
) -> Result<HashMap<KnownKey, KnownIds>, StoreError> {
    let mut known: HashMap<KnownKey, KnownIds> = keys.iter().map(|key| (*key, KnownIds::new())).collect();
    let mut put = |key: KnownKey, id: Uuid, app: Uuid| {
        if let Some(ids) = known.get_mut(&key) {
            ids.insert(id, AppId::from_uuid(app));
        }
    };
    for keys in keys.chunks(BATCH) {
        let (mut requests_of, mut credentials_of, mut of_apps) = (Vec::new(), Vec::new(), Vec::new());
        for key in keys {
            match key {
                KnownKey::RequestsOf(developer) => requests_of.push(developer.uuid()),
                KnownKey::CredentialsOf(developer) => credentials_of.push(developer.uuid()),
                KnownKey::CredentialsOfApp(app) => of_apps.push(app.uuid()),
            }
        }
        if !requests_of.is_empty() {
            let rows: Vec<(Uuid, Uuid, Uuid)> = access_request::Entity::find()
                .select_only()
                .column(access_request::Column::Id)
                .column(access_request::Column::AppId)
                .column(access_request::Column::DeveloperId)
                .filter(access_request::Column::DeveloperId.is_in(requests_of))
                .into_tuple()
                .all(connection)
                .await?;
            for (id, app, developer) in rows {
                put(KnownKey::RequestsOf(DeveloperId::from_uuid(developer)), id, app);
            }
        }
        if !credentials_of.is_empty() {
            let owned = credentials().filter(app::Column::DeveloperId.is_in(credentials_of));
            let rows: Vec<(Uuid, Uuid, Uuid)> = owned.into_tuple().all(connection).await?;
            for (id, app, developer) in rows {
                put(KnownKey::CredentialsOf(DeveloperId::from_uuid(developer)), id, app);
            }
        }
        if !of_apps.is_empty() {
            let of_apps = credentials().filter(credential::Column::AppId.is_in(of_apps));
            let rows: Vec<(Uuid, Uuid, Uuid)> = of_apps.into_tuple().all(connection).await?;
            for (id, app, _) in rows {
                put(KnownKey::CredentialsOfApp(AppId::from_uuid(app)), id, app);
            }
        }
    }
    Ok(known)
}

/// Credentials: the id, the app's and the developer's.
fn credentials() -> Select<credential::Entity> {
    credential::Entity::find()
        .select_only()
        .column(credential::Column::Id)
        .column(credential::Column::AppId)
        .column(app::Column::DeveloperId)
        .join(
            JoinType::InnerJoin,
            credential::Entity::belongs_to(app::Entity)
                .from(credential::Column::AppId)
                .to(app::Column::Id)
                .into(),
        )
}
