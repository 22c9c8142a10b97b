//! Apps' credentials.

use clap::Subcommand;
use portico_sdk::{
    AppId, AuthStrategyId, CredentialId, GenerateCredentialInput, Portico, RotateCredentialInput, Timestamp,
};

use super::{fetch, found};
use crate::{
    answer::{Column, Outcome},
    arguments::{Listed, Repeatable, Waiting},
    failure::Failure,
};

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("KIND", "/kind"),
    ("HINT", "/hint"),
    ("STATUS", "/status"),
    ("EXPIRES", "/expiresAt"),
    ("LAST USED", "/lastUsedAt"),
];

/// Apps' credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// List an app's credentials; never their secrets (`node`)
    List {
        /// Which app
        app: String,
        #[command(flatten)]
        listed: Listed,
    },
    /// Show a credential; never its secret (`node`)
    Show {
        /// Which credential
        id: String,
    },
    /// Generate a key; its secret is shown here and never again (`generateCredential`)
    Generate {
        /// Which app
        #[arg(long, value_name = "ID")]
        app: String,
        /// The strategy; unless given, that of the app's open requests, or the built-in key-auth
        #[arg(long, value_name = "ID")]
        auth_strategy: Option<String>,
        /// What tells it apart for people
        #[arg(long)]
        name: Option<String>,
        /// When it runs out, such as 2027-01-31T12:00:00Z
        #[arg(long, value_name = "INSTANT")]
        expires_at: Option<Timestamp>,
        #[command(flatten)]
        repeatable: Repeatable,
    },
    /// Put a new key in a key's place; its secret is shown here and never again (`rotateCredential`)
    Rotate {
        /// Which credential
        id: String,
        /// How many seconds the old key goes on beside the new, up to 604800
        #[arg(long, value_name = "SECONDS")]
        overlap_seconds: Option<i32>,
        /// When the new one runs out; unless given it lives as long as the old one was given
        #[arg(long, value_name = "INSTANT")]
        expires_at: Option<Timestamp>,
        #[command(flatten)]
        repeatable: Repeatable,
    },
    /// Stop a credential for good (`revokeCredential`)
    Revoke {
        /// Which credential
        id: String,
        #[command(flatten)]
        waiting: Waiting,
    },
}

impl CredentialCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let credentials = client.credentials();
        Ok(match self {
            Self::List { app, listed } => {
                Outcome::list(&fetch(credentials.list(&AppId::new(app)), &listed).await?, COLUMNS)
            }
            Self::Show { id } => return found(credentials.get(&CredentialId::new(&id)).await?, "credential", &id),
            Self::Generate {
                app,
                auth_strategy,
                name,
                expires_at,
                repeatable,
            } => {
                let mut input = GenerateCredentialInput::new(AppId::new(app));
                input.auth_strategy_id = auth_strategy.map(AuthStrategyId::new);
                input.name = name;
                input.expires_at = expires_at;
                input.idempotency_key = repeatable.idempotency_key;
                let generated = credentials.generate(input).await?;
                Outcome::with_secret(&generated.credential, generated.secret.expose())
            }
            Self::Rotate {
                id,
                overlap_seconds,
                expires_at,
                repeatable,
            } => {
                let mut input = RotateCredentialInput::new(CredentialId::new(id));
                input.overlap_seconds = overlap_seconds;
                input.expires_at = expires_at;
                input.idempotency_key = repeatable.idempotency_key;
                let rotated = credentials.rotate(input).await?;
                Outcome::with_secret(&rotated.credential, rotated.secret.expose())
            }
            Self::Revoke { id, waiting } => {
                let id = CredentialId::new(id);
                if waiting.wait_for_gateways {
                    Outcome::confirmation(&credentials.revoke_and_wait(&id).await?)
                } else {
                    Outcome::object(&credentials.revoke(&id).await?)
                }
            }
        })
    }
}
