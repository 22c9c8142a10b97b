//! Rows of credentials, and what decides which strategy a new one is for.

use domain::{
    Timestamp,
    api_key::ApiKeyHash,
    app::BoundKinds,
    auth_strategy::AuthStrategyType,
    credential::{self as rules, CredentialKind, CredentialStatus, StrategyChoice},
    id::{AppId, AuthStrategyId, CredentialId},
    viewer::Viewer,
};
use entity::{access_request, app, auth_strategy, credential, product, version};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QuerySelect as _, QueryTrait as _, Select,
    sea_query::{Expr, ExprTrait as _, SelectStatement},
};
use uuid::Uuid;

use crate::{
    access_request::store::open_statuses,
    app::store::{self as apps, AppFilter},
    error::StoreError,
    pagination::{Direction, SortKey, SortValue},
};

/// A credential as services see it: never its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRecord {
    /// Its id.
    pub id: CredentialId,
    /// Whose it is.
    pub app_id: AppId,
    /// The strategy it was made for.
    pub auth_strategy_id: AuthStrategyId,
    /// What it is.
    pub kind: CredentialKind,
    /// What its developer calls it.
    pub name: String,
    /// What tells keys apart in a list: prefix and last four.
    pub hint: String,
    /// The client id at the provider; OAuth clients only.
    pub client_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself; at that instant it is over.
    pub expires_at: Option<Timestamp>,
    /// When someone ended it.
    pub revoked_at: Option<Timestamp>,
    /// The credential that it was rotated into.
    pub replaced_by: Option<CredentialId>,
    /// When a call last passed with it, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl CredentialRecord {
    /// Where it stands at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> CredentialStatus {
        rules::status(self.revoked_at, self.expires_at, now)
    }
}

impl From<credential::Model> for CredentialRecord {
    fn from(row: credential::Model) -> Self {
        let credential::Model {
            id,
            app_id,
            auth_strategy_id,
            kind,
            name,
            key_hash: _,
            hint,
            client_id,
            created_at,
            expires_at,
            revoked_at,
            replaced_by,
            last_used_at,
        } = row;
        Self {
            id: CredentialId::from_uuid(id),
            app_id: AppId::from_uuid(app_id),
            auth_strategy_id: AuthStrategyId::from_uuid(auth_strategy_id),
            kind: kind.into(),
            name,
            hint,
            client_id,
            created_at: Timestamp::from_millis(created_at),
            expires_at: expires_at.map(Timestamp::from_millis),
            revoked_at: revoked_at.map(Timestamp::from_millis),
            replaced_by: replaced_by.map(CredentialId::from_uuid),
            last_used_at: last_used_at.map(Timestamp::from_millis),
        }
    }
}

/// The order of a list of credentials: the latest first.
#[must_use]
pub fn sort_key() -> SortKey<credential::Entity> {
    SortKey {
        column: credential::Column::CreatedAt,
        id_column: credential::Column::Id,
        value: |row| SortValue::Integer(row.created_at),
        id: |row| row.id,
        direction: Direction::Descending,
        nullable: false,
    }
}

/// The credentials that exist for `viewer`: those of the apps that do.
#[must_use]
pub fn select_for(viewer: &Viewer) -> Select<credential::Entity> {
    let select = credential::Entity::find();
    match viewer {
        Viewer::Admin { .. } => select,
        Viewer::Developer { .. } | Viewer::Anonymous => {
            select.filter(credential::Column::AppId.in_subquery(apps_of(viewer)))
        }
    }
}

/// The ids of the apps that exist for `viewer`.
fn apps_of(viewer: &Viewer) -> SelectStatement {
    apps::select_for(viewer, &AppFilter::default())
        .select_only()
        .column(app::Column::Id)
        .into_query()
}

/// The credentials with these ids that exist for `viewer`.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: impl IntoIterator<Item = CredentialId>,
) -> Result<Vec<CredentialRecord>, StoreError> {
    let ids = ids.into_iter().map(|id| id.uuid());
    let rows = select_for(viewer)
        .filter(credential::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(CredentialRecord::from).collect())
}

/// What an app has that counts when it gets another credential. Exact while the app is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// What its live credentials and open requests bind it to.
    pub bound_to: BoundKinds,
    /// How many of its credentials count towards the limit.
    pub live_credentials: u64,
    /// The strategies of the versions that it has open requests for, each once.
    pub of_open_requests: Vec<StrategyChoice>,
}

/// What the app has at `now`.
pub async fn holdings(connection: &impl ConnectionTrait, id: AppId, now: Timestamp) -> Result<Holdings, StoreError> {
    let live: Vec<(credential::Kind, Option<Uuid>)> = credential::Entity::find()
        .select_only()
        .column(credential::Column::Kind)
        .column(credential::Column::ReplacedBy)
        .filter(credential::Column::AppId.eq(id.uuid()))
        .filter(is_live(now))
        .into_tuple()
        .all(connection)
        .await?;
    let counted = live
        .iter()
        .filter(|(_, replaced_by)| rules::counts_towards_limit(CredentialStatus::Active, replaced_by.is_some()));
    let live_credentials = u64::try_from(counted.count()).unwrap_or(u64::MAX);
    let requested = access_request::Entity::find()
        .select_only()
        .column(access_request::Column::VersionId)
        .filter(access_request::Column::AppId.eq(id.uuid()))
        .filter(access_request::Column::Status.is_in(open_statuses()))
        .into_query();
    let of_versions = strategies_of(version::Column::Id.in_subquery(requested));
    let of_open_requests = choices(auth_strategy::Column::Id.in_subquery(of_versions))
        .all(connection)
        .await?;
    let of_open_requests: Vec<StrategyChoice> = of_open_requests.into_iter().map(choice).collect();
    Ok(Holdings {
        bound_to: BoundKinds::new(
            live.into_iter().map(|(kind, _)| kind.into()),
            of_open_requests.iter().map(|choice| choice.kind),
        ),
        live_credentials,
        of_open_requests,
    })
}

/// How many of an app's credentials were replaced and are in their overlap at `now`. Exact while the app is locked.
pub async fn overlapping(connection: &impl ConnectionTrait, id: AppId, now: Timestamp) -> Result<u64, StoreError> {
    let replaced = credential::Entity::find()
        .filter(credential::Column::AppId.eq(id.uuid()))
        .filter(credential::Column::ReplacedBy.is_not_null())
        .filter(is_live(now));
    Ok(replaced.count(connection).await?)
}

fn is_live(now: Timestamp) -> Condition {
    Condition::all().add(credential::Column::RevokedAt.is_null()).add(
        credential::Column::ExpiresAt
            .is_null()
            .or(credential::Column::ExpiresAt.gt(now.as_millis())),
    )
}

/// The present strategies of the versions that pass `filter`.
fn strategies_of(filter: impl sea_orm::sea_query::IntoCondition) -> SelectStatement {
    version::Entity::find()
        .select_only()
        .column(version::Column::AuthStrategyId)
        .filter(version::Column::AuthStrategyId.is_not_null())
        .filter(filter)
        .into_query()
}

fn choices(
    filter: impl sea_orm::sea_query::IntoCondition,
) -> sea_orm::Selector<sea_orm::SelectGetableTuple<(Uuid, auth_strategy::Kind)>> {
    auth_strategy::Entity::find()
        .select_only()
        .column(auth_strategy::Column::Id)
        .column(auth_strategy::Column::Kind)
        .filter(filter)
        .into_tuple()
}

fn choice((id, kind): (Uuid, auth_strategy::Kind)) -> StrategyChoice {
    StrategyChoice {
        id: AuthStrategyId::from_uuid(id),
        kind: AuthStrategyType::from(kind),
    }
}

/// The strategy with this id, when the viewer can see something that points at it: an admin all of them, a developer
/// the built-in one, those of versions in the catalog, of versions that their apps have a request for, and of their
/// own credentials.
pub async fn find_strategy_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    id: AuthStrategyId,
) -> Result<Option<StrategyChoice>, StoreError> {
    let pointed_at = match viewer {
        Viewer::Admin { .. } => Condition::all(),
        Viewer::Developer { .. } | Viewer::Anonymous => {
            let published = product::Entity::find()
                .select_only()
                .column(product::Column::Id)
                .filter(product::Column::PublishedAt.is_not_null())
                .into_query();
            let in_catalog = Condition::all()
                .add(version::Column::Lifecycle.is_in([version::Lifecycle::Active, version::Lifecycle::Deprecated]))
                .add(version::Column::ProductId.in_subquery(published));
            let requested = access_request::Entity::find()
                .select_only()
                .column(access_request::Column::VersionId)
                .filter(access_request::Column::AppId.in_subquery(apps_of(viewer)))
                .into_query();
            let own = select_for(viewer)
                .select_only()
                .column(credential::Column::AuthStrategyId)
                .into_query();
            Condition::any()
                .add(auth_strategy::Column::BuiltIn.eq(true))
                .add(auth_strategy::Column::Id.in_subquery(strategies_of(in_catalog)))
                .add(auth_strategy::Column::Id.in_subquery(strategies_of(version::Column::Id.in_subquery(requested))))
                .add(auth_strategy::Column::Id.in_subquery(own))
        }
    };
    let found = choices(
        Condition::all()
            .add(auth_strategy::Column::Id.eq(id.uuid()))
            .add(pointed_at),
    )
    .one(connection)
    .await?;
    Ok(found.map(choice))
}

/// Adds an API key.
pub async fn insert_key(
    connection: &impl ConnectionTrait,
    record: &CredentialRecord,
    hash: &ApiKeyHash,
) -> Result<(), StoreError> {
    let CredentialRecord {
        id,
        app_id,
        auth_strategy_id,
        kind,
        name,
        hint,
        client_id,
        created_at,
        expires_at,
        revoked_at,
        replaced_by,
        last_used_at,
    } = record;
    credential::ActiveModel {
        id: Set(id.uuid()),
        app_id: Set(app_id.uuid()),
        auth_strategy_id: Set(auth_strategy_id.uuid()),
        kind: Set((*kind).into()),
        name: Set(name.clone()),
        key_hash: Set(Some(hash.as_bytes().to_vec())),
        hint: Set(hint.clone()),
        client_id: Set(client_id.clone()),
        created_at: Set(created_at.as_millis()),
        expires_at: Set(expires_at.map(Timestamp::as_millis)),
        revoked_at: Set(revoked_at.map(Timestamp::as_millis)),
        replaced_by: Set(replaced_by.map(|id| id.uuid())),
        last_used_at: Set(last_used_at.map(Timestamp::as_millis)),
    }
    .insert(connection)
    .await?;
    Ok(())
}

/// Revokes a credential that is live at `now`. Tells whether it was.
pub async fn revoke(connection: &impl ConnectionTrait, id: CredentialId, now: Timestamp) -> Result<bool, StoreError> {
    let done = credential::Entity::update_many()
        .col_expr(credential::Column::RevokedAt, Expr::value(now.as_millis()))
        .filter(credential::Column::Id.eq(id.uuid()))
        .filter(is_live(now))
        .exec(connection)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Notes that a credential that is live at `now`, and not replaced yet, ends at `ends_at` and was rotated into another
/// one. Tells whether it was so.
pub async fn replace(
    connection: &impl ConnectionTrait,
    id: CredentialId,
    (by, ends_at): (CredentialId, Timestamp),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = credential::Entity::update_many()
        .col_expr(credential::Column::ReplacedBy, Expr::value(by.uuid()))
        .col_expr(credential::Column::ExpiresAt, Expr::value(ends_at.as_millis()))
        .filter(credential::Column::Id.eq(id.uuid()))
        .filter(credential::Column::ReplacedBy.is_null())
        .filter(is_live(now))
        .exec(connection)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Notes that calls last passed with these credentials at `at`; what is noted later than that stays.
pub async fn note_used(
    connection: &impl ConnectionTrait,
    ids: &[CredentialId],
    at: Timestamp,
) -> Result<(), StoreError> {
    credential::Entity::update_many()
        .col_expr(credential::Column::LastUsedAt, Expr::value(at.as_millis()))
        .filter(credential::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(
            credential::Column::LastUsedAt
                .is_null()
                .or(credential::Column::LastUsedAt.lt(at.as_millis())),
        )
        .exec(connection)
        .await?;
    Ok(())
}
