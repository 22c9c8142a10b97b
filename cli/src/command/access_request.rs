//! Apps' requests for access to versions.

use std::time::Duration;

use clap::Subcommand;
use portico_sdk::{
    AccessRequestFilter, AccessRequestId, AccessRequestOrder, AppId, DeveloperId, Portico, ProductId,
    RejectAccessRequestInput, RequestAccessInput, RevokeAccessRequestInput, VersionId,
};

use super::{fetch, found};
use crate::{
    answer::{Column, Outcome},
    arguments::{Listed, Repeatable, Waiting},
    choice::{DirectionChoice, RequestOrderChoice, RequestStatusChoice},
    failure::Failure,
};

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("STATUS", "/status"),
    ("APP", "/app/name"),
    ("DEVELOPER", "/app/developer/email"),
    ("PRODUCT", "/version/product/slug"),
    ("VERSION", "/version/name"),
    ("SUBMITTED", "/createdAt"),
];

/// Apps' requests for access to versions.
#[derive(Debug, Subcommand)]
pub(crate) enum AccessRequestCommand {
    /// List your requests, or everybody's as an admin (`accessRequests`)
    List {
        /// For versions of one product
        #[arg(long, value_name = "ID")]
        product: Option<String>,
        /// For one version
        #[arg(long, value_name = "ID")]
        version_id: Option<String>,
        /// With one app
        #[arg(long, value_name = "ID")]
        app: Option<String>,
        /// Of one developer
        #[arg(long, value_name = "ID")]
        developer: Option<String>,
        /// In one of these states
        #[arg(long, value_delimiter = ',', ignore_case = true)]
        status: Vec<RequestStatusChoice>,
        /// By what to order
        #[arg(long, ignore_case = true)]
        order_by: Option<RequestOrderChoice>,
        /// Which end first
        #[arg(long, ignore_case = true, requires = "order_by", default_value = "DESC")]
        direction: DirectionChoice,
        #[command(flatten)]
        listed: Listed,
    },
    /// Show a request (`node`)
    Show {
        /// Which request
        id: String,
    },
    /// Ask for access to a version with an app (`requestAccess`)
    Create {
        /// The app that asks
        #[arg(long, value_name = "ID")]
        app: String,
        /// The version that it asks for
        #[arg(long, value_name = "ID")]
        version_id: String,
        /// Words for the admin
        #[arg(long)]
        justification: Option<String>,
        /// Wait so many seconds for the decision
        #[arg(long, value_name = "SECONDS")]
        wait: Option<u64>,
        #[command(flatten)]
        repeatable: Repeatable,
    },
    /// Wait until somebody has decided on a request (`node`)
    Wait {
        /// Which request
        id: String,
        /// For at most so many seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 600)]
        timeout: u64,
    },
    /// Withdraw a request of yours (`cancelAccessRequest`)
    Cancel {
        /// Which request
        id: String,
    },
    /// Approve a request (`approveAccessRequest`)
    Approve {
        /// Which request
        id: String,
        /// Why; the developer reads it
        #[arg(long)]
        reason: Option<String>,
    },
    /// Reject a request (`rejectAccessRequest`)
    Reject {
        /// Which request
        id: String,
        /// Why; the developer reads it
        #[arg(long)]
        reason: String,
        /// This developer's other open requests for the version too, with any app
        #[arg(long)]
        all_of_developer: bool,
    },
    /// Revoke an approved request: its traffic stops at once (`revokeAccessRequest`)
    Revoke {
        /// Which request
        id: String,
        /// Why; the developer reads it
        #[arg(long)]
        reason: String,
        /// This developer's other open requests for the version too, with any app
        #[arg(long)]
        all_of_developer: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
}

impl AccessRequestCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let requests = client.access_requests();
        Ok(match self {
            Self::List {
                product,
                version_id,
                app,
                developer,
                status,
                order_by,
                direction,
                listed,
            } => {
                let mut filter = AccessRequestFilter::new();
                filter.product_id = product.map(ProductId::new);
                filter.version_id = version_id.map(VersionId::new);
                filter.app_id = app.map(AppId::new);
                filter.developer_id = developer.map(DeveloperId::new);
                if !status.is_empty() {
                    filter = filter.status(status);
                }
                let mut list = requests.list().filter(filter);
                if let Some(field) = order_by {
                    list = list.order_by(AccessRequestOrder::new(field, direction));
                }
                Outcome::list(&fetch(list, &listed).await?, COLUMNS)
            }
            Self::Show { id } => return found(requests.get(&AccessRequestId::new(&id)).await?, "access request", &id),
            Self::Create {
                app,
                version_id,
                justification,
                wait,
                repeatable,
            } => {
                let mut input = RequestAccessInput::new(AppId::new(app), VersionId::new(version_id));
                input.justification = justification;
                input.idempotency_key = repeatable.idempotency_key;
                let submitted = requests.request(input).await?;
                match wait {
                    Some(seconds) => {
                        Outcome::object(&submitted.wait_until_decided(Duration::from_secs(seconds)).await?)
                    }
                    None => Outcome::object(&*submitted),
                }
            }
            Self::Wait { id, timeout } => {
                let id = AccessRequestId::new(id);
                Outcome::object(&requests.wait_until_decided(&id, Duration::from_secs(timeout)).await?)
            }
            Self::Cancel { id } => Outcome::object(&requests.cancel(&AccessRequestId::new(id)).await?),
            Self::Approve { id, reason } => {
                Outcome::object(&requests.approve(&AccessRequestId::new(id), reason.as_deref()).await?)
            }
            Self::Reject {
                id,
                reason,
                all_of_developer,
            } => {
                let input =
                    RejectAccessRequestInput::new(AccessRequestId::new(id), reason).all_of_developer(all_of_developer);
                Outcome::object(&requests.reject(input).await?)
            }
            Self::Revoke {
                id,
                reason,
                all_of_developer,
                waiting,
            } => {
                let input =
                    RevokeAccessRequestInput::new(AccessRequestId::new(id), reason).all_of_developer(all_of_developer);
                if waiting.wait_for_gateways {
                    Outcome::confirmation(&requests.revoke_and_wait(input).await?)
                } else {
                    Outcome::object(&requests.revoke(input).await?)
                }
            }
        })
    }
}
