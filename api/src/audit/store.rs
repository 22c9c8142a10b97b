//! Rows of audit events, for reading. They are written with what they record: see [`super::record`].

use domain::{Timestamp, audit::AuditAction, id::AuditEventId, viewer::Viewer};
use entity::audit_event;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    sea_query::Expr,
};
use serde_json::Value;

use crate::{
    error::StoreError,
    pagination::{Direction, SortKey, SortValue},
};

/// An audit event as services see it.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEventRecord {
    /// Its id.
    pub id: AuditEventId,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it: an account's id, or `anonymous`, `system` or `operator`.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what: an id of its kind.
    pub subject_id: String,
    /// The actor's words.
    pub reason: Option<String>,
    /// The request that did it.
    pub request_id: Option<String>,
    /// Where the request came from.
    pub client_address: Option<String>,
    /// What it was.
    pub before: Option<Value>,
    /// What it became.
    pub after: Option<Value>,
}

impl TryFrom<audit_event::Model> for AuditEventRecord {
    type Error = StoreError;

    fn try_from(row: audit_event::Model) -> Result<Self, StoreError> {
        let audit_event::Model {
            id,
            at,
            actor,
            action,
            subject_id,
            reason,
            request_id,
            client_address,
            before,
            after,
        } = row;
        Ok(Self {
            id: AuditEventId::from_uuid(id),
            at: Timestamp::from_millis(at),
            actor,
            action,
            subject_id,
            reason,
            request_id,
            client_address,
            before: json(before)?,
            after: json(after)?,
        })
    }
}

fn json(column: Option<String>) -> Result<Option<Value>, StoreError> {
    column
        .map(|text| serde_json::from_str(&text).map_err(|_| StoreError::Corrupt("an audit event is not JSON")))
        .transpose()
}

/// Which events are wanted. What is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEventFilter {
    /// Of this subject.
    pub subject_id: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// The order of a list of events: latest first.
#[must_use]
pub fn sort_key() -> SortKey<audit_event::Entity> {
    SortKey {
        column: audit_event::Column::At,
        id_column: audit_event::Column::Id,
        value: |row| SortValue::Integer(row.at),
        id: |row| row.id,
        direction: Direction::Descending,
        nullable: false,
    }
}

/// The events that exist for `viewer` and pass `filter`: for admins all, for others none.
#[must_use]
pub fn select_for(viewer: &Viewer, filter: &AuditEventFilter) -> Select<audit_event::Entity> {
    let AuditEventFilter {
        subject_id,
        actor,
        action,
        since,
        until,
    } = filter;
    let mut select = audit_event::Entity::find();
    if !viewer.is_admin() {
        select = select.filter(Expr::value(false));
    }
    if let Some(subject_id) = subject_id {
        select = select.filter(audit_event::Column::SubjectId.eq(subject_id.as_str()));
    }
    if let Some(actor) = actor {
        select = select.filter(audit_event::Column::Actor.eq(actor.as_str()));
    }
    if let Some(action) = action {
        select = select.filter(audit_event::Column::Action.eq(action.as_str()));
    }
    if let Some(since) = since {
        select = select.filter(audit_event::Column::At.gte(since.as_millis()));
    }
    if let Some(until) = until {
        select = select.filter(audit_event::Column::At.lt(until.as_millis()));
    }
    select
}

/// The events with these ids that exist for `viewer`.
pub async fn find_for(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: impl IntoIterator<Item = AuditEventId>,
) -> Result<Vec<AuditEventRecord>, StoreError> {
    let ids = ids.into_iter().map(|id| id.uuid());
    let rows = select_for(viewer, &AuditEventFilter::default())
        .filter(audit_event::Column::Id.is_in(ids))
        .all(connection)
        .await?;
    rows.into_iter().map(AuditEventRecord::try_from).collect()
}

/// Which accounts signed in from which addresses since then, the latest first. For identity alone.
pub async fn recent_sign_ins(
    connection: &impl ConnectionTrait,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<(String, String)>, StoreError> {
    Ok(audit_event::Entity::find()
        .select_only()
        .column(audit_event::Column::Actor)
        .column(audit_event::Column::ClientAddress)
        .filter(audit_event::Column::Action.eq(AuditAction::SessionSignIn.name()))
        .filter(audit_event::Column::At.gte(since.as_millis()))
        .filter(audit_event::Column::ClientAddress.is_not_null())
        .group_by(audit_event::Column::Actor)
        .group_by(audit_event::Column::ClientAddress)
        .order_by_desc(audit_event::Column::At.max())
        .limit(limit)
        .into_tuple()
        .all(connection)
        .await?)
}
