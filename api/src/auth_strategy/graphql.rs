//! Strategies in the schema.

use async_graphql::{Context, ID, InputObject, Interface, MaybeUndefined, Object, Result};

use super::{
    loader::InUse,
    service::{self, AuthStrategyRecord, CreateKeyAuthStrategy, UpdateKeyAuthStrategy},
};
use crate::{
    connection,
    graphql::{connection::TotalCount, payload::answer},
    loader::RequestContext as _,
    pagination, payload,
    version::{
        graphql::{ProductVersionConnection, versions_of},
        service::VersionParent,
    },
};

/// How callers of a version prove who they are.
#[derive(Clone, Interface)]
#[allow(
    clippy::duplicated_attributes,
    reason = "the lint takes the arguments' types for repetitions of one attribute"
)]
#[graphql(
    field(name = "id", ty = "ID", desc = "The strategy's id."),
    field(name = "name", ty = "String", desc = "The strategy's name, unique in the portal."),
    field(
        name = "in_use",
        ty = "bool",
        desc = "Whether versions have it, or live credentials were made for it."
    ),
    field(
        name = "versions",
        ty = "ProductVersionConnection",
        desc = "The versions that have it and exist for the viewer, the latest first.",
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "How many from the start, 1 to 100; 20 unless given."
        ),
        arg(name = "after", ty = "Option<String>", desc = "Only those after this cursor."),
        arg(name = "last", ty = "Option<i32>", desc = "How many from the end, 1 to 100."),
        arg(name = "before", ty = "Option<String>", desc = "Only those before this cursor.")
    )
)]
pub enum AuthStrategy {
    /// API keys in a header.
    KeyAuthStrategy(KeyAuthStrategy),
}

impl From<AuthStrategyRecord> for AuthStrategy {
    fn from(record: AuthStrategyRecord) -> Self {
        Self::KeyAuthStrategy(record.into())
    }
}

/// A strategy whose callers send an API key in a header.
#[derive(Clone)]
pub struct KeyAuthStrategy(AuthStrategyRecord);

impl From<AuthStrategyRecord> for KeyAuthStrategy {
    fn from(record: AuthStrategyRecord) -> Self {
        Self(record)
    }
}

/// A strategy whose callers send an API key in a header.
#[Object]
impl KeyAuthStrategy {
    /// The strategy's id.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The strategy's name, unique in the portal.
    pub async fn name(&self) -> String {
        self.0.name.clone()
    }

    /// Whether versions have it, or live credentials were made for it.
    pub async fn in_use(&self, context: &Context<'_>) -> Result<bool> {
        Ok(context.load(InUse(self.0.id)).await?.unwrap_or_default())
    }

    /// The versions that have it and exist for the viewer, the latest first.
    pub async fn versions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<ProductVersionConnection> {
        let page = context.give(pagination::arguments(first, after, last, before))?;
        versions_of(context, VersionParent::AuthStrategy(self.0.id), None, page).await
    }

    /// The headers that a key may come in, 1 to 10.
    async fn key_names(&self) -> &[String] {
        &self.0.key_names
    }

    /// For how many days from its making a key opens versions of this strategy; null: no limit.
    async fn credential_ttl_days(&self) -> Option<i32> {
        self.0
            .credential_ttl_days
            .map(|days| i32::try_from(days).unwrap_or(i32::MAX))
    }
}

connection!(
    AuthStrategyConnection,
    AuthStrategyEdge,
    AuthStrategy,
    "authentication strategies"
);

/// The strategies' root field.
#[derive(Default)]
pub struct AuthStrategyQuery;

/// Root fields of strategies.
#[Object]
impl AuthStrategyQuery {
    /// All strategies, the latest first. Admins; FORBIDDEN for everyone else.
    async fn auth_strategies(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<AuthStrategyConnection>> {
        let (plane, call) = (context.plane().clone(), context.call().clone());
        let listed = async {
            let page = pagination::arguments(first, after, last, before)?;
            service::list(&plane, &call, &page).await
        };
        let slice = context.give(listed.await);
        let total = TotalCount::new(move || {
            let (plane, call) = (plane.clone(), call.clone());
            async move { service::count(&plane, &call).await }
        });
        Some(slice.map(|slice| AuthStrategyConnection::new(slice, total)))
    }
}

/// A key-auth strategy to make.
#[derive(InputObject)]
pub struct CreateKeyAuthStrategyInput {
    /// The name, unique in the portal, at most 255 characters.
    name: String,
    /// The headers that a key may come in, 1 to 10. The gateway takes them off every call that it forwards.
    #[graphql(default_with = "vec![domain::key_name::DEFAULT.to_owned()]")]
    key_names: Vec<String>,
    /// For how many days from its making a key opens versions of this strategy, 1 to 3650; null: no limit.
    credential_ttl_days: Option<i32>,
    /// Any text of one's own, such as a UUID: the same key and input within 24 hours make nothing twice.
    idempotency_key: Option<String>,
}

impl From<CreateKeyAuthStrategyInput> for CreateKeyAuthStrategy {
    fn from(input: CreateKeyAuthStrategyInput) -> Self {
        let CreateKeyAuthStrategyInput {
            name,
            key_names,
            credential_ttl_days,
            idempotency_key,
        } = input;
        Self {
            name,
            key_names,
            credential_ttl_days,
            idempotency_key,
        }
    }
}

/// What to change of a key-auth strategy; an omitted field is left alone.
#[derive(InputObject)]
pub struct UpdateKeyAuthStrategyInput {
    /// The strategy.
    id: ID,
    /// The name, unique in the portal, at most 255 characters.
    name: MaybeUndefined<String>,
    /// The headers that a key may come in, 1 to 10. Keys in a header that is left out open nothing from then on.
    key_names: MaybeUndefined<Vec<String>>,
    /// For how many days from its making a key opens versions of this strategy, 1 to 3650; null: no limit.
    credential_ttl_days: MaybeUndefined<i32>,
}

impl From<UpdateKeyAuthStrategyInput> for UpdateKeyAuthStrategy {
    fn from(input: UpdateKeyAuthStrategyInput) -> Self {
        let UpdateKeyAuthStrategyInput {
            id,
            name,
            key_names,
            credential_ttl_days,
        } = input;
        Self {
            id,
            name,
            key_names,
            credential_ttl_days,
        }
    }
}

/// A strategy to delete.
#[derive(InputObject)]
pub struct DeleteAuthStrategyInput {
    /// The strategy.
    id: ID,
    /// Delete it although it is in use: its versions deny every call from then on, its credentials are deleted.
    #[graphql(default = false)]
    force: bool,
}

payload! {
    /// What `createKeyAuthStrategy` answers.
    CreateKeyAuthStrategyPayload replayable {
        /// The new strategy.
        auth_strategy: KeyAuthStrategy = AuthStrategyRecord
    }
}

payload! {
    /// What `updateKeyAuthStrategy` answers.
    UpdateKeyAuthStrategyPayload {
        /// The strategy as it is now.
        auth_strategy: KeyAuthStrategy = AuthStrategyRecord
    }
}

payload! {
    /// What `deleteAuthStrategy` answers.
    DeleteAuthStrategyPayload {
        /// The id of the strategy that is gone.
        deleted_id: ID = domain::id::AuthStrategyId
    }
}

/// The strategies' mutations.
#[derive(Default)]
pub struct AuthStrategyMutation;

/// Mutations of strategies.
#[Object]
impl AuthStrategyMutation {
    /// Makes a strategy whose callers send an API key in a header. Admins.
    async fn create_key_auth_strategy(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The strategy to make.")] input: CreateKeyAuthStrategyInput,
    ) -> Option<Result<CreateKeyAuthStrategyPayload>> {
        answer(
            context,
            service::create_key_auth(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Changes a key-auth strategy; its versions follow at once. Admins.
    async fn update_key_auth_strategy(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateKeyAuthStrategyInput,
    ) -> Option<Result<UpdateKeyAuthStrategyPayload>> {
        answer(
            context,
            service::update_key_auth(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Deletes a strategy. IN_USE while versions or live credentials use it, unless forced; the built-in one stays
    /// (CONFLICT). Admins.
    async fn delete_auth_strategy(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The strategy to delete.")] input: DeleteAuthStrategyInput,
    ) -> Option<Result<DeleteAuthStrategyPayload>> {
        answer(
            context,
            service::delete(context.plane(), context.call(), &input.id, input.force).await,
        )
    }
}
