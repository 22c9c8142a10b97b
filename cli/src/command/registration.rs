//! Whether and how apps register against versions.

use clap::Subcommand;
use portico_sdk::{AuthStrategyId, EnableRegistrationInput, Portico, VersionId};

use super::version::COLUMNS;
use crate::{answer::Outcome, failure::Failure};

/// Whether and how apps register against versions.
#[derive(Debug, Subcommand)]
pub(crate) enum RegistrationCommand {
    /// Open a version for requests, or change how it takes them (`enableRegistration`)
    Enable {
        /// Which version
        version_id: String,
        /// The strategy; unless given, the one that the version has, or the built-in key-auth
        #[arg(long, value_name = "ID")]
        auth_strategy: Option<String>,
        /// Whether requests are approved without an admin; unless given, as the version has it
        #[arg(long, value_name = "true|false")]
        auto_approve: Option<bool>,
        /// All versions of the product, or none
        #[arg(long)]
        apply_to_all_versions: bool,
    },
    /// Close a version for new requests; what is approved goes on (`disableRegistration`)
    Disable {
        /// Which version
        version_id: String,
        /// All versions of the product
        #[arg(long)]
        apply_to_all_versions: bool,
    },
}

impl RegistrationCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let registrations = client.registrations();
        let versions = match self {
            Self::Enable {
                version_id,
                auth_strategy,
                auto_approve,
                apply_to_all_versions,
            } => {
                let mut input = EnableRegistrationInput::new(VersionId::new(version_id));
                input.auth_strategy_id = auth_strategy.map(AuthStrategyId::new);
                input.auto_approve = auto_approve;
                input.apply_to_all_versions = Some(apply_to_all_versions);
                registrations.enable(input).await?
            }
            Self::Disable {
                version_id,
                apply_to_all_versions,
            } => {
                let id = VersionId::new(version_id);
                match apply_to_all_versions {
                    true => registrations.disable_for_all_versions(&id).await?,
                    false => registrations.disable(&id).await?,
                }
            }
        };
        Ok(Outcome::list(&versions, COLUMNS))
    }
}
