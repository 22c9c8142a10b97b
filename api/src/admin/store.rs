//! Rows of admins.

use domain::{Timestamp, email::NormalisedEmail, id::AdminId, viewer::Viewer};
use entity::admin;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QuerySelect as _, sea_query::Expr,
};
use uuid::Uuid;

use crate::{error::StoreError, session::password::HashedPassword};

/// An admin as services see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminRecord {
    /// The id.
    pub id: AdminId,
    /// The e-mail as written.
    pub email: String,
    /// The name.
    pub full_name: String,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl From<admin::Model> for AdminRecord {
    fn from(row: admin::Model) -> Self {
        let admin::Model {
            id,
            email,
            email_normalised: _,
            full_name,
            password_hash: _,
            created_at,
        } = row;
        Self {
            id: AdminId::from_uuid(id),
            email,
            full_name,
            created_at: Timestamp::from_millis(created_at),
        }
    }
}

/// The admins with these ids that exist for `viewer`: for admins all, for others none.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: impl IntoIterator<Item = AdminId>,
) -> Result<Vec<AdminRecord>, StoreError> {
    if !viewer.is_admin() {
        return Ok(Vec::new());
    }
    let ids = ids.into_iter().map(|id| id.uuid());
    let rows = admin::Entity::find()
        .filter(admin::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(AdminRecord::from).collect())
}

/// The admin that somebody claims to be, with the hash to check that by. For identity alone: nobody is viewing yet.
pub async fn find_to_authenticate(
    connection: &impl ConnectionTrait,
    email: &NormalisedEmail,
) -> Result<Option<(AdminRecord, HashedPassword)>, StoreError> {
    let row = admin::Entity::find()
        .filter(admin::Column::EmailNormalised.eq(email.as_str()))
        .one(connection)
        .await?;
    Ok(row.map(with_password))
}

/// The admin with this id and their password's hash, locked against changes. For identity alone.
pub async fn lock_with_password(
    connection: &impl ConnectionTrait,
    id: AdminId,
) -> Result<Option<(AdminRecord, HashedPassword)>, StoreError> {
    let row = admin::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .one(connection)
        .await?;
    Ok(row.map(with_password))
}

/// The admin with this id and their password's hash. For identity alone.
pub async fn find_with_password(
    connection: &impl ConnectionTrait,
    id: AdminId,
) -> Result<Option<(AdminRecord, HashedPassword)>, StoreError> {
    let row = admin::Entity::find_by_id(id.uuid()).one(connection).await?;
    Ok(row.map(with_password))
}

/// The normalised e-mails of admins. For identity alone.
pub async fn normalised_emails(
    connection: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = AdminId>,
) -> Result<Vec<(AdminId, String)>, StoreError> {
    let rows: Vec<(Uuid, String)> = admin::Entity::find()
        .select_only()
        .column(admin::Column::Id)
        .column(admin::Column::EmailNormalised)
        .filter(admin::Column::Id.is_in(ids.into_iter().map(|id| id.uuid())))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, email)| (AdminId::from_uuid(id), email))
        .collect())
}

fn with_password(row: admin::Model) -> (AdminRecord, HashedPassword) {
    let password = HashedPassword::from_stored(row.password_hash.clone());
    (row.into(), password)
}

/// Whether there is any admin.
pub async fn exists(connection: &impl ConnectionTrait) -> Result<bool, StoreError> {
    Ok(admin::Entity::find().limit(1).count(connection).await? > 0)
}

/// Writes a new admin.
pub async fn insert(
    connection: &impl ConnectionTrait,
    account: &AdminRecord,
    password: &HashedPassword,
) -> Result<(), StoreError> {
    let AdminRecord {
        id,
        email,
        full_name,
        created_at,
    } = account;
    admin::ActiveModel {
        id: Set(id.uuid()),
        email: Set(email.clone()),
        email_normalised: Set(NormalisedEmail::of(email).into_string()),
        full_name: Set(full_name.clone()),
        password_hash: Set(password.as_str().to_owned()),
        created_at: Set(created_at.as_millis()),
    }
    .insert(connection)
    .await?;
    Ok(())
}

/// Writes a new password's hash.
pub async fn set_password(
    connection: &impl ConnectionTrait,
    id: AdminId,
    password: &HashedPassword,
) -> Result<(), StoreError> {
    admin::Entity::update_many()
        .col_expr(admin::Column::PasswordHash, Expr::value(password.as_str()))
        .filter(admin::Column::Id.eq(id.uuid()))
        .exec(connection)
        .await?;
    Ok(())
}
