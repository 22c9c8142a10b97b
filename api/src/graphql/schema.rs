//! The schema, made of the slices' queries and mutations. It builds without a database.

use async_graphql::{EmptySubscription, MergedObject, SDLExportOptions};

use crate::{
    access_request::graphql::{AccessRequestMutation, AccessRequestQuery},
    app::graphql::{AppQuery, mutation::AppMutation},
    audit::graphql::AuditQuery,
    auth_strategy::graphql::{AuthStrategyMutation, AuthStrategyQuery},
    credential::graphql::CredentialMutation,
    developer::graphql::{DeveloperMutation, DeveloperQuery},
    gateway_node::graphql::GatewayNodeQuery,
    gateway_service::graphql::GatewayServiceMutation,
    gateway_token::graphql::{GatewayTokenMutation, GatewayTokenQuery},
    graphql::node::NodeQuery,
    portal::graphql::{PortalMutation, PortalQuery},
    product::graphql::{ProductMutation, ProductQuery},
    registration::graphql::RegistrationMutation,
    session::graphql::{SessionMutation, SessionQuery},
    version::graphql::VersionMutation,
};

/// The schema of Portico.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// What can be read. Lists come in pages: `nodes` has the items, and `pageInfo { hasNextPage endCursor }` leads on.
/// What the viewer may not see does not exist for them.
#[derive(Default, MergedObject)]
pub struct Query(
    NodeQuery,
    SessionQuery,
    PortalQuery,
    ProductQuery,
    DeveloperQuery,
    AuthStrategyQuery,
    AppQuery,
    AccessRequestQuery,
    AuditQuery,
    GatewayTokenQuery,
    GatewayNodeQuery,
);

/// What can be done. Each takes one `input` and answers what it changed, as it is now; or `userErrors` that say why
/// nothing happened. Who may call it stands at the end of its description.
#[derive(Default, MergedObject)]
pub struct Mutation(
    SessionMutation,
    PortalMutation,
    ProductMutation,
    VersionMutation,
    GatewayServiceMutation,
    RegistrationMutation,
    DeveloperMutation,
    AuthStrategyMutation,
    AppMutation,
    AccessRequestMutation,
    CredentialMutation,
    GatewayTokenMutation,
);

/// Builds the schema. Requests bring their own data: see [`crate::loader::for_request`].
#[must_use]
pub fn schema() -> Schema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .register_output_type::<super::node::Node>()
        .register_output_type::<super::interface::InterfaceHierarchy>()
        .finish()
}

/// The schema in the schema definition language, as `portico schema` prints it.
#[must_use]
pub fn sdl() -> String {
    schema().sdl_with_options(SDLExportOptions::new().prefer_single_line_descriptions())
}
