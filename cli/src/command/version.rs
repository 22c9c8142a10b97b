//! Versions of products.

use std::path::PathBuf;

use clap::Subcommand;
use portico_sdk::{AuthStrategyId, CreateVersionInput, Portico, ProductVersionFilter, UpdateVersionInput, VersionId};

use super::{
    app::{self, set, set_or_clear},
    fetch, found,
    product::find as find_product,
};
use crate::{
    answer::{Column, Outcome},
    arguments::{Listed, Repeatable},
    choice::LifecycleChoice,
    failure::Failure,
    input,
};

pub(super) const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("PRODUCT", "/product/slug"),
    ("NAME", "/name"),
    ("LIFECYCLE", "/lifecycle"),
    ("REGISTRATION", "/registration/enabled"),
    ("STRATEGY", "/registration/authStrategy/name"),
];

/// Versions of products.
#[derive(Debug, Subcommand)]
pub(crate) enum VersionCommand {
    /// List a product's versions (`product`)
    List {
        /// The product's id or its slug
        product: String,
        /// In one of these places of their life
        #[arg(long, value_delimiter = ',', ignore_case = true)]
        lifecycle: Vec<LifecycleChoice>,
        /// Those that take registrations, or the others
        #[arg(long, value_name = "true|false")]
        registration_enabled: Option<bool>,
        /// Those of one strategy
        #[arg(long, value_name = "ID")]
        auth_strategy: Option<String>,
        #[command(flatten)]
        listed: Listed,
    },
    /// Show a version (`node`)
    Show {
        /// Which version
        id: String,
    },
    /// Make a version (`createVersion`)
    Create {
        /// The product's id or its slug
        #[arg(long)]
        product: String,
        /// Its name, such as v1
        #[arg(long)]
        name: String,
        /// Where it begins; ACTIVE unless given
        #[arg(long, ignore_case = true)]
        lifecycle: Option<LifecycleChoice>,
        /// Its OpenAPI document; `-` is standard input
        #[arg(long, value_name = "FILE")]
        specification: Option<PathBuf>,
        #[command(flatten)]
        repeatable: Repeatable,
    },
    /// Change a version (`updateVersion`)
    Update {
        /// Which version
        id: String,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// A new OpenAPI document; `-` is standard input
        #[arg(long, value_name = "FILE", conflicts_with = "no_specification")]
        specification: Option<PathBuf>,
        /// Take the OpenAPI document away
        #[arg(long)]
        no_specification: bool,
    },
    /// Move a version through its life (`setVersionLifecycle`)
    SetLifecycle {
        /// Which version
        id: String,
        /// Where to
        #[arg(ignore_case = true)]
        lifecycle: LifecycleChoice,
    },
    /// Delete a version (`deleteVersion`)
    Delete {
        /// Which version
        id: String,
        /// Even while apps may call it: their traffic stops at once
        #[arg(long)]
        force: bool,
    },
    /// Print a version's OpenAPI document (`node`)
    Specification {
        /// Which version
        id: String,
    },
    /// List your apps whose request for this version would succeed (`node`)
    EligibleApps {
        /// Which version
        id: String,
        #[command(flatten)]
        listed: Listed,
    },
}

impl VersionCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let versions = client.versions();
        Ok(match self {
            Self::List {
                product,
                lifecycle,
                registration_enabled,
                auth_strategy,
                listed,
            } => {
                let mut filter = ProductVersionFilter::new();
                filter.registration_enabled = registration_enabled;
                filter.auth_strategy_id = auth_strategy.map(AuthStrategyId::new);
                if !lifecycle.is_empty() {
                    filter = filter.lifecycle(lifecycle);
                }
                let product = find_product(client, &product).await?;
                Outcome::list(&fetch(versions.list(&product).filter(filter), &listed).await?, COLUMNS)
            }
            Self::Show { id } => return found(versions.get(&VersionId::new(&id)).await?, "version", &id),
            Self::Create {
                product,
                name,
                lifecycle,
                specification,
                repeatable,
            } => {
                let mut input = CreateVersionInput::new(find_product(client, &product).await?, name);
                input.lifecycle = lifecycle.map(Into::into);
                input.specification = specification.map(|path| input::text(&path)).transpose()?;
                input.idempotency_key = repeatable.idempotency_key;
                Outcome::object(&*versions.create(input).await?)
            }
            Self::Update {
                id,
                name,
                specification,
                no_specification,
            } => {
                let mut input = UpdateVersionInput::new(VersionId::new(id));
                input.name = set(name);
                let specification = specification.map(|path| input::text(&path)).transpose()?;
                input.specification = set_or_clear(specification, no_specification);
                Outcome::object(&versions.update(input).await?)
            }
            Self::SetLifecycle { id, lifecycle } => {
                Outcome::object(&versions.set_lifecycle(&VersionId::new(id), lifecycle.into()).await?)
            }
            Self::Delete { id, force } => {
                let id = VersionId::new(id);
                Outcome::deleted(&match force {
                    true => versions.delete_forced(&id).await?,
                    false => versions.delete(&id).await?,
                })
            }
            Self::Specification { id } => {
                let specification = versions.specification(&VersionId::new(&id)).await?;
                Outcome::text(specification.ok_or_else(|| Failure::not_found("specification of version", id))?)
            }
            Self::EligibleApps { id, listed } => {
                let list = versions.eligible_apps(&VersionId::new(id));
                Outcome::list(&fetch(list, &listed).await?, app::COLUMNS)
            }
        })
    }
}
