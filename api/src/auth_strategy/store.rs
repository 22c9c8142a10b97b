//! The strategies' rows, and what uses them.

use std::collections::HashSet;

use domain::{
    Timestamp,
    auth_strategy::AuthStrategyType,
    id::{AuthStrategyId, CredentialId, DeveloperId, VersionId},
    page::Page,
    viewer::Viewer,
};
use entity::{app, auth_strategy, credential, version};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _,
    sea_query::{ExprTrait as _, SelectStatement},
};
use uuid::Uuid;

use crate::{
    database::column,
    error::{ServiceError, StoreError},
    pagination::{self, Direction, Slice, SortKey, SortValue},
    product::visibility::CatalogView,
};

/// A strategy as services see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthStrategyRecord {
    /// Its id.
    pub id: AuthStrategyId,
    /// What kind it is.
    pub kind: AuthStrategyType,
    /// Its name, unique in the portal.
    pub name: String,
    /// Whether it was made with the portal; then it cannot be deleted.
    pub built_in: bool,
    /// The headers that carry the key.
    pub key_names: Vec<String>,
    /// For how many days from its making a key opens versions of the strategy; `None`: no limit.
    pub credential_ttl_days: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl TryFrom<auth_strategy::Model> for AuthStrategyRecord {
    type Error = StoreError;

    fn try_from(row: auth_strategy::Model) -> Result<Self, StoreError> {
        let auth_strategy::Model {
            id,
            kind,
            name,
            built_in,
            key_names,
            credential_ttl_days,
            created_at,
        } = row;
        Ok(Self {
            id: AuthStrategyId::from_uuid(id),
            kind: kind.into(),
            name,
            built_in,
            key_names: column::texts(&key_names)?,
            credential_ttl_days: column::optional_count(credential_ttl_days)?,
            created_at: Timestamp::from_millis(created_at),
        })
    }
}

impl TryFrom<&AuthStrategyRecord> for auth_strategy::ActiveModel {
    type Error = StoreError;

    fn try_from(record: &AuthStrategyRecord) -> Result<Self, StoreError> {
        let AuthStrategyRecord {
            id,
            kind,
            name,
            built_in,
            key_names,
            credential_ttl_days,
            created_at,
        } = record;
        Ok(Self {
            id: Set(id.uuid()),
            kind: Set((*kind).into()),
            name: Set(name.clone()),
            built_in: Set(*built_in),
            key_names: Set(column::from_texts(key_names)),
            credential_ttl_days: Set(credential_ttl_days
                .map(i32::try_from)
                .transpose()
                .map_err(|_| StoreError::Corrupt("a count is too large to be stored"))?),
            created_at: Set(created_at.as_millis()),
        })
    }
}

/// The strategy with this id, if the viewer may know of it: admins of any, others of those that a version that exists
/// for them has, or that a credential of theirs was made for.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    id: AuthStrategyId,
) -> Result<Option<AuthStrategyRecord>, StoreError> {
    let mut select = auth_strategy::Entity::find_by_id(id.uuid());
    if !viewer.is_admin() {
        let view = CatalogView::of(connection, viewer).await?;
        let of_versions = version::Entity::find()
            .select_only()
            .column(version::Column::AuthStrategyId)
            .filter(version::Column::AuthStrategyId.eq(id.uuid()))
            .filter(view.versions());
        let mut known = Condition::any().add(auth_strategy::Column::Id.in_subquery(of_versions.into_query()));
        match *viewer {
            Viewer::Developer { id, .. } if viewer.is_approved_developer() => {
                known = known.add(auth_strategy::Column::Id.in_subquery(of_credentials(id)));
            }
            Viewer::Developer { .. } | Viewer::Admin { .. } | Viewer::Anonymous => {}
        }
        select = select.filter(known);
    }
    select.one(connection).await?.map(TryInto::try_into).transpose()
}

/// The strategies that the developer's credentials were made for.
fn of_credentials(developer: DeveloperId) -> SelectStatement {
    let apps = app::Entity::find()
        .select_only()
        .column(app::Column::Id)
        .filter(app::Column::DeveloperId.eq(developer.uuid()))
        .into_query();
    credential::Entity::find()
        .select_only()
        .column(credential::Column::AuthStrategyId)
        .filter(credential::Column::AppId.in_subquery(apps))
        .into_query()
}

/// The strategies with these ids: for those who see something that points at them, so whoever calls it has looked at
/// that first.
pub async fn find_pointed_at(
    connection: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = AuthStrategyId>,
) -> Result<Vec<AuthStrategyRecord>, StoreError> {
    let ids = ids.into_iter().map(|id| id.uuid());
    let rows = auth_strategy::Entity::find()
        .filter(auth_strategy::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The strategy, locked for a change or against one.
pub async fn lock(
    connection: &impl ConnectionTrait,
    id: AuthStrategyId,
) -> Result<Option<AuthStrategyRecord>, StoreError> {
    let row = auth_strategy::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(connection)
        .await?;
    row.map(TryInto::try_into).transpose()
}

/// The strategy that was made with the portal.
pub async fn built_in(connection: &impl ConnectionTrait) -> Result<AuthStrategyRecord, StoreError> {
    let row = auth_strategy::Entity::find()
        .filter(auth_strategy::Column::BuiltIn.eq(true))
        .one(connection)
        .await?;
    row.ok_or(StoreError::Corrupt("there is no built-in strategy"))?
        .try_into()
}

/// A page of all strategies, the latest first; for admins alone: nothing for everyone else.
pub async fn page_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    page: &Page,
) -> Result<Slice<AuthStrategyRecord>, ServiceError> {
    let Viewer::Admin { .. } = viewer else {
        return Ok(Slice::empty());
    };
    let key = SortKey {
        column: auth_strategy::Column::CreatedAt,
        id_column: auth_strategy::Column::Id,
        value: |row: &auth_strategy::Model| SortValue::Integer(row.created_at),
        id: |row: &auth_strategy::Model| row.id,
        direction: Direction::Descending,
        nullable: false,
    };
    let slice = pagination::page(connection, auth_strategy::Entity::find(), &key, page).await?;
    Ok(slice.try_map(AuthStrategyRecord::try_from)?)
}

/// How many strategies there are; for admins alone: none for everyone else.
pub async fn count_for(connection: &impl ConnectionTrait, viewer: &Viewer) -> Result<u64, ServiceError> {
    let Viewer::Admin { .. } = viewer else {
        return Ok(0);
    };
    pagination::count(connection, auth_strategy::Entity::find()).await
}

/// Which of these strategies a version or a live credential uses.
pub async fn in_use(
    connection: &impl ConnectionTrait,
    ids: &[AuthStrategyId],
    now: Timestamp,
) -> Result<HashSet<AuthStrategyId>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let by_versions: Vec<Uuid> = version::Entity::find()
        .select_only()
        .distinct()
        .column(version::Column::AuthStrategyId)
        .filter(version::Column::AuthStrategyId.is_in(ids.iter().copied()))
        .into_tuple()
        .all(connection)
        .await?;
    let by_credentials: Vec<Uuid> = credential::Entity::find()
        .select_only()
        .distinct()
        .column(credential::Column::AuthStrategyId)
        .filter(credential::Column::AuthStrategyId.is_in(ids))
        .filter(credential::Column::RevokedAt.is_null())
        .filter(
            credential::Column::ExpiresAt
                .is_null()
                .or(credential::Column::ExpiresAt.gt(now.as_millis())),
        )
        .into_tuple()
        .all(connection)
        .await?;
    let used = by_versions.into_iter().chain(by_credentials);
    Ok(used.map(AuthStrategyId::from_uuid).collect())
}

/// A version that uses a strategy, as far as the strategy's end concerns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsingVersion {
    /// The version.
    pub id: VersionId,
    /// Whether it took new requests.
    pub registration_enabled: bool,
    /// Whether it approved them at once.
    pub auto_approve: bool,
}

/// The versions that use the strategy, locked, in the order of their ids.
pub async fn lock_versions(
    connection: &impl ConnectionTrait,
    id: AuthStrategyId,
) -> Result<Vec<UsingVersion>, StoreError> {
    let rows = version::Entity::find()
        .filter(version::Column::AuthStrategyId.eq(id.uuid()))
        .order_by_asc(version::Column::Id)
        .lock_exclusive()
        .all(connection)
        .await?;
    let versions = rows.into_iter().map(|row| UsingVersion {
        id: VersionId::from_uuid(row.id),
        registration_enabled: row.registration_enabled,
        auto_approve: row.auto_approve,
    });
    Ok(versions.collect())
}

/// A credential that was made for a strategy, as far as the strategy's end concerns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsingCredential {
    /// The credential.
    pub id: CredentialId,
    /// What its developer calls it.
    pub name: String,
    /// What tells it apart in a list.
    pub hint: String,
    /// Whether it is usable by itself.
    pub is_live: bool,
}

/// The credentials that were made for the strategy, whatever their state.
pub async fn credentials(
    connection: &impl ConnectionTrait,
    id: AuthStrategyId,
    now: Timestamp,
) -> Result<Vec<UsingCredential>, StoreError> {
    let rows = credential::Entity::find()
        .filter(credential::Column::AuthStrategyId.eq(id.uuid()))
        .order_by_asc(credential::Column::Id)
        .all(connection)
        .await?;
    let credentials = rows.into_iter().map(|row| {
        let (revoked_at, expires_at) = (row.revoked_at, row.expires_at);
        let instant = |at: Option<i64>| at.map(Timestamp::from_millis);
        UsingCredential {
            id: CredentialId::from_uuid(row.id),
            is_live: domain::credential::status(instant(revoked_at), instant(expires_at), now)
                == domain::credential::CredentialStatus::Active,
            name: row.name,
            hint: row.hint,
        }
    });
    Ok(credentials.collect())
}

/// Adds a strategy.
///
/// # Errors
/// [`StoreError::Duplicate`] when the name is taken.
pub async fn insert(connection: &impl ConnectionTrait, strategy: &AuthStrategyRecord) -> Result<(), StoreError> {
    auth_strategy::ActiveModel::try_from(strategy)?
        .insert(connection)
        .await?;
    Ok(())
}

/// Writes a strategy that is there.
///
/// # Errors
/// [`StoreError::Duplicate`] when the name is taken.
pub async fn update(connection: &impl ConnectionTrait, strategy: &AuthStrategyRecord) -> Result<(), StoreError> {
    auth_strategy::ActiveModel::try_from(strategy)?
        .update(connection)
        .await?;
    Ok(())
}

/// Deletes the strategy, which no version may have any more, and its credentials.
pub async fn delete_with_credentials(connection: &impl ConnectionTrait, id: AuthStrategyId) -> Result<(), StoreError> {
    credential::Entity::delete_many()
        .filter(credential::Column::AuthStrategyId.eq(id.uuid()))
        .exec(connection)
        .await?;
    auth_strategy::Entity::delete_by_id(id.uuid()).exec(connection).await?;
    Ok(())
}
