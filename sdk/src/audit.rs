//! The audit trail.

use serde_json::Value;

use crate::{
    AuditEventId, Error, List, NodeId, Timestamp,
    client::handle,
    listing::{connection, listing},
    node::get_by_id,
    operation::input,
    schema,
};

/// What was done, by whom and to what; it outlives its subject.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditEvent {
    /// The event's id.
    pub id: AuditEventId,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject_id: NodeId,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The request that did it.
    pub request_id: Option<String>,
    /// From which address.
    pub client_address: Option<String>,
    /// What was there before, without secrets.
    pub before: Option<Value>,
    /// What is there since, without secrets.
    pub after: Option<Value>,
}

input! {
    /// Which events.
    #[derive(Clone, Debug, cynic::InputObject)]
    AuditEventFilter {
        optional {
            /// About one object.
            subject_id: [NodeId],
            /// By one actor.
            actor: [String],
            /// Of one action.
            action: [String],
            /// From this instant on.
            since: [Timestamp],
            /// Before this instant.
            until: [Timestamp],
        }
    }
}

handle! {
    /// The audit trail; from [`crate::Portico::audit_events`]. Admins only.
    AuditEvents
}

impl<'a> AuditEvents<'a> {
    /// All events, the newest first (`auditEvents`).
    pub fn list(self) -> List<'a, AuditEventListing> {
        List::new(self.client, AuditEventListing::default())
    }

    /// One event (`node`); None where there is none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn get(self, id: &AuditEventId) -> Result<Option<AuditEvent>, Error> {
        GetAuditEvent::fetch(self.client, id).await
    }
}

connection!(AuditEventConnection of AuditEvent);

listing! {
    /// What [`AuditEvents::list`] lists.
    AuditEventListing = ListAuditEvents(ListAuditEventsVariables).audit_events
        -> AuditEventConnection of AuditEvent, filter: AuditEventFilter
}

get_by_id!(GetAuditEvent(GetAuditEventVariables: AuditEventId) -> AuditEventNode::AuditEvent(AuditEvent));
