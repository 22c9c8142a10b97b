//! Rows of developers, and of the e-mail addresses whose sign-ups wait for a person.

use std::sync::Arc;

use domain::{
    Timestamp,
    decision::Decision,
    developer::DeveloperStatus,
    email::NormalisedEmail,
    id::{AdminId, DeveloperId},
    text,
    viewer::Viewer,
};
use entity::{developer, sign_up_hold};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QuerySelect as _, QueryTrait as _, Select,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use crate::{
    control_plane::ControlPlane,
    database::WriteTransaction,
    error::StoreError,
    pagination::{Direction, SortKey, SortValue},
    session::password::HashedPassword,
};

/// A developer as services see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeveloperRecord {
    /// The id.
    pub id: DeveloperId,
    /// The e-mail as written.
    pub email: String,
    /// What e-mails are compared by.
    pub email_normalised: String,
    /// The name.
    pub full_name: String,
    /// Where the account stands.
    pub status: DeveloperStatus,
    /// The last decision.
    pub decision: Option<Decision>,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl From<developer::Model> for DeveloperRecord {
    fn from(row: developer::Model) -> Self {
        let developer::Model {
            id,
            email,
            email_normalised,
            full_name,
            password_hash: _,
            status,
            decided_by,
            decision_automatic,
            decided_at,
            decision_reason,
            created_at,
        } = row;
        Self {
            id: DeveloperId::from_uuid(id),
            email,
            email_normalised,
            full_name,
            status: status.into(),
            decision: decided_at.map(|at| Decision {
                by: decided_by.map(AdminId::from_uuid),
                automatic: decision_automatic,
                at: Timestamp::from_millis(at),
                reason: decision_reason,
            }),
            created_at: Timestamp::from_millis(created_at),
        }
    }
}

/// Which developers are wanted. What is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeveloperFilter {
    /// What the e-mail starts with, whatever its case.
    pub search: Option<String>,
    /// In one of these states.
    pub status: Option<Vec<DeveloperStatus>>,
}

/// What developers are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeveloperSort {
    /// When they signed up.
    CreatedAt,
    /// The normalised e-mail.
    Email,
}

/// The order of a list of developers.
#[must_use]
pub fn sort_key(by: DeveloperSort, direction: Direction) -> SortKey<developer::Entity> {
    let (column, value): (_, fn(&developer::Model) -> SortValue) = match by {
        DeveloperSort::CreatedAt => (developer::Column::CreatedAt, |row| SortValue::Integer(row.created_at)),
        DeveloperSort::Email => (developer::Column::EmailNormalised, |row| {
            SortValue::Text(row.email_normalised.clone())
        }),
    };
    SortKey {
        column,
        id_column: developer::Column::Id,
        value,
        id: |row| row.id,
        direction,
        nullable: false,
    }
}

/// The developers that exist for `viewer` and pass `filter`: for admins all, for a developer the own account.
#[must_use]
pub fn select_for(viewer: &Viewer, filter: &DeveloperFilter) -> Select<developer::Entity> {
    let DeveloperFilter { search, status } = filter;
    let mut select = developer::Entity::find();
    match viewer {
        Viewer::Admin { .. } => {}
        Viewer::Developer { id, .. } => select = select.filter(developer::Column::Id.eq(id.uuid())),
        Viewer::Anonymous => select = select.filter(Expr::value(false)),
    }
    if let Some(search) = search {
        let prefix = NormalisedEmail::of(search).into_string();
        let upper_bound = text::prefix_upper_bound(&prefix);
        select = select.filter(developer::Column::EmailNormalised.gte(prefix));
        if let Some(upper_bound) = upper_bound {
            select = select.filter(developer::Column::EmailNormalised.lt(upper_bound));
        }
    }
    if let Some(wanted) = status {
        let wanted = wanted.iter().map(|status| developer::Status::from(*status));
        select = select.filter(developer::Column::Status.is_in(wanted));
    }
    select
}

/// The developers with these ids that exist for `viewer`.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: impl IntoIterator<Item = DeveloperId>,
) -> Result<Vec<DeveloperRecord>, StoreError> {
    let ids = ids.into_iter().map(|id| id.uuid());
    let rows = select_for(viewer, &DeveloperFilter::default())
        .filter(developer::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(DeveloperRecord::from).collect())
}

/// The developer, locked for a change: second in the order portal, developer, app, version. The caller has checked that
/// the viewer may see them.
pub async fn lock(connection: &impl ConnectionTrait, id: DeveloperId) -> Result<Option<DeveloperRecord>, StoreError> {
    let row = developer::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(connection)
        .await?;
    Ok(row.map(DeveloperRecord::from))
}

/// A developer as the transaction that locked them needs them.
#[derive(Clone, Debug)]
pub struct LockedDeveloper {
    /// Where the account stands.
    pub status: DeveloperStatus,
    /// What e-mails are compared by.
    pub email: NormalisedEmail,
}

impl From<DeveloperRecord> for LockedDeveloper {
    fn from(developer: DeveloperRecord) -> Self {
        Self {
            status: developer.status,
            email: NormalisedEmail::of(&developer.email_normalised),
        }
    }
}

/// A transaction that begins by locking the developer as [`lock`] does, in one round trip on PostgreSQL.
pub async fn begin_with_lock(
    plane: &ControlPlane,
    id: DeveloperId,
) -> Result<(WriteTransaction, Option<LockedDeveloper>), StoreError> {
    let locking = developer::Entity::find_by_id(id.uuid())
        .select_only()
        .columns([developer::Column::Status, developer::Column::EmailNormalised])
        .lock_exclusive()
        .build(plane.database.backend());
    let (transaction, row) =
        WriteTransaction::begin_with_row(&plane.database, Arc::clone(&plane.follower), locking).await?;
    let developer = row.map(|row| {
        let status: developer::Status = row.try_get("", "status")?;
        let email: String = row.try_get("", "email_normalised")?;
        Ok::<_, DbErr>(LockedDeveloper {
            status: status.into(),
            email: NormalisedEmail::of(&email),
        })
    });
    Ok((transaction, developer.transpose()?))
}

/// The developer, locked so that others may read but nobody may change them.
pub async fn lock_shared(
    connection: &impl ConnectionTrait,
    id: DeveloperId,
) -> Result<Option<DeveloperRecord>, StoreError> {
    let row = developer::Entity::find_by_id(id.uuid())
        .lock_shared()
        .one(connection)
        .await?;
    Ok(row.map(DeveloperRecord::from))
}

/// The developer that somebody claims to be, with the hash to check that by. For identity alone: nobody is viewing yet.
pub async fn find_to_authenticate(
    connection: &impl ConnectionTrait,
    email: &NormalisedEmail,
) -> Result<Option<(DeveloperRecord, HashedPassword)>, StoreError> {
    let row = developer::Entity::find()
        .filter(developer::Column::EmailNormalised.eq(email.as_str()))
        .one(connection)
        .await?;
    Ok(row.map(with_password))
}

/// The developer and their password's hash, locked for a change. For identity alone.
pub async fn lock_with_password(
    connection: &impl ConnectionTrait,
    id: DeveloperId,
) -> Result<Option<(DeveloperRecord, HashedPassword)>, StoreError> {
    let row = developer::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(connection)
        .await?;
    Ok(row.map(with_password))
}

/// The developer with this id and their password's hash. For identity alone.
pub async fn find_with_password(
    connection: &impl ConnectionTrait,
    id: DeveloperId,
) -> Result<Option<(DeveloperRecord, HashedPassword)>, StoreError> {
    let row = developer::Entity::find_by_id(id.uuid()).one(connection).await?;
    Ok(row.map(with_password))
}

/// The normalised e-mails of developers. For identity alone.
pub async fn normalised_emails(
    connection: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = DeveloperId>,
) -> Result<Vec<(DeveloperId, String)>, StoreError> {
    let rows: Vec<(Uuid, String)> = developer::Entity::find()
        .select_only()
        .column(developer::Column::Id)
        .column(developer::Column::EmailNormalised)
        .filter(developer::Column::Id.is_in(ids.into_iter().map(|id| id.uuid())))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, email)| (DeveloperId::from_uuid(id), email))
        .collect())
}

fn with_password(row: developer::Model) -> (DeveloperRecord, HashedPassword) {
    let password = HashedPassword::from_stored(row.password_hash.clone());
    (row.into(), password)
}

/// Writes a new developer.
pub async fn insert(
    connection: &impl ConnectionTrait,
    account: &DeveloperRecord,
    password: &HashedPassword,
) -> Result<(), StoreError> {
    let DeveloperRecord {
        id,
        email,
        email_normalised,
        full_name,
        status,
        decision,
        created_at,
    } = account;
    developer::ActiveModel {
        id: Set(id.uuid()),
        email: Set(email.clone()),
        email_normalised: Set(email_normalised.clone()),
        full_name: Set(full_name.clone()),
        password_hash: Set(password.as_str().to_owned()),
        status: Set((*status).into()),
        decided_by: Set(decision.as_ref().and_then(|decision| decision.by).map(|id| id.uuid())),
        decision_automatic: Set(decision.as_ref().is_some_and(|decision| decision.automatic)),
        decided_at: Set(decision.as_ref().map(|decision| decision.at.as_millis())),
        decision_reason: Set(decision.as_ref().and_then(|decision| decision.reason.clone())),
        created_at: Set(created_at.as_millis()),
    }
    .insert(connection)
    .await?;
    Ok(())
}

/// Moves a developer who is still in the state `from` to another, by a decision. Tells whether it did.
pub async fn decide(
    connection: &impl ConnectionTrait,
    id: DeveloperId,
    (from, to): (DeveloperStatus, DeveloperStatus),
    decision: &Decision,
) -> Result<bool, StoreError> {
    let Decision {
        by,
        automatic,
        at,
        reason,
    } = decision;
    let done = developer::Entity::update_many()
        .set(developer::ActiveModel {
            status: Set(to.into()),
            decided_by: Set(by.map(|id| id.uuid())),
            decision_automatic: Set(*automatic),
            decided_at: Set(Some(at.as_millis())),
            decision_reason: Set(reason.clone()),
            ..Default::default()
        })
        .filter(developer::Column::Id.eq(id.uuid()))
        .filter(developer::Column::Status.eq(developer::Status::from(from)))
        .exec(connection)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Writes a new password's hash.
pub async fn set_password(
    connection: &impl ConnectionTrait,
    id: DeveloperId,
    password: &HashedPassword,
) -> Result<(), StoreError> {
    developer::Entity::update_many()
        .col_expr(developer::Column::PasswordHash, Expr::value(password.as_str()))
        .filter(developer::Column::Id.eq(id.uuid()))
        .exec(connection)
        .await?;
    Ok(())
}

/// Removes a developer with all that is their own.
pub async fn delete(connection: &impl ConnectionTrait, id: DeveloperId) -> Result<(), StoreError> {
    developer::Entity::delete_by_id(id.uuid()).exec(connection).await?;
    Ok(())
}

/// Makes the next sign-up with this e-mail wait for a person.
pub async fn hold_sign_ups(
    connection: &impl ConnectionTrait,
    email_normalised: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sign_up_hold::Entity::insert(sign_up_hold::ActiveModel {
        email_normalised: Set(email_normalised.to_owned()),
        held_at: Set(now.as_millis()),
    })
    .on_conflict(
        OnConflict::column(sign_up_hold::Column::EmailNormalised)
            .update_column(sign_up_hold::Column::HeldAt)
            .to_owned(),
    )
    .exec_without_returning(connection)
    .await?;
    Ok(())
}

/// Whether a sign-up with this e-mail waits for a person.
pub async fn is_sign_up_held(connection: &impl ConnectionTrait, email_normalised: &str) -> Result<bool, StoreError> {
    let held = sign_up_hold::Entity::find_by_id(email_normalised.to_owned());
    Ok(held.count(connection).await? > 0)
}
