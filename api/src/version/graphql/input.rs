//! Inputs of the versions' lists and mutations.

use async_graphql::{ID, InputObject, MaybeUndefined};
use domain::id::AuthStrategyKind;

use super::VersionLifecycle;
use crate::{
    error::ServiceError,
    id, pagination,
    version::service::{CreateVersion, VersionFilter, VersionPatch},
};

/// Which versions are wanted; what is left out does not matter.
#[derive(InputObject)]
pub struct ProductVersionFilter {
    /// In one of these states.
    lifecycle: Option<Vec<VersionLifecycle>>,
    /// Whether they take new requests.
    registration_enabled: Option<bool>,
    /// The strategy that they use.
    auth_strategy_id: Option<ID>,
}

impl TryFrom<ProductVersionFilter> for VersionFilter {
    type Error = ServiceError;

    fn try_from(filter: ProductVersionFilter) -> Result<Self, ServiceError> {
        let ProductVersionFilter {
            lifecycle,
            registration_enabled,
            auth_strategy_id,
        } = filter;
        let strategy = auth_strategy_id.map(|id| id::parse::<AuthStrategyKind>("authStrategyId", &id));
        Ok(Self {
            lifecycle: pagination::states(lifecycle),
            registration_enabled,
            auth_strategy_id: strategy.transpose()?,
        })
    }
}

/// A version to make.
#[derive(InputObject)]
pub struct CreateVersionInput {
    /// The product.
    product_id: ID,
    /// The name, unique in the product, at most 255 characters.
    name: String,
    /// Where it starts its life.
    #[graphql(default_with = "VersionLifecycle::Active")]
    lifecycle: VersionLifecycle,
    /// The OpenAPI document, kept as uploaded, at most 5 MiB.
    specification: Option<String>,
    /// Any text of one's own, such as a UUID: the same key and input within 24 hours make nothing twice.
    idempotency_key: Option<String>,
}

impl From<CreateVersionInput> for CreateVersion {
    fn from(input: CreateVersionInput) -> Self {
        let CreateVersionInput {
            product_id,
            name,
            lifecycle,
            specification,
            idempotency_key,
        } = input;
        Self {
            product_id,
            name,
            lifecycle: lifecycle.into(),
            specification,
            idempotency_key,
        }
    }
}

/// What to change of a version; an omitted field is left alone.
#[derive(InputObject)]
pub struct UpdateVersionInput {
    /// The version.
    id: ID,
    /// The name, unique in the product, at most 255 characters.
    name: MaybeUndefined<String>,
    /// The OpenAPI document, kept as uploaded, at most 5 MiB; null removes it.
    specification: MaybeUndefined<String>,
}

impl From<UpdateVersionInput> for VersionPatch {
    fn from(input: UpdateVersionInput) -> Self {
        let UpdateVersionInput {
            id,
            name,
            specification,
        } = input;
        Self {
            id,
            name,
            specification,
        }
    }
}

/// The step in a version's life to take.
#[derive(InputObject)]
pub struct SetVersionLifecycleInput {
    /// The version.
    pub(super) id: ID,
    /// Where it shall stand.
    pub(super) lifecycle: VersionLifecycle,
}

/// The version to delete.
#[derive(InputObject)]
pub struct DeleteVersionInput {
    /// The version.
    pub(super) id: ID,
    /// Also when it has approved requests; their apps are cut off at once.
    #[graphql(default = false)]
    pub(super) force: bool,
}
