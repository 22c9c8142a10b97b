//! What was done, by whom and to what.

use clap::Subcommand;
use portico_sdk::{AuditEventFilter, AuditEventId, NodeId, Portico, Timestamp};

use super::{fetch, found};
use crate::{
    answer::{Column, Outcome},
    arguments::Listed,
    failure::Failure,
};

const COLUMNS: &[Column] = &[
    ("AT", "/at"),
    ("ACTOR", "/actor"),
    ("ACTION", "/action"),
    ("SUBJECT", "/subjectId"),
    ("REASON", "/reason"),
];

/// What was done, by whom and to what.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List events, the newest first (`auditEvents`)
    List {
        /// About one object
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// By one actor
        #[arg(long)]
        actor: Option<String>,
        /// Of one action
        #[arg(long)]
        action: Option<String>,
        /// From this instant on, such as 2026-01-31T12:00:00Z
        #[arg(long, value_name = "INSTANT")]
        since: Option<Timestamp>,
        /// Before this instant
        #[arg(long, value_name = "INSTANT")]
        until: Option<Timestamp>,
        #[command(flatten)]
        listed: Listed,
    },
    /// Show an event (`node`)
    Show {
        /// Which event
        id: String,
    },
}

impl AuditCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let events = client.audit_events();
        match self {
            Self::List {
                subject,
                actor,
                action,
                since,
                until,
                listed,
            } => {
                let mut filter = AuditEventFilter::new();
                filter.subject_id = subject.map(NodeId::new);
                filter.actor = actor;
                filter.action = action;
                filter.since = since;
                filter.until = until;
                Ok(Outcome::list(
                    &fetch(events.list().filter(filter), &listed).await?,
                    COLUMNS,
                ))
            }
            Self::Show { id } => found(events.get(&AuditEventId::new(&id)).await?, "audit event", &id),
        }
    }
}
