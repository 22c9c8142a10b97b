//! Writing audit events: always in the transaction of what they record.

use domain::Timestamp;
use sea_orm::{ActiveValue::Set, Value};
use uuid::Uuid;

use crate::context::CallContext;

/// The columns of an audit event, for statements that stand in text.
pub(crate) const AUDIT_COLUMNS: &str =
    "id, at, actor, action, subject_id, reason, request_id, client_address, \"before\", \"after\"";

/// An audit event to be written. Never put a secret in it.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    at: Timestamp,
    actor: String,
    action: &'static str,
    subject_id: String,
    reason: Option<String>,
    request_id: Option<String>,
    client_address: Option<String>,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
}

impl AuditRecord {
    /// The caller of `context` did `action` to `subject_id`.
    #[must_use]
    pub fn new(context: &CallContext, action: domain::audit::AuditAction, subject_id: impl ToString) -> Self {
        Self {
            at: context.now,
            actor: context.actor(),
            action: action.name(),
            subject_id: subject_id.to_string(),
            reason: None,
            request_id: context.request_id.clone(),
            client_address: context.client_address.map(|address| address.to_string()),
            before: None,
            after: None,
        }
    }

    /// Another actor than the caller: the account that just signed in, `system`, `operator`.
    #[must_use]
    pub fn by(mut self, actor: impl ToString) -> Self {
        self.actor = actor.to_string();
        self
    }

    /// The actor's words.
    #[must_use]
    pub fn reason(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(str::to_owned);
        self
    }

    /// What it was.
    #[must_use]
    pub fn before(mut self, value: serde_json::Value) -> Self {
        self.before = Some(value);
        self
    }

    /// What it became.
    #[must_use]
    pub fn after(mut self, value: serde_json::Value) -> Self {
        self.after = Some(value);
        self
    }

    /// The row's values, in the order of [`AUDIT_COLUMNS`].
    pub(crate) fn into_values(self) -> [Value; 10] {
        [
            Uuid::now_v7().into(),
            self.at.as_millis().into(),
            self.actor.into(),
            self.action.into(),
            self.subject_id.into(),
            self.reason.into(),
            self.request_id.into(),
            self.client_address.into(),
            self.before.map(|value| value.to_string()).into(),
            self.after.map(|value| value.to_string()).into(),
        ]
    }

    /// The row to insert.
    pub(crate) fn into_row(self) -> entity::audit_event::ActiveModel {
        entity::audit_event::ActiveModel {
            id: Set(Uuid::now_v7()),
            at: Set(self.at.as_millis()),
            actor: Set(self.actor),
            action: Set(self.action.to_owned()),
            subject_id: Set(self.subject_id),
            reason: Set(self.reason),
            request_id: Set(self.request_id),
            client_address: Set(self.client_address),
            before: Set(self.before.map(|value| value.to_string())),
            after: Set(self.after.map(|value| value.to_string())),
        }
    }
}
