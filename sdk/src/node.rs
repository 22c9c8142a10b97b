//! Objects by id, whatever their kind, and what a creating mutation answers with.

use std::ops::Deref;

use crate::{Error, NodeId, Portico, schema};

/// What is known of an object of any kind.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[non_exhaustive]
pub struct Node {
    /// The object's id.
    pub id: NodeId,
    /// The name of its type in the schema, such as `App`.
    #[cynic(rename = "__typename")]
    pub type_name: String,
}

/// What a mutation made that can be repeated under an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Created<T> {
    /// The object in its present state.
    pub object: T,
    /// Whether an earlier call with the same key and input had made it already.
    pub replayed: bool,
}

impl<T> Created<T> {
    /// The object alone.
    pub fn into_inner(self) -> T {
        self.object
    }
}

impl<T> Deref for Created<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

impl Portico {
    /// The kind of the object with this id (`node`); None where the caller may see none such. For an object of a known
    /// kind use its area's `get`.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn node(&self, id: impl Into<NodeId>) -> Result<Option<Node>, Error> {
        let variables = GetNodeVariables { id: id.into() };
        Ok(self.query::<GetNode, _>(variables).await?.node)
    }

    /// The kinds of up to 100 objects (`nodes`), in the ids' order; None where the caller may see none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id, and for more than 100.
    pub async fn nodes(&self, ids: impl IntoIterator<Item = impl Into<NodeId>>) -> Result<Vec<Option<Node>>, Error> {
        let variables = GetNodesVariables {
            ids: ids.into_iter().map(Into::into).collect(),
        };
        Ok(self.query::<GetNodes, _>(variables).await?.nodes)
    }
}

#[derive(cynic::QueryVariables)]
struct GetNodeVariables {
    id: NodeId,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "GetNodeVariables")]
struct GetNode {
    #[arguments(id: $id)]
    node: Option<Node>,
}

#[derive(cynic::QueryVariables)]
struct GetNodesVariables {
    ids: Vec<NodeId>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "GetNodesVariables")]
struct GetNodes {
    #[arguments(ids: $ids)]
    nodes: Vec<Option<Node>>,
}

/// One object by its id: `get_by_id!(GetApp(GetAppVariables: AppId) -> AppNode::App(App))`.
macro_rules! get_by_id {
    ($query:ident($variables:ident: $key:ident) -> $node:ident::$variant:ident($object:ident)) => {
        #[derive(cynic::QueryVariables)]
        struct $variables {
            id: $key,
        }

        #[derive(cynic::InlineFragments)]
        #[cynic(graphql_type = "Node")]
        #[allow(clippy::large_enum_variant)] // taken apart at once
        enum $node {
            $variant($object),
            #[cynic(fallback)]
            Other,
        }

        #[derive(cynic::QueryFragment)]
        #[cynic(graphql_type = "Query", variables = $variables)]
        struct $query {
            #[arguments(id: $id)]
            node: Option<$node>,
        }

        impl $query {
            async fn fetch(client: &crate::Portico, id: &$key) -> Result<Option<$object>, crate::Error> {
                let variables = $variables { id: id.clone() };
                Ok(match client.query::<Self, _>(variables).await?.node {
                    Some($node::$variant(object)) => Some(object),
                    Some($node::Other) | None => None,
                })
            }
        }
    };
}
pub(crate) use get_by_id;
