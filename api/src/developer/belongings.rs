//! Rows of what goes with a developer's account: apps, their requests and their credentials.

use domain::{
    access_request::AccessRequestStatus,
    app::{self as app_rules, AppStatus},
    id::{DeveloperId, VersionId},
};
use entity::{access_request, app, credential};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _,
};
use uuid::Uuid;

use crate::error::StoreError;

/// What a developer has.
#[derive(Clone, Debug, Default)]
pub struct Belongings {
    /// The apps.
    pub apps: Vec<(Uuid, AppStatus)>,
    /// The apps' requests.
    pub requests: Vec<Request>,
    /// The apps' credentials.
    pub credentials: Vec<Uuid>,
}

/// A request of one of the apps.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Its id.
    pub id: Uuid,
    /// The app that asked.
    pub app: Uuid,
    /// The version it asked for.
    pub version: VersionId,
    /// Where it stands.
    pub status: AccessRequestStatus,
}

impl Belongings {
    /// How many requests are approved.
    #[must_use]
    pub fn approved_requests(&self) -> u64 {
        let approved = self
            .requests
            .iter()
            .filter(|request| request.status == AccessRequestStatus::Approved);
        u64::try_from(approved.count()).unwrap_or(u64::MAX)
    }

    /// The versions for which the deletion of these apps makes later requests wait for a person.
    #[must_use]
    pub fn held_versions(&self) -> Vec<VersionId> {
        let mut held: Vec<VersionId> = self
            .apps
            .iter()
            .flat_map(|(app, status)| {
                let asked = self.requests.iter().filter(move |request| request.app == *app);
                asked
                    .filter(|_| app_rules::deletion_holds_requests(*status, true))
                    .map(|request| request.version)
            })
            .collect();
        held.sort_unstable();
        held.dedup();
        held
    }
}

/// What the developer has at present. The developer's row is locked, so nothing is added meanwhile; the apps are locked
/// too.
pub async fn lock(connection: &impl ConnectionTrait, developer: DeveloperId) -> Result<Belongings, StoreError> {
    let apps: Vec<(Uuid, app::Status)> = app::Entity::find()
        .select_only()
        .column(app::Column::Id)
        .column(app::Column::Status)
        .filter(app::Column::DeveloperId.eq(developer.uuid()))
        .lock_exclusive()
        .into_tuple()
        .all(connection)
        .await?;
    let requests: Vec<(Uuid, Uuid, Uuid, access_request::Status)> = access_request::Entity::find()
        .select_only()
        .columns([
            access_request::Column::Id,
            access_request::Column::AppId,
            access_request::Column::VersionId,
            access_request::Column::Status,
        ])
        .filter(access_request::Column::DeveloperId.eq(developer.uuid()))
        .into_tuple()
        .all(connection)
        .await?;
    let own_apps = app::Entity::find()
        .select_only()
        .column(app::Column::Id)
        .filter(app::Column::DeveloperId.eq(developer.uuid()))
        .into_query();
    let credentials: Vec<Uuid> = credential::Entity::find()
        .select_only()
        .column(credential::Column::Id)
        .filter(credential::Column::AppId.in_subquery(own_apps))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(Belongings {
        apps: apps.into_iter().map(|(id, status)| (id, status.into())).collect(),
        requests: requests
            .into_iter()
            .map(|(id, app, version, status)| Request {
                id,
                app,
                version: VersionId::from_uuid(version),
                status: status.into(),
            })
            .collect(),
        credentials,
    })
}
