//! Audit events in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Json, Object, Result};
use serde_json::Value;

use super::service::{self, AuditEventFilter as Filter, AuditEventRecord};
use crate::{
    connection,
    graphql::{connection::TotalCount, scalar::DateTime},
    loader::RequestContext as _,
    pagination,
};

/// What happened, by whom, when and why.
#[derive(Clone)]
pub struct AuditEvent(AuditEventRecord);

impl From<AuditEventRecord> for AuditEvent {
    fn from(record: AuditEventRecord) -> Self {
        Self(record)
    }
}

/// What happened, by whom, when and why. Written in the transaction of what it records, never changed; outlives its
/// subject. Holds no secrets.
#[Object]
impl AuditEvent {
    /// The event's id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When it happened.
    async fn at(&self) -> DateTime {
        self.0.at.into()
    }

    /// Who did it: an account's id, or `anonymous`, `system` (a setting, the first start) or `operator` (the command
    /// line).
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// What was done, such as `app.create`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// What it was done to. The portal's id for a sign-in to an account that does not exist.
    async fn subject_id(&self) -> ID {
        self.0.subject_id.clone().into()
    }

    /// The actor's words.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The request that did it, as in `X-Request-Id` and the logs.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Where the request came from.
    async fn client_address(&self) -> Option<&str> {
        self.0.client_address.as_deref()
    }

    /// What the subject was before.
    async fn before(&self) -> Option<Json<Value>> {
        self.0.before.clone().map(Json)
    }

    /// What the subject became.
    async fn after(&self) -> Option<Json<Value>> {
        self.0.after.clone().map(Json)
    }
}

connection!(AuditEventConnection, AuditEventEdge, AuditEvent, "audit events");

/// Which events are wanted; what is left out does not matter.
#[derive(InputObject)]
pub struct AuditEventFilter {
    /// Of this subject.
    subject_id: Option<ID>,
    /// By this actor.
    actor: Option<String>,
    /// Of this action.
    action: Option<String>,
    /// At this time or later.
    since: Option<DateTime>,
    /// Before this time.
    until: Option<DateTime>,
}

impl From<AuditEventFilter> for Filter {
    fn from(filter: AuditEventFilter) -> Self {
        let AuditEventFilter {
            subject_id,
            actor,
            action,
            since,
            until,
        } = filter;
        Self {
            subject_id: subject_id.map(|id| id.to_string()),
            actor,
            action,
            since: since.map(|DateTime(at)| at),
            until: until.map(|DateTime(at)| at),
        }
    }
}

/// The audit events' root field.
#[derive(Default)]
pub struct AuditQuery;

/// Root fields of audit events.
#[Object]
impl AuditQuery {
    /// What happened, latest first. Admins; FORBIDDEN for others.
    async fn audit_events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless given, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which events.")] filter: Option<AuditEventFilter>,
    ) -> Option<Result<AuditEventConnection>> {
        let filter = filter.map(Filter::from).unwrap_or_default();
        let (plane, call) = (Arc::clone(context.plane()), context.call().clone());
        let listed = async {
            call.admin_only()?;
            let page = pagination::arguments(first, after, last, before)?;
            service::list(&plane, &call, &filter, &page).await
        }
        .await;
        let listed = match context.give(listed) {
            Ok(listed) => listed,
            Err(error) => return Some(Err(error)),
        };
        let total = TotalCount::new(move || {
            let (plane, call, filter) = (Arc::clone(&plane), call.clone(), filter.clone());
            async move { service::count(&plane, &call, &filter).await }
        });
        Some(Ok(AuditEventConnection::new(listed, total)))
    }
}
