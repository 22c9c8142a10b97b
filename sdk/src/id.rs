//! Ids: one type per kind of object, so that an app's id cannot be passed for a version's.
//!
//! An id is opaque: take it from an answer, keep it as text, hand it back. The server alone knows what it holds.

use crate::schema;

macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, cynic::Scalar)]
        #[cynic(graphql_type = "ID")]
        pub struct $id(String);

        impl $id {
            /// The id of this text, unchecked: of another kind, the server refuses it with `BAD_USER_INPUT`.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $id {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl AsRef<str> for $id {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&$id> for $id {
            fn from(id: &$id) -> Self {
                id.clone()
            }
        }
    )*};
}

ids! {
    /// The id of an access request.
    AccessRequestId;
    /// The id of an admin.
    AdminId;
    /// The id of an app.
    AppId;
    /// The id of an audit event.
    AuditEventId;
    /// The id of an authentication strategy.
    AuthStrategyId;
    /// The id of a credential.
    CredentialId;
    /// The id of a developer.
    DeveloperId;
    /// The id of a gateway of the fleet.
    GatewayNodeId;
    /// The id of a version's gateway service.
    GatewayServiceId;
    /// The id of a token for gateways.
    GatewayTokenId;
    /// The id of an object of any kind, such as an audit event's subject.
    NodeId;
    /// The id of a portal.
    PortalId;
    /// The id of a product.
    ProductId;
    /// The id of a version's registration settings.
    RegistrationId;
    /// The id of a product's version.
    VersionId;
}

macro_rules! into_node_id {
    ($($id:ident),* $(,)?) => {$(
        impl From<$id> for NodeId {
            fn from(id: $id) -> Self {
                Self(id.0)
            }
        }

        impl From<&$id> for NodeId {
            fn from(id: &$id) -> Self {
                Self(id.0.clone())
            }
        }
    )*};
}

into_node_id!(
    AccessRequestId,
    AdminId,
    AppId,
    AuditEventId,
    AuthStrategyId,
    CredentialId,
    DeveloperId,
    GatewayNodeId,
    GatewayTokenId,
    PortalId,
    ProductId,
    VersionId,
);
