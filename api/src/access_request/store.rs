//! Rows of access requests.

use domain::{
    Timestamp,
    access_request::{AccessRequestAction, AccessRequestStatus, step},
    decision::Decision,
    id::{AccessRequestId, AdminId, AppId, DeveloperId, ProductId, VersionId},
    viewer::Viewer,
};
use entity::{access_request, app, version};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select, sea_query::Expr,
};
use strum::IntoEnumIterator as _;

use crate::{
    error::StoreError,
    pagination::{Direction, SortKey, SortValue},
};

/// An access request as services see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRequestRecord {
    /// Its id.
    pub id: AccessRequestId,
    /// The app that asks.
    pub app_id: AppId,
    /// The version it asks for.
    pub version_id: VersionId,
    /// The app's developer.
    pub developer_id: DeveloperId,
    /// Where it stands.
    pub status: AccessRequestStatus,
    /// The developer's words.
    pub justification: Option<String>,
    /// The last decision.
    pub decision: Option<Decision>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<access_request::Model> for AccessRequestRecord {
    fn from(row: access_request::Model) -> Self {
        let access_request::Model {
            id,
            app_id,
            version_id,
            developer_id,
            status,
            justification,
            decided_by,
            decision_automatic,
            decided_at,
            decision_reason,
            created_at,
            updated_at,
        } = row;
        Self {
            id: AccessRequestId::from_uuid(id),
            app_id: AppId::from_uuid(app_id),
            version_id: VersionId::from_uuid(version_id),
            developer_id: DeveloperId::from_uuid(developer_id),
            status: status.into(),
            justification,
            decision: decided_at.map(|at| Decision {
                by: decided_by.map(AdminId::from_uuid),
                automatic: decision_automatic,
                at: Timestamp::from_millis(at),
                reason: decision_reason,
            }),
            created_at: Timestamp::from_millis(created_at),
            updated_at: Timestamp::from_millis(updated_at),
        }
    }
}

/// Which access requests are wanted. What is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AccessRequestFilter {
    /// In one of these states.
    pub status: Option<Vec<AccessRequestStatus>>,
    /// For a version of this product.
    pub product_id: Option<ProductId>,
    /// For this version.
    pub version_id: Option<VersionId>,
    /// By this app.
    pub app_id: Option<AppId>,
    /// By an app of this developer.
    pub developer_id: Option<DeveloperId>,
}

/// What requests are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessRequestSort {
    /// When they were submitted.
    CreatedAt,
    /// When they last changed.
    UpdatedAt,
}

/// The order of a list of requests.
#[must_use]
pub fn sort_key(by: AccessRequestSort, direction: Direction) -> SortKey<access_request::Entity> {
    let (column, value): (_, fn(&access_request::Model) -> SortValue) = match by {
        AccessRequestSort::CreatedAt => (access_request::Column::CreatedAt, |row| {
            SortValue::Integer(row.created_at)
        }),
        AccessRequestSort::UpdatedAt => (access_request::Column::UpdatedAt, |row| {
            SortValue::Integer(row.updated_at)
        }),
    };
    SortKey {
        column,
        id_column: access_request::Column::Id,
        value,
        id: |row| row.id,
        direction,
        nullable: false,
    }
}

/// The requests that exist for `viewer` and pass `filter`: an admin's all, an approved developer's own.
#[must_use]
pub fn select_for(viewer: &Viewer, filter: &AccessRequestFilter) -> Select<access_request::Entity> {
    let AccessRequestFilter {
        status,
        product_id,
        version_id,
        app_id,
        developer_id,
    } = filter;
    let mut select = access_request::Entity::find();
    match viewer {
        Viewer::Admin { .. } => {}
        Viewer::Developer { id, .. } if viewer.is_approved_developer() => {
            select = select.filter(access_request::Column::DeveloperId.eq(id.uuid()));
        }
        Viewer::Developer { .. } | Viewer::Anonymous => select = select.filter(Expr::value(false)),
    }
    if let Some(wanted) = status {
        let wanted = wanted.iter().map(|status| access_request::Status::from(*status));
        select = select.filter(access_request::Column::Status.is_in(wanted));
    }
    if let Some(id) = product_id {
        let versions = version::Entity::find()
            .select_only()
            .column(version::Column::Id)
            .filter(version::Column::ProductId.eq(id.uuid()))
            .into_query();
        select = select.filter(access_request::Column::VersionId.in_subquery(versions));
    }
    if let Some(id) = version_id {
        select = select.filter(access_request::Column::VersionId.eq(id.uuid()));
    }
    if let Some(id) = app_id {
        select = select.filter(access_request::Column::AppId.eq(id.uuid()));
    }
    if let Some(id) = developer_id {
        select = select.filter(access_request::Column::DeveloperId.eq(id.uuid()));
    }
    select
}

/// The requests with these ids that exist for `viewer`.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: impl IntoIterator<Item = AccessRequestId>,
) -> Result<Vec<AccessRequestRecord>, StoreError> {
    let ids = ids.into_iter().map(|id| id.uuid());
    let rows = select_for(viewer, &AccessRequestFilter::default())
        .filter(access_request::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(AccessRequestRecord::from).collect())
}

/// The open requests of one developer for one version, oldest first, whatever the app.
pub async fn open_of_developer(
    connection: &impl ConnectionTrait,
    developer: DeveloperId,
    version: VersionId,
) -> Result<Vec<AccessRequestRecord>, StoreError> {
    let rows = access_request::Entity::find()
        .filter(access_request::Column::DeveloperId.eq(developer.uuid()))
        .filter(access_request::Column::VersionId.eq(version.uuid()))
        .filter(access_request::Column::Status.is_in(open_statuses()))
        .order_by_asc(access_request::Column::CreatedAt)
        .order_by_asc(access_request::Column::Id)
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(AccessRequestRecord::from).collect())
}

/// The versions that an app has an open request for.
pub async fn open_versions_of_app(connection: &impl ConnectionTrait, app: AppId) -> Result<Vec<VersionId>, StoreError> {
    let ids: Vec<uuid::Uuid> = access_request::Entity::find()
        .select_only()
        .column(access_request::Column::VersionId)
        .filter(access_request::Column::AppId.eq(app.uuid()))
        .filter(access_request::Column::Status.is_in(open_statuses()))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(ids.into_iter().map(VersionId::from_uuid).collect())
}

pub(crate) fn open_statuses() -> impl Iterator<Item = access_request::Status> {
    AccessRequestStatus::iter()
        .filter(|status| status.is_open())
        .map(access_request::Status::from)
}

/// Whether a suspended app of the developer has ever asked for the version.
pub async fn suspended_app_asked(
    connection: &impl ConnectionTrait,
    developer: DeveloperId,
    version: VersionId,
) -> Result<bool, StoreError> {
    let suspended = app::Entity::find()
        .select_only()
        .column(app::Column::Id)
        .filter(app::Column::DeveloperId.eq(developer.uuid()))
        .filter(app::Column::Status.eq(app::Status::Suspended))
        .into_query();
    let count = access_request::Entity::find()
        .filter(access_request::Column::VersionId.eq(version.uuid()))
        .filter(access_request::Column::AppId.in_subquery(suspended))
        .count(connection)
        .await?;
    Ok(count > 0)
}

/// Writes a new request.
pub async fn insert(connection: &impl ConnectionTrait, request: &AccessRequestRecord) -> Result<(), StoreError> {
    let AccessRequestRecord {
        id,
        app_id,
        version_id,
        developer_id,
        status,
        justification,
        decision,
        created_at,
        updated_at,
    } = request;
    access_request::ActiveModel {
        id: Set(id.uuid()),
        app_id: Set(app_id.uuid()),
        version_id: Set(version_id.uuid()),
        developer_id: Set(developer_id.uuid()),
        status: Set((*status).into()),
        justification: Set(justification.clone()),
        decided_by: Set(decision.as_ref().and_then(|decision| decision.by).map(|id| id.uuid())),
        decision_automatic: Set(decision.as_ref().is_some_and(|decision| decision.automatic)),
        decided_at: Set(decision.as_ref().map(|decision| decision.at.as_millis())),
        decision_reason: Set(decision.as_ref().and_then(|decision| decision.reason.clone())),
        created_at: Set(created_at.as_millis()),
        updated_at: Set(updated_at.as_millis()),
    }
    .insert(connection)
    .await?;
    Ok(())
}

/// What a conditional update found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The step was taken; the request as it is now.
    Done(AccessRequestRecord),
    /// The request is in a state from which the step cannot be taken.
    Elsewhere(AccessRequestStatus),
    /// There is no such request.
    Missing,
}

/// Takes `action` in one conditional update: of racing steps, exactly one finds the request where it may start.
/// `decision` replaces the last one; without, the last one stays.
pub async fn transition(
    connection: &impl ConnectionTrait,
    id: AccessRequestId,
    action: AccessRequestAction,
    decision: Option<&Decision>,
    now: Timestamp,
) -> Result<Transition, StoreError> {
    for from in AccessRequestStatus::iter() {
        let Ok(to) = step(from, action) else { continue };
        let mut update = access_request::Entity::update_many()
            .col_expr(
                access_request::Column::Status,
                Expr::value(access_request::Status::from(to)),
            )
            .col_expr(access_request::Column::UpdatedAt, Expr::value(now.as_millis()))
            .filter(access_request::Column::Id.eq(id.uuid()))
            .filter(access_request::Column::Status.eq(access_request::Status::from(from)));
        if let Some(Decision {
            by,
            automatic,
            at,
            reason,
        }) = decision
        {
            update = update
                .col_expr(access_request::Column::DecidedBy, Expr::value(by.map(|id| id.uuid())))
                .col_expr(access_request::Column::DecisionAutomatic, Expr::value(*automatic))
                .col_expr(access_request::Column::DecidedAt, Expr::value(at.as_millis()))
                .col_expr(access_request::Column::DecisionReason, Expr::value(reason.clone()));
        }
        if update.exec(connection).await?.rows_affected == 1 {
            return Ok(match present(connection, id).await? {
                Some(record) => Transition::Done(record),
                None => Transition::Missing,
            });
        }
    }
    Ok(match present(connection, id).await? {
        Some(record) => Transition::Elsewhere(record.status),
        None => Transition::Missing,
    })
}

async fn present(
    connection: &impl ConnectionTrait,
    id: AccessRequestId,
) -> Result<Option<AccessRequestRecord>, StoreError> {
    Ok(access_request::Entity::find_by_id(id.uuid())
        .one(connection)
        .await?
        .map(AccessRequestRecord::from))
}
