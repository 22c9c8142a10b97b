//! Rows of what goes with an app when it is deleted.

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    credential::CredentialStatus,
    id::{AccessRequestId, AppId, CredentialId, VersionId},
};
use entity::{access_request, credential};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use crate::error::StoreError;

/// A credential that goes with its app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DependentCredential {
    /// Which one.
    pub(super) id: CredentialId,
    /// Whether it was usable.
    pub(super) status: CredentialStatus,
}

/// An access request that goes with its app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DependentRequest {
    /// Which one.
    pub(super) id: AccessRequestId,
    /// The version it is for.
    pub(super) version_id: VersionId,
    /// Where it stood.
    pub(super) status: AccessRequestStatus,
}

/// The app's credentials, whatever their state.
pub(super) async fn credentials_of(
    connection: &impl ConnectionTrait,
    id: AppId,
    now: Timestamp,
) -> Result<Vec<DependentCredential>, StoreError> {
    let rows: Vec<(Uuid, Option<i64>, Option<i64>)> = credential::Entity::find()
        .select_only()
        .column(credential::Column::Id)
        .column(credential::Column::RevokedAt)
        .column(credential::Column::ExpiresAt)
        .filter(credential::Column::AppId.eq(id.uuid()))
        .order_by_asc(credential::Column::Id)
        .into_tuple()
        .all(connection)
        .await?;
    let instant = |at: Option<i64>| at.map(Timestamp::from_millis);
    let credentials = rows
        .into_iter()
        .map(|(id, revoked_at, expires_at)| DependentCredential {
            id: CredentialId::from_uuid(id),
            status: domain::credential::status(instant(revoked_at), instant(expires_at), now),
        });
    Ok(credentials.collect())
}

/// The app's access requests, whatever their state.
pub(super) async fn requests_of(
    connection: &impl ConnectionTrait,
    id: AppId,
) -> Result<Vec<DependentRequest>, StoreError> {
    let rows: Vec<(Uuid, Uuid, access_request::Status)> = access_request::Entity::find()
        .select_only()
        .column(access_request::Column::Id)
        .column(access_request::Column::VersionId)
        .column(access_request::Column::Status)
        .filter(access_request::Column::AppId.eq(id.uuid()))
        .order_by_asc(access_request::Column::Id)
        .into_tuple()
        .all(connection)
        .await?;
    let requests = rows.into_iter().map(|(id, version_id, status)| DependentRequest {
        id: AccessRequestId::from_uuid(id),
        version_id: VersionId::from_uuid(version_id),
        status: status.into(),
    });
    Ok(requests.collect())
}
