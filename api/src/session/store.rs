//! Rows of sessions, refresh tokens and password resets.

use domain::{
    Timestamp,
    id::{AdminId, DeveloperId, SessionId},
    session::RefreshFacts,
};
use entity::{password_reset, refresh_token, session};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, sea_query::Expr,
};

use super::{
    opaque_token::{RefreshTokenHash, ResetTokenHash},
    realm::AccountId,
};
use crate::error::StoreError;

impl AccountId {
    /// An account as rows name it.
    #[must_use]
    pub fn from_row(realm: session::Realm, id: sea_orm::prelude::Uuid) -> Self {
        match realm {
            session::Realm::Portal => Self::Developer(DeveloperId::from_uuid(id)),
            session::Realm::Admin => Self::Admin(AdminId::from_uuid(id)),
        }
    }

    fn uuid(self) -> sea_orm::prelude::Uuid {
        match self {
            Self::Developer(id) => id.uuid(),
            Self::Admin(id) => id.uuid(),
        }
    }
}

/// A session as services see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends, however often it is refreshed.
    pub expires_at: Timestamp,
    /// When it was ended early.
    pub ended_at: Option<Timestamp>,
}

impl From<session::Model> for SessionRecord {
    fn from(row: session::Model) -> Self {
        let session::Model {
            id,
            realm,
            account_id,
            created_at,
            expires_at,
            ended_at,
        } = row;
        Self {
            id: SessionId::from_uuid(id),
            account: AccountId::from_row(realm, account_id),
            created_at: Timestamp::from_millis(created_at),
            expires_at: Timestamp::from_millis(expires_at),
            ended_at: ended_at.map(Timestamp::from_millis),
        }
    }
}

/// Writes a new session.
pub async fn insert(connection: &impl ConnectionTrait, session: &SessionRecord) -> Result<(), StoreError> {
    let SessionRecord {
        id,
        account,
        created_at,
        expires_at,
        ended_at,
    } = session;
    session::ActiveModel {
        id: Set(id.uuid()),
        realm: Set(account.realm().into()),
        account_id: Set(account.uuid()),
        created_at: Set(created_at.as_millis()),
        expires_at: Set(expires_at.as_millis()),
        ended_at: Set(ended_at.map(Timestamp::as_millis)),
    }
    .insert(connection)
    .await?;
    Ok(())
}

/// Ends a session, unless it has ended.
pub async fn end(connection: &impl ConnectionTrait, id: SessionId, now: Timestamp) -> Result<bool, StoreError> {
    let done = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now.as_millis()))
        .filter(session::Column::Id.eq(id.uuid()))
        .filter(session::Column::EndedAt.is_null())
        .exec(connection)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Ends all sessions of an account but `except`, and tells which ones.
pub async fn end_all_of(
    connection: &impl ConnectionTrait,
    account: AccountId,
    except: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let mut live = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::Realm.eq(session::Realm::from(account.realm())))
        .filter(session::Column::AccountId.eq(account.uuid()))
        .filter(session::Column::EndedAt.is_null());
    if let Some(except) = except {
        live = live.filter(session::Column::Id.ne(except.uuid()));
    }
    let ids: Vec<sea_orm::prelude::Uuid> = live.lock_exclusive().into_tuple().all(connection).await?;
    session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now.as_millis()))
        .filter(session::Column::Id.is_in(ids.iter().copied()))
        .exec(connection)
        .await?;
    Ok(ids.into_iter().map(SessionId::from_uuid).collect())
}

/// Ends the sessions of an account that live besides the latest `kept`, and tells which ones. Exact while the account is
/// locked.
pub async fn end_oldest_of(
    connection: &impl ConnectionTrait,
    account: AccountId,
    kept: u64,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let ids: Vec<sea_orm::prelude::Uuid> = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::Realm.eq(session::Realm::from(account.realm())))
        .filter(session::Column::AccountId.eq(account.uuid()))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now.as_millis()))
        .order_by_desc(session::Column::CreatedAt)
        .order_by_desc(session::Column::Id)
        .offset(kept)
        // SQLite takes no offset without a limit. More than one is left only by what began before there was a limit.
        .limit(1000)
        .into_tuple()
        .all(connection)
        .await?;
    if !ids.is_empty() {
        session::Entity::update_many()
            .col_expr(session::Column::EndedAt, Expr::value(now.as_millis()))
            .filter(session::Column::Id.is_in(ids.iter().copied()))
            .exec(connection)
            .await?;
    }
    Ok(ids.into_iter().map(SessionId::from_uuid).collect())
}

/// Removes all sessions of an account that is about to be removed, and tells which ones.
pub async fn delete_all_of(
    connection: &impl ConnectionTrait,
    account: AccountId,
) -> Result<Vec<SessionId>, StoreError> {
    let of_account = Condition::all()
        .add(session::Column::Realm.eq(session::Realm::from(account.realm())))
        .add(session::Column::AccountId.eq(account.uuid()));
    let ids: Vec<sea_orm::prelude::Uuid> = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(of_account.clone())
        .into_tuple()
        .all(connection)
        .await?;
    session::Entity::delete_many()
        .filter(of_account)
        .exec(connection)
        .await?;
    Ok(ids.into_iter().map(SessionId::from_uuid).collect())
}

/// Writes a new refresh token.
pub async fn insert_refresh_token(
    connection: &impl ConnectionTrait,
    hash: &RefreshTokenHash,
    session: SessionId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    refresh_token::ActiveModel {
        hash: Set(hash.as_bytes().to_vec()),
        session_id: Set(session.uuid()),
        created_at: Set(now.as_millis()),
        expires_at: Set(expires_at.as_millis()),
        used_at: Set(None),
    }
    .insert(connection)
    .await?;
    Ok(())
}

/// The session that a refresh token belongs to.
pub async fn session_of_refresh_token(
    connection: &impl ConnectionTrait,
    hash: &RefreshTokenHash,
) -> Result<Option<SessionRecord>, StoreError> {
    let token = refresh_token::Entity::find_by_id(hash.as_bytes().to_vec())
        .one(connection)
        .await?;
    let Some(token) = token else {
        return Ok(None);
    };
    let session = session::Entity::find_by_id(token.session_id).one(connection).await?;
    Ok(session.map(SessionRecord::from))
}

/// The session that a refresh token belongs to, locked, and what its rotation is decided by.
pub async fn lock_by_refresh_token(
    connection: &impl ConnectionTrait,
    hash: &RefreshTokenHash,
) -> Result<Option<(SessionRecord, RefreshFacts)>, StoreError> {
    let Some(unlocked) = session_of_refresh_token(connection, hash).await? else {
        return Ok(None);
    };
    let session = session::Entity::find_by_id(unlocked.id.uuid())
        .lock_exclusive()
        .one(connection)
        .await?;
    // After the lock: whoever held it may have used the token.
    let token = refresh_token::Entity::find_by_id(hash.as_bytes().to_vec())
        .one(connection)
        .await?;
    Ok(session.map(SessionRecord::from).zip(token).map(|(session, token)| {
        let facts = RefreshFacts {
            used_at: token.used_at.map(Timestamp::from_millis),
            expires_at: Timestamp::from_millis(token.expires_at),
            session_ended_at: session.ended_at,
            session_expires_at: session.expires_at,
        };
        (session, facts)
    }))
}

/// Marks a refresh token as used, unless somebody came first.
pub async fn use_refresh_token(
    connection: &impl ConnectionTrait,
    hash: &RefreshTokenHash,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::UsedAt, Expr::value(now.as_millis()))
        .filter(refresh_token::Column::Hash.eq(hash.as_bytes().to_vec()))
        .filter(refresh_token::Column::UsedAt.is_null())
        .exec(connection)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Writes a new password reset in place of any other of the developer's.
pub async fn replace_reset_token(
    connection: &impl ConnectionTrait,
    hash: &ResetTokenHash,
    developer: DeveloperId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    delete_reset_tokens_of(connection, developer).await?;
    password_reset::ActiveModel {
        hash: Set(hash.as_bytes().to_vec()),
        developer_id: Set(developer.uuid()),
        created_at: Set(now.as_millis()),
        expires_at: Set(expires_at.as_millis()),
    }
    .insert(connection)
    .await?;
    Ok(())
}

/// Whose password a reset token sets, and when it ends.
pub async fn find_reset_token(
    connection: &impl ConnectionTrait,
    hash: &ResetTokenHash,
) -> Result<Option<(DeveloperId, Timestamp)>, StoreError> {
    let row = password_reset::Entity::find_by_id(hash.as_bytes().to_vec())
        .one(connection)
        .await?;
    Ok(row.map(|row| {
        (
            DeveloperId::from_uuid(row.developer_id),
            Timestamp::from_millis(row.expires_at),
        )
    }))
}

/// Takes a reset token away, unless somebody came first.
pub async fn use_reset_token(connection: &impl ConnectionTrait, hash: &ResetTokenHash) -> Result<bool, StoreError> {
    let done = password_reset::Entity::delete_by_id(hash.as_bytes().to_vec())
        .exec(connection)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Takes all reset tokens of a developer away.
pub async fn delete_reset_tokens_of(
    connection: &impl ConnectionTrait,
    developer: DeveloperId,
) -> Result<(), StoreError> {
    password_reset::Entity::delete_many()
        .filter(password_reset::Column::DeveloperId.eq(developer.uuid()))
        .exec(connection)
        .await?;
    Ok(())
}
