//! Gateways: where they serve versions, which there are, and the tokens that they prove themselves with.

use clap::Subcommand;
use portico_sdk::{
    CreateGatewayTokenInput, ExposeSecret, GatewayNodeId, GatewayTokenId, Portico, RouteInput, SetGatewayServiceInput,
    VersionId,
};

use super::{fetch, found};
use crate::{
    answer::{Column, Outcome},
    arguments::{Listed, Repeatable},
    failure::Failure,
};

const NODE_COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("VERSION", "/version"),
    ("CONFIRMED", "/isConfirmed"),
    ("LAG MS", "/lagMilliseconds"),
    ("LAST SEEN", "/lastSeenAt"),
    ("STOPPED", "/stoppedAt"),
];
const TOKEN_COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("NAME", "/name"),
    ("HINT", "/hint"),
    ("MADE", "/createdAt"),
    ("REVOKED", "/revokedAt"),
];

/// Where the gateway serves versions.
#[derive(Debug, Subcommand)]
pub(crate) enum GatewayServiceCommand {
    /// Set where a version's calls go, in the place of what it has (`setGatewayService`)
    Set {
        /// Which version
        version_id: String,
        /// Where calls go: an absolute http or https URL
        #[arg(long, value_name = "URL")]
        upstream_url: String,
        /// A path prefix of the route, such as /mock; may be given several times
        #[arg(long, required = true)]
        path: Vec<String>,
        /// A host of the route; may be given several times; any unless given
        #[arg(long)]
        host: Vec<String>,
        /// A method of the route; may be given several times; any unless given
        #[arg(long)]
        method: Vec<String>,
        /// Let the upstream see the path with its prefix
        #[arg(long)]
        keep_path: bool,
    },
    /// Take a version's gateway service away; its routes answer 404 (`removeGatewayService`)
    Remove {
        /// Which version
        version_id: String,
    },
}

impl GatewayServiceCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let services = client.gateway_services();
        Ok(Outcome::object(&match self {
            Self::Set {
                version_id,
                upstream_url,
                path,
                host,
                method,
                keep_path,
            } => {
                let mut route = RouteInput::new(path).strip_path(!keep_path);
                if !host.is_empty() {
                    route = route.hosts(host);
                }
                if !method.is_empty() {
                    route = route.methods(method);
                }
                let input = SetGatewayServiceInput::new(VersionId::new(version_id), upstream_url, vec![route]);
                services.set(input).await?
            }
            Self::Remove { version_id } => services.remove(&VersionId::new(version_id)).await?,
        }))
    }
}

/// The gateways of the fleet.
#[derive(Debug, Subcommand)]
pub(crate) enum GatewayNodeCommand {
    /// List the gateways, as they last reported themselves (`gatewayNodes`)
    List {
        #[command(flatten)]
        listed: Listed,
    },
    /// Show a gateway (`node`)
    Show {
        /// Which gateway
        id: String,
    },
}

impl GatewayNodeCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let nodes = client.gateway_nodes();
        match self {
            Self::List { listed } => Ok(Outcome::list(&fetch(nodes.list(), &listed).await?, NODE_COLUMNS)),
            Self::Show { id } => found(nodes.get(&GatewayNodeId::new(&id)).await?, "gateway", &id),
        }
    }
}

/// Tokens that gateways prove themselves with.
#[derive(Debug, Subcommand)]
pub(crate) enum GatewayTokenCommand {
    /// List the tokens, the revoked ones included (`gatewayTokens`)
    List {
        #[command(flatten)]
        listed: Listed,
    },
    /// Show a token; never its secret (`node`)
    Show {
        /// Which token
        id: String,
    },
    /// Make a token; its secret is shown here and never again (`createGatewayToken`)
    Create {
        /// What to call it, such as the place where the gateway runs
        #[arg(long)]
        name: String,
        #[command(flatten)]
        repeatable: Repeatable,
    },
    /// End a token for good; streams that were opened with it end at once (`revokeGatewayToken`)
    Revoke {
        /// Which token
        id: String,
    },
}

impl GatewayTokenCommand {
    pub(crate) async fn run(self, client: &Portico) -> Result<Outcome, Failure> {
        let tokens = client.gateway_tokens();
        Ok(match self {
            Self::List { listed } => Outcome::list(&fetch(tokens.list(), &listed).await?, TOKEN_COLUMNS),
            Self::Show { id } => return found(tokens.get(&GatewayTokenId::new(&id)).await?, "gateway token", &id),
            Self::Create { name, repeatable } => {
                let mut input = CreateGatewayTokenInput::new(name);
                input.idempotency_key = repeatable.idempotency_key;
                let created = tokens.create(input).await?;
                Outcome::with_secret(&created.token, created.secret.expose_secret())
            }
            Self::Revoke { id } => Outcome::object(&tokens.revoke(&GatewayTokenId::new(id)).await?),
        })
    }
}
