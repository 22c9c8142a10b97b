//! The registration settings in versions' rows, and the requests that stand against changing them.

use std::collections::HashSet;

use domain::{Timestamp, access_request::AccessRequestStatus, id::VersionId, registration::Registration};
use entity::{access_request, version};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, Iterable as _,
    QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

use crate::error::StoreError;

/// Writes the settings of a version that is there and locked.
pub async fn write(
    connection: &impl ConnectionTrait,
    version: VersionId,
    registration: &Registration,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Registration {
        enabled,
        auto_approve,
        auth_strategy,
    } = registration;
    let row = version::ActiveModel {
        id: Set(version.uuid()),
        registration_enabled: Set(*enabled),
        auto_approve: Set(*auto_approve),
        auth_strategy_id: Set(auth_strategy.map(|strategy| strategy.id.uuid())),
        updated_at: Set(now.as_millis()),
        ..Default::default()
    };
    row.update(connection).await?;
    Ok(())
}

/// Which of these versions some app has an open request for.
pub async fn with_open_requests(
    connection: &impl ConnectionTrait,
    versions: impl IntoIterator<Item = VersionId>,
) -> Result<HashSet<VersionId>, StoreError> {
    let open = access_request::Status::iter().filter(|status| AccessRequestStatus::from(*status).is_open());
    let ids: Vec<Uuid> = access_request::Entity::find()
        .select_only()
        .distinct()
        .column(access_request::Column::VersionId)
        .filter(access_request::Column::VersionId.is_in(versions.into_iter().map(|id| id.uuid())))
        .filter(access_request::Column::Status.is_in(open))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(ids.into_iter().map(VersionId::from_uuid).collect())
}
