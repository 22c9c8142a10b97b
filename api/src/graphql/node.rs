//! The `Node` interface: any object by its id.

use async_graphql::{Context, ID, Interface, Object, Result};

use crate::{
    access_request::graphql::AccessRequest,
    admin::graphql::Admin,
    app::graphql::App,
    audit::graphql::AuditEvent,
    auth_strategy::{
        graphql::{AuthStrategy, KeyAuthStrategy},
        service as auth_strategy_service,
    },
    credential::graphql::Credential,
    developer::graphql::Developer,
    error::ServiceError,
    gateway_node::graphql::GatewayNode,
    gateway_token::graphql::GatewayToken,
    id::parse,
    loader::RequestContext as _,
    portal::{graphql::Portal, service as portal_service},
    product::graphql::Product,
    version::graphql::ProductVersion,
};

/// How many ids `nodes` takes at once.
const MAX_NODES: usize = 100;

/// Anything with an id of its own.
#[derive(Clone, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The object's id, opaque to clients."))]
pub enum Node {
    /// An access request.
    AccessRequest(AccessRequest),
    /// A strategy of API keys.
    KeyAuthStrategy(KeyAuthStrategy),
    /// An admin.
    Admin(Admin),
    /// An app.
    App(App),
    /// An audit event.
    AuditEvent(AuditEvent),
    /// A credential.
    Credential(Credential),
    /// A developer.
    Developer(Developer),
    /// A gateway of the fleet.
    GatewayNode(GatewayNode),
    /// A token for gateways.
    GatewayToken(GatewayToken),
    /// The portal.
    Portal(Portal),
    /// A product.
    Product(Product),
    /// A version of a product.
    ProductVersion(ProductVersion),
}

async fn find(context: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let prefix = id.rsplit_once('_').map_or("", |(prefix, _)| prefix);
    match prefix {
        "req" => {
            let id = context.give(parse::<domain::id::AccessRequestKind>("id", id))?;
            Ok(context.load(id).await?.map(|record| Node::AccessRequest(record.into())))
        }
        "adm" => {
            let id = context.give(parse::<domain::id::AdminKind>("id", id))?;
            Ok(context.load(id).await?.map(|record| Node::Admin(record.into())))
        }
        "app" => {
            let id = context.give(parse::<domain::id::AppKind>("id", id))?;
            Ok(context.load(id).await?.map(|record| Node::App(record.into())))
        }
        "cred" => {
            let id = context.give(parse::<domain::id::CredentialKind>("id", id))?;
            Ok(context.load(id).await?.map(|record| Node::Credential(record.into())))
        }
        "dev" => {
            let id = context.give(parse::<domain::id::DeveloperKind>("id", id))?;
            Ok(context.load(id).await?.map(|record| Node::Developer(record.into())))
        }
        "evt" => {
            let id = context.give(parse::<domain::id::AuditEventKind>("id", id))?;
            Ok(context.load(id).await?.map(|record| Node::AuditEvent(record.into())))
        }
        "gwn" => {
            let id = context.give(parse::<domain::id::GatewayNodeKind>("id", id))?;
            Ok(context.load(id).await?.map(|record| Node::GatewayNode(record.into())))
        }
        "gwt" => {
            let id = context.give(parse::<domain::id::GatewayTokenKind>("id", id))?;
            Ok(context.load(id).await?.map(|record| Node::GatewayToken(record.into())))
        }
        "portal" => {
            let portal = context.give(portal_service::read(context.plane()).await)?;
            Ok((portal.id.to_string() == id.as_str()).then(|| Node::Portal(portal.into())))
        }
        "prod" => {
            let id = context.give(parse::<domain::id::ProductKind>("id", id))?;
            Ok(context.load(id).await?.map(|record| Node::Product(record.into())))
        }
        "strat" => {
            let found = auth_strategy_service::find(context.plane(), context.call(), id).await;
            let found = context.give(found)?.map(AuthStrategy::from);
            Ok(found.map(|AuthStrategy::KeyAuthStrategy(strategy)| Node::KeyAuthStrategy(strategy)))
        }
        "ver" => {
            let id = context.give(parse::<domain::id::VersionKind>("id", id))?;
            Ok(context
                .load(id)
                .await?
                .map(|record| Node::ProductVersion(record.into())))
        }
        _ => Err(context
            .give(Err::<(), _>(ServiceError::BadUserInput(format!(
                "{:?} is not an id of this server.",
                id.as_str()
            ))))
            .err()
            .unwrap_or_else(|| "not an id".into())),
    }
}

/// Objects by their ids.
#[derive(Default)]
pub struct NodeQuery;

/// Objects by their ids.
#[Object]
impl NodeQuery {
    /// The object with this id; null when there is none, or none for this viewer.
    async fn node(&self, context: &Context<'_>, #[graphql(desc = "The object's id.")] id: ID) -> Option<Result<Node>> {
        find(context, &id).await.transpose()
    }

    /// The objects with these ids, in their order, null where there is none for this viewer.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Ids, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MAX_NODES {
            let refusal = format!("nodes takes at most {MAX_NODES} ids; these are {}.", ids.len());
            return context.give(Err(ServiceError::BadUserInput(refusal)));
        }
        futures_util::future::try_join_all(ids.iter().map(|id| find(context, id))).await
    }
}
