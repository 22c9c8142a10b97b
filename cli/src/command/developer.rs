//! Developers' accounts.

use clap::Subcommand;
use portico_sdk::{DeveloperFilter, DeveloperId, DeveloperOrder, ExposeSecret, Portico};
use serde_json::json;

use super::{fetch, found};
use crate::{
    answer::{Column, Outcome},
    arguments::{Listed, Waiting},
    choice::{DeveloperOrderChoice, DeveloperStatusChoice, DirectionChoice},
    failure::Failure,
};

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("E-MAIL", "/email"),
    ("NAME", "/fullName"),
    ("STATUS", "/status"),
    ("SIGNED UP", "/createdAt"),
];

/// Developers' accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum DeveloperCommand {
    /// List developers (`developers`)
    List {
        /// A prefix of the name or the e-mail address
        #[arg(long)]
        search: Option<String>,
        /// In one of these states
        #[arg(long, value_delimiter = ',', ignore_case = true)]
        status: Vec<DeveloperStatusChoice>,
        /// By what to order
        #[arg(long, ignore_case = true)]
        order_by: Option<DeveloperOrderChoice>,
        /// Which end first
        #[arg(long, ignore_case = true, requires = "order_by", default_value = "DESC")]
        direction: DirectionChoice,
        #[command(flatten)]
        listed: Listed,
    },
    /// Show a developer (`node`)
    Show {
        /// Which developer
        id: String,
    },
    /// Approve a developer (`approveDeveloper`)
    Approve {
        /// Which developer
        id: String,
        /// Why; the developer reads it
        #[arg(long)]
        reason: Option<String>,
    },
    /// Reject a developer (`rejectDeveloper`)
    Reject {
        /// Which developer
        id: String,
        /// Why; the developer reads it
        #[arg(long)]
        reason: String,
    },
    /// Stop a developer and all of their apps' traffic, reversibly (`revokeDeveloper`)
    Revoke {
        /// Which developer
        id: String,
        /// Why; the developer reads it
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Delete a developer's account (`deleteDeveloper`)
    Delete {
        /// Which developer
        id: String,
        /// Even while their apps may call something: the traffic stops at once
        #[arg(long)]
        force: bool,
    },
    /// Make a token with which the developer sets a new password, to hand over by other means (`issuePasswordReset`)
    IssuePasswordReset {
        /// Which developer
        id: String,
    },
}

impl DeveloperCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let developers = client.developers();
        Ok(match self {
            Self::List {
                search,
                status,
                order_by,
                direction,
                listed,
            } => {
                let mut filter = DeveloperFilter::new();
                filter.search = search;
                if !status.is_empty() {
                    filter = filter.status(status);
                }
                let mut list = developers.list().filter(filter);
                if let Some(field) = order_by {
                    list = list.order_by(DeveloperOrder::new(field, direction));
                }
                Outcome::list(&fetch(list, &listed).await?, COLUMNS)
            }
            Self::Show { id } => return found(developers.get(&DeveloperId::new(&id)).await?, "developer", &id),
            Self::Approve { id, reason } => {
                Outcome::object(&developers.approve(&DeveloperId::new(id), reason.as_deref()).await?)
            }
            Self::Reject { id, reason } => Outcome::object(&developers.reject(&DeveloperId::new(id), reason).await?),
            Self::Revoke { id, reason, waiting } => {
                let id = DeveloperId::new(id);
                if waiting.wait_for_gateways {
                    Outcome::confirmation(&developers.revoke_and_wait(&id, reason).await?)
                } else {
                    Outcome::object(&developers.revoke(&id, reason).await?)
                }
            }
            Self::Delete { id, force } => {
                let id = DeveloperId::new(id);
                Outcome::deleted(&match force {
                    true => developers.delete_forced(&id).await?,
                    false => developers.delete(&id).await?,
                })
            }
            Self::IssuePasswordReset { id } => {
                let reset = developers.issue_password_reset(&DeveloperId::new(id)).await?;
                Outcome::with_secret(&json!({ "expiresAt": reset.expires_at }), reset.token.expose_secret())
            }
        })
    }
}
