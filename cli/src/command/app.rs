//! Developers' apps.

use clap::Subcommand;
use portico_sdk::{AppFilter, AppId, AppOrder, CreateAppInput, DeveloperId, Patch, Portico, UpdateAppInput};

use super::{fetch, found};
use crate::{
    answer::{Column, Outcome},
    arguments::{Listed, Repeatable, Waiting},
    choice::{AppOrderChoice, AppStatusChoice, DirectionChoice},
    failure::Failure,
};

pub(super) const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("REFERENCE ID", "/referenceId"),
    ("STATUS", "/status"),
    ("DEVELOPER", "/developer/email"),
];

/// Developers' apps.
#[derive(Debug, Subcommand)]
pub(crate) enum AppCommand {
    /// List your apps, or everybody's as an admin (`apps`)
    List {
        /// A prefix of the name, the reference id or the developer's e-mail address
        #[arg(long)]
        search: Option<String>,
        /// One developer's
        #[arg(long, value_name = "ID")]
        developer: Option<String>,
        /// With exactly this reference id
        #[arg(long)]
        reference_id: Option<String>,
        /// In one of these states
        #[arg(long, value_delimiter = ',', ignore_case = true)]
        status: Vec<AppStatusChoice>,
        /// By what to order
        #[arg(long, ignore_case = true)]
        order_by: Option<AppOrderChoice>,
        /// Which end first
        #[arg(long, ignore_case = true, requires = "order_by", default_value = "DESC")]
        direction: DirectionChoice,
        #[command(flatten)]
        listed: Listed,
    },
    /// Show an app (`node`)
    Show {
        /// Which app
        id: String,
    },
    /// Make an app (`createApp`)
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// Your own id for it, unique in the portal
        #[arg(long)]
        reference_id: String,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        #[command(flatten)]
        repeatable: Repeatable,
    },
    /// Change an app (`updateApp`)
    Update {
        /// Which app
        id: String,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// A new reference id
        #[arg(long)]
        reference_id: Option<String>,
        /// A new description
        #[arg(long, conflicts_with = "no_description")]
        description: Option<String>,
        /// Take the description away
        #[arg(long)]
        no_description: bool,
    },
    /// Delete an app with its requests and credentials (`deleteApp`)
    Delete {
        /// Which app
        id: String,
    },
    /// Stop all credentials of an app, until it is resumed (`suspendApp`)
    Suspend {
        /// Which app
        id: String,
        /// Why; the developer reads it
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Let a suspended app's credentials count again (`resumeApp`)
    Resume {
        /// Which app
        id: String,
    },
}

impl AppCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let apps = client.apps();
        Ok(match self {
            Self::List {
                search,
                developer,
                reference_id,
                status,
                order_by,
                direction,
                listed,
            } => {
                let mut filter = AppFilter::new();
                filter.search = search;
                filter.developer_id = developer.map(DeveloperId::new);
                filter.reference_id = reference_id;
                if !status.is_empty() {
                    filter = filter.status(status);
                }
                let mut list = apps.list().filter(filter);
                if let Some(field) = order_by {
                    list = list.order_by(AppOrder::new(field, direction));
                }
                Outcome::list(&fetch(list, &listed).await?, COLUMNS)
            }
            Self::Show { id } => return found(apps.get(&AppId::new(&id)).await?, "app", &id),
            Self::Create {
                name,
                reference_id,
                description,
                repeatable,
            } => {
                let mut input = CreateAppInput::new(name, reference_id);
                input.description = description;
                input.idempotency_key = repeatable.idempotency_key;
                Outcome::object(&*apps.create(input).await?)
            }
            Self::Update {
                id,
                name,
                reference_id,
                description,
                no_description,
            } => {
                let mut input = UpdateAppInput::new(AppId::new(id));
                input.name = set(name);
                input.reference_id = set(reference_id);
                input.description = set_or_clear(description, no_description);
                Outcome::object(&apps.update(input).await?)
            }
            Self::Delete { id } => Outcome::deleted(&apps.delete(&AppId::new(id)).await?),
            Self::Suspend { id, reason, waiting } => {
                let id = AppId::new(id);
                if waiting.wait_for_gateways {
                    Outcome::confirmation(&apps.suspend_and_wait(&id, reason).await?)
                } else {
                    Outcome::object(&apps.suspend(&id, reason).await?)
                }
            }
            Self::Resume { id } => Outcome::object(&apps.resume(&AppId::new(id)).await?),
        })
    }
}

/// An option that was given sets the field; one that was not leaves it.
pub(super) fn set<T>(given: Option<T>) -> Patch<T> {
    given.map_or(Patch::Leave, Patch::Set)
}

/// So it does, and the option beside it clears the field.
pub(super) fn set_or_clear<T>(given: Option<T>, clear: bool) -> Patch<T> {
    if clear { Patch::Clear } else { set(given) }
}
