//! The versions' mutations.

use async_graphql::{Context, ID, Object, Result};
use domain::id::VersionId;

use super::{CreateVersionInput, DeleteVersionInput, ProductVersion, SetVersionLifecycleInput, UpdateVersionInput};
use crate::{
    graphql::payload::answer,
    loader::RequestContext as _,
    payload,
    version::service::{self, VersionRecord},
};

payload! {
    /// What `createVersion` answers.
    CreateVersionPayload replayable {
        /// The version.
        version: ProductVersion = VersionRecord
    }
}

payload! {
    /// What `updateVersion` answers.
    UpdateVersionPayload {
        /// The version as it is now.
        version: ProductVersion = VersionRecord
    }
}

payload! {
    /// What `setVersionLifecycle` answers.
    SetVersionLifecyclePayload {
        /// The version as it is now.
        version: ProductVersion = VersionRecord
    }
}

payload! {
    /// What `deleteVersion` answers.
    DeleteVersionPayload {
        /// The id of the version that is gone.
        deleted_id: ID = VersionId
    }
}

/// The versions' mutations.
#[derive(Default)]
pub struct VersionMutation;

/// Mutations of versions.
#[Object]
impl VersionMutation {
    /// Makes a version, without a gateway service and closed for registration. Admins.
    async fn create_version(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The version.")] input: CreateVersionInput,
    ) -> Option<Result<CreateVersionPayload>> {
        answer(
            context,
            service::create(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Changes a version's name or specification. Admins.
    async fn update_version(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateVersionInput,
    ) -> Option<Result<UpdateVersionPayload>> {
        answer(
            context,
            service::update(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Takes a version to another state of its life. Becoming live answers `ROUTE_CONFLICT` when another live version
    /// claims one of its routes. Admins.
    async fn set_version_lifecycle(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The step to take.")] input: SetVersionLifecycleInput,
    ) -> Option<Result<SetVersionLifecyclePayload>> {
        let SetVersionLifecycleInput { id, lifecycle } = input;
        answer(
            context,
            service::set_lifecycle(context.plane(), context.call(), &id, lifecycle.into()).await,
        )
    }

    /// Deletes a version with its access requests; `IN_USE` while it has approved ones, unless forced. Admins.
    async fn delete_version(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The version.")] input: DeleteVersionInput,
    ) -> Option<Result<DeleteVersionPayload>> {
        answer(
            context,
            service::delete(context.plane(), context.call(), &input.id, input.force).await,
        )
    }
}
