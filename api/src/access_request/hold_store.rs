//! Rows of holds: what keeps auto-approve from undoing a person's decision. A hold is of an e-mail and a version, so it
//! outlives the request, the app and the account that it came from.

use domain::{Timestamp, id::VersionId};
use entity::access_request_hold;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait as _, sea_query::OnConflict};

use crate::error::StoreError;

/// Makes later requests of this e-mail for these versions wait for a person, for good. Where there is a hold already,
/// it stays as it is.
pub async fn hold(
    connection: &impl ConnectionTrait,
    email_normalised: &str,
    versions: impl IntoIterator<Item = VersionId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows: Vec<_> = versions
        .into_iter()
        .map(|version| access_request_hold::ActiveModel {
            email_normalised: Set(email_normalised.to_owned()),
            version_id: Set(version.uuid()),
            held_at: Set(now.as_millis()),
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    access_request_hold::Entity::insert_many(rows)
        .on_conflict(
            OnConflict::columns([
                access_request_hold::Column::EmailNormalised,
                access_request_hold::Column::VersionId,
            ])
            .do_nothing()
            .to_owned(),
        )
        .try_insert()
        .exec_without_returning(connection)
        .await?;
    Ok(())
}

/// Whether later requests of this e-mail for the version wait for a person.
pub async fn is_held(
    connection: &impl ConnectionTrait,
    email_normalised: &str,
    version: VersionId,
) -> Result<bool, StoreError> {
    let held = access_request_hold::Entity::find_by_id((email_normalised.to_owned(), version.uuid()));
    Ok(held.one(connection).await?.is_some())
}
