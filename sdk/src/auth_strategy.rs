//! Authentication strategies: what credentials open a version.

use crate::{
    AuthStrategyId, Created, Error, List, ProductVersion,
    client::handle,
    error::DecodeError,
    listing::{connection, listing},
    node::get_by_id,
    operation::{input, mutation},
    schema,
    version::ProductVersionConnection,
};

/// An authentication strategy.
#[derive(Clone, Debug, PartialEq, Eq, cynic::InlineFragments, serde::Serialize)]
#[serde(tag = "__typename")]
#[non_exhaustive]
pub enum AuthStrategy {
    /// API keys in a header.
    #[serde(rename = "KeyAuthStrategy")]
    KeyAuth(KeyAuthStrategy),
    /// A strategy of a kind that this version of the crate does not know.
    #[cynic(fallback)]
    #[serde(rename = "AuthStrategy")]
    Other(OtherAuthStrategy),
}

/// API keys in a header.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KeyAuthStrategy {
    /// The strategy's id.
    pub id: AuthStrategyId,
    /// The name, unique in the portal.
    pub name: String,
    /// Whether a version has it.
    pub in_use: bool,
    /// The headers that may carry the key.
    pub key_names: Vec<String>,
    /// How many days a key opens versions of this strategy; None: no limit.
    pub credential_ttl_days: Option<i32>,
}

/// What strategies of every kind have.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[cynic(graphql_type = "AuthStrategy")]
#[non_exhaustive]
pub struct OtherAuthStrategy {
    /// The strategy's id.
    pub id: AuthStrategyId,
    /// The name, unique in the portal.
    pub name: String,
    /// Whether a version has it.
    pub in_use: bool,
}

/// A strategy as other objects name it.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[cynic(graphql_type = "AuthStrategy")]
#[non_exhaustive]
pub struct AuthStrategyRef {
    /// The strategy's id.
    pub id: AuthStrategyId,
    /// The name.
    pub name: String,
    /// The name of its type in the schema, such as `KeyAuthStrategy`.
    #[cynic(rename = "__typename")]
    #[serde(rename = "__typename")]
    pub type_name: String,
}

impl AuthStrategy {
    /// The strategy's id.
    pub fn id(&self) -> &AuthStrategyId {
        match self {
            Self::KeyAuth(strategy) => &strategy.id,
            Self::Other(strategy) => &strategy.id,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::KeyAuth(strategy) => &strategy.name,
            Self::Other(strategy) => &strategy.name,
        }
    }
}

input! {
    /// What `createKeyAuthStrategy` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    CreateKeyAuthStrategyInput {
        required {
            /// The name, unique in the portal, 1 to 255 characters.
            name: [String],
        }
        optional {
            /// How many days a key opens versions of this strategy; no limit unless given.
            credential_ttl_days: [i32],
            /// Makes repeating the call safe for 24 hours: 1 to 255 printable ASCII characters. Unless given, the crate
            /// makes one for the retries of this one call.
            idempotency_key: [String],
        }
        list {
            /// The headers that may carry the key, 1 to 10; `apikey` unless given.
            key_names: [String],
        }
    }
}

input! {
    /// What `updateKeyAuthStrategy` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    UpdateKeyAuthStrategyInput {
        required {
            /// Which strategy.
            id: [AuthStrategyId],
        }
        patch {
            /// The name; it cannot be cleared.
            name: [String],
            /// The headers that may carry the key, 1 to 10; they cannot be cleared.
            key_names: [Vec<String>],
            /// How many days a key opens versions of this strategy; cleared: no limit.
            credential_ttl_days: [i32],
        }
    }
}

handle! {
    /// Authentication strategies; from [`crate::Portico::auth_strategies`]. Admins only.
    AuthStrategies
}

impl<'a> AuthStrategies<'a> {
    /// All strategies (`authStrategies`).
    pub fn list(self) -> List<'a, AuthStrategyListing> {
        List::new(self.client, AuthStrategyListing::default())
    }

    /// One key-auth strategy (`node`); None where there is none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn get_key_auth(self, id: &AuthStrategyId) -> Result<Option<KeyAuthStrategy>, Error> {
        GetKeyAuthStrategy::fetch(self.client, id).await
    }

    /// The versions of a key-auth strategy (`KeyAuthStrategy.versions`).
    pub fn versions_of_key_auth(self, id: &AuthStrategyId) -> List<'a, KeyAuthVersionListing> {
        List::new(self.client, KeyAuthVersionListing::of(id))
    }

    /// Makes a key-auth strategy (`createKeyAuthStrategy`).
    ///
    /// # Errors
    ///
    /// [`Error::User`] with TAKEN when the name is in use, INVALID, REQUIRED or TOO_LONG.
    pub async fn create_key_auth(self, input: CreateKeyAuthStrategyInput) -> Result<Created<KeyAuthStrategy>, Error> {
        let payload = self.client.mutate_repeatable::<CreateKeyAuthStrategy>(input).await?;
        let object = payload
            .auth_strategy
            .ok_or_else(|| DecodeError::missing("createKeyAuthStrategy.authStrategy"))?;
        Ok(Created {
            object,
            replayed: payload.replayed,
        })
    }

    /// Changes a key-auth strategy (`updateKeyAuthStrategy`); the gateway follows at once.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND, TAKEN, INVALID, REQUIRED or TOO_LONG.
    pub async fn update_key_auth(self, input: UpdateKeyAuthStrategyInput) -> Result<KeyAuthStrategy, Error> {
        let payload = self.client.mutate::<UpdateKeyAuthStrategy>(input).await?;
        Ok(payload
            .auth_strategy
            .ok_or_else(|| DecodeError::missing("updateKeyAuthStrategy.authStrategy"))?)
    }

    /// Deletes a strategy that no version has (`deleteAuthStrategy`). Answers with its id.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with IN_USE, or NOT_FOUND.
    pub async fn delete(self, id: &AuthStrategyId) -> Result<AuthStrategyId, Error> {
        self.delete_with(DeleteAuthStrategyInput {
            id: id.clone(),
            force: false,
        })
        .await
    }

    /// Deletes a strategy (`deleteAuthStrategy` with `force`); its versions deny all calls from then on. Answers with
    /// its id.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn delete_forced(self, id: &AuthStrategyId) -> Result<AuthStrategyId, Error> {
        self.delete_with(DeleteAuthStrategyInput {
            id: id.clone(),
            force: true,
        })
        .await
    }

    async fn delete_with(self, input: DeleteAuthStrategyInput) -> Result<AuthStrategyId, Error> {
        let payload = self.client.mutate::<DeleteAuthStrategy>(input).await?;
        Ok(payload
            .deleted_id
            .ok_or_else(|| DecodeError::missing("deleteAuthStrategy.deletedId"))?)
    }
}

connection!(AuthStrategyConnection of AuthStrategy);

listing! {
    /// What [`AuthStrategies::list`] lists.
    AuthStrategyListing = ListAuthStrategies(ListAuthStrategiesVariables).auth_strategies
        -> AuthStrategyConnection of AuthStrategy
}

listing! {
    /// What [`AuthStrategies::versions_of_key_auth`] lists.
    KeyAuthVersionListing(AuthStrategyId) = ListKeyAuthVersions(ListKeyAuthVersionsVariables)
        .KeyAuthVersionsNode::KeyAuthVersions("KeyAuthStrategy").versions -> ProductVersionConnection of ProductVersion
}

get_by_id!(GetKeyAuthStrategy(GetKeyAuthStrategyVariables: AuthStrategyId)
    -> KeyAuthStrategyNode::KeyAuthStrategy(KeyAuthStrategy));

#[derive(cynic::InputObject)]
pub(crate) struct DeleteAuthStrategyInput {
    id: AuthStrategyId,
    force: bool,
}

mutation!(CreateKeyAuthStrategy.create_key_auth_strategy(CreateKeyAuthStrategyVariables: CreateKeyAuthStrategyInput)
    -> CreateKeyAuthStrategyPayload { auth_strategy: KeyAuthStrategy; replayed });
mutation!(UpdateKeyAuthStrategy.update_key_auth_strategy(UpdateKeyAuthStrategyVariables: UpdateKeyAuthStrategyInput)
    -> UpdateKeyAuthStrategyPayload { auth_strategy: KeyAuthStrategy });
mutation!(DeleteAuthStrategy.delete_auth_strategy(DeleteAuthStrategyVariables: DeleteAuthStrategyInput)
    -> DeleteAuthStrategyPayload { deleted_id: AuthStrategyId });
