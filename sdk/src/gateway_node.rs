//! The gateways of the fleet.

use crate::{
    Error, GatewayNodeId, GatewayTokenId, List, Timestamp,
    client::handle,
    listing::{connection, listing},
    node::get_by_id,
    schema,
};

/// A gateway of the fleet, as it last reported itself.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GatewayNode {
    /// The gateway's id.
    pub id: GatewayNodeId,
    /// What its operator calls it.
    pub name: String,
    /// The version of Portico that it runs.
    pub version: String,
    /// The token that it last came with; None for a gateway inside of an API node.
    pub token: Option<GatewayTokenRef>,
    /// Which state of the control plane it enforces, to compare by equality alone; None when it enforces none.
    pub position: Option<String>,
    /// Whether it has confirmed that it enforces all that is committed by now.
    pub is_confirmed: bool,
    /// For how many milliseconds there has been a change that it has not confirmed.
    pub lag_milliseconds: Option<i32>,
    /// For how many seconds it goes on without contact; 0: for ever.
    pub max_staleness_seconds: i32,
    /// What is wrong with its copy of the snapshot on disk.
    pub copy_failure: Option<String>,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// When it said that it stops serving.
    pub stopped_at: Option<Timestamp>,
}

/// A token as a gateway names it.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[cynic(graphql_type = "GatewayToken")]
#[non_exhaustive]
pub struct GatewayTokenRef {
    /// The token's id.
    pub id: GatewayTokenId,
    /// What admins call it.
    pub name: String,
}

handle! {
    /// The gateways of the fleet; from [`crate::Portico::gateway_nodes`]. Admins only.
    GatewayNodes
}

impl<'a> GatewayNodes<'a> {
    /// All gateways that are not forgotten (`gatewayNodes`).
    pub fn list(self) -> List<'a, GatewayNodeListing> {
        List::new(self.client, GatewayNodeListing::default())
    }

    /// One gateway (`node`); None where there is none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn get(self, id: &GatewayNodeId) -> Result<Option<GatewayNode>, Error> {
        GetGatewayNode::fetch(self.client, id).await
    }
}

connection!(GatewayNodeConnection of GatewayNode);

listing! {
    /// What [`GatewayNodes::list`] lists.
    GatewayNodeListing = ListGatewayNodes(ListGatewayNodesVariables).gateway_nodes
        -> GatewayNodeConnection of GatewayNode
}

get_by_id!(GetGatewayNode(GetGatewayNodeVariables: GatewayNodeId) -> GatewayNodeNode::GatewayNode(GatewayNode));
