//! What credentials open versions.

use clap::Subcommand;
use portico_sdk::{AuthStrategyId, CreateKeyAuthStrategyInput, Patch, Portico, UpdateKeyAuthStrategyInput};

use super::{
    app::{set, set_or_clear},
    fetch, found, version,
};
use crate::{
    answer::{Column, Outcome},
    arguments::{Listed, Repeatable},
    failure::Failure,
};

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("KIND", "/__typename"),
    ("NAME", "/name"),
    ("IN USE", "/inUse"),
    ("KEY NAMES", "/keyNames"),
    ("TTL DAYS", "/credentialTtlDays"),
];

/// What credentials open versions.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthStrategyCommand {
    /// List the strategies (`authStrategies`)
    List {
        #[command(flatten)]
        listed: Listed,
    },
    /// Show a strategy of API keys (`node`)
    Show {
        /// Which strategy
        id: String,
    },
    /// List the versions of a strategy (`node`)
    Versions {
        /// Which strategy
        id: String,
        #[command(flatten)]
        listed: Listed,
    },
    /// Make a strategy of API keys (`createKeyAuthStrategy`)
    CreateKeyAuth {
        /// Its name
        #[arg(long)]
        name: String,
        /// A header that may carry the key; may be given several times; apikey unless given
        #[arg(long, value_name = "HEADER")]
        key_name: Vec<String>,
        /// How many days a key opens versions of this strategy; no limit unless given
        #[arg(long, value_name = "DAYS")]
        credential_ttl_days: Option<i32>,
        #[command(flatten)]
        repeatable: Repeatable,
    },
    /// Change a strategy of API keys (`updateKeyAuthStrategy`)
    UpdateKeyAuth {
        /// Which strategy
        id: String,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// The headers that may carry the key, all of them; may be given several times
        #[arg(long, value_name = "HEADER")]
        key_name: Vec<String>,
        /// How many days a key opens versions of this strategy
        #[arg(long, value_name = "DAYS", conflicts_with = "no_credential_ttl")]
        credential_ttl_days: Option<i32>,
        /// Let keys last without a limit
        #[arg(long)]
        no_credential_ttl: bool,
    },
    /// Delete a strategy (`deleteAuthStrategy`)
    Delete {
        /// Which strategy
        id: String,
        /// Even while versions have it: they deny every call from then on
        #[arg(long)]
        force: bool,
    },
}

impl AuthStrategyCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let strategies = client.auth_strategies();
        Ok(match self {
            Self::List { listed } => Outcome::list(&fetch(strategies.list(), &listed).await?, COLUMNS),
            Self::Show { id } => {
                return found(
                    strategies.get_key_auth(&AuthStrategyId::new(&id)).await?,
                    "strategy",
                    &id,
                );
            }
            Self::Versions { id, listed } => {
                let list = strategies.versions_of_key_auth(&AuthStrategyId::new(id));
                Outcome::list(&fetch(list, &listed).await?, version::COLUMNS)
            }
            Self::CreateKeyAuth {
                name,
                key_name,
                credential_ttl_days,
                repeatable,
            } => {
                let mut input = CreateKeyAuthStrategyInput::new(name);
                input.credential_ttl_days = credential_ttl_days;
                input.idempotency_key = repeatable.idempotency_key;
                if !key_name.is_empty() {
                    input = input.key_names(key_name);
                }
                Outcome::object(&*strategies.create_key_auth(input).await?)
            }
            Self::UpdateKeyAuth {
                id,
                name,
                key_name,
                credential_ttl_days,
                no_credential_ttl,
            } => {
                let mut input = UpdateKeyAuthStrategyInput::new(AuthStrategyId::new(id));
                input.name = set(name);
                if !key_name.is_empty() {
                    input.key_names = Patch::Set(key_name);
                }
                input.credential_ttl_days = set_or_clear(credential_ttl_days, no_credential_ttl);
                Outcome::object(&strategies.update_key_auth(input).await?)
            }
            Self::Delete { id, force } => {
                let id = AuthStrategyId::new(id);
                Outcome::deleted(&match force {
                    true => strategies.delete_forced(&id).await?,
                    false => strategies.delete(&id).await?,
                })
            }
        })
    }
}
