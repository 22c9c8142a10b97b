//! The portal and its settings.

use clap::Subcommand;
use portico_sdk::UpdatePortalInput;

use super::app::set;
use crate::{answer::Outcome, failure::Failure, session::Session};

/// The portal and its settings.
#[derive(Debug, Subcommand)]
pub(crate) enum PortalCommand {
    /// Show the portal (`portal`)
    Show,
    /// Change the portal's settings (`updatePortal`)
    Update {
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// Whether it shows its catalogue to anyone, and takes no sign-ups and no requests
        #[arg(long, value_name = "true|false")]
        public: Option<bool>,
        /// Whether developers are approved without an admin
        #[arg(long, value_name = "true|false")]
        auto_approve_developers: Option<bool>,
        /// Whether requests are approved without an admin, whatever the version says
        #[arg(long, value_name = "true|false")]
        auto_approve_access_requests: Option<bool>,
    },
}

impl PortalCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<Outcome, Failure> {
        Ok(match self {
            Self::Show => Outcome::object(&session.client()?.portal().get().await?),
            Self::Update {
                name,
                public,
                auto_approve_developers,
                auto_approve_access_requests,
            } => {
                let mut input = UpdatePortalInput::new();
                input.name = set(name);
                input.is_public = set(public);
                input.auto_approve_developers = set(auto_approve_developers);
                input.auto_approve_access_requests = set(auto_approve_access_requests);
                Outcome::object(&session.signed_in_client()?.portal().update(input).await?)
            }
        })
    }
}
