//! What can be done with apps.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use domain::id::AppId;

use super::App;
use crate::{
    app::service::{self, AppRecord, CreateApp, UpdateApp},
    graphql::payload::{answer, answer_when_confirmed},
    loader::RequestContext as _,
    payload,
};

/// An app to make.
#[derive(InputObject)]
pub struct CreateAppInput {
    /// The name, at most 255 characters.
    name: String,
    /// The developer's own id for the app, unique in the portal: an ASCII letter or digit, then up to 254 letters,
    /// digits, `.`, `_`, `:` or `-`. Once used, it stays its developer's.
    reference_id: String,
    /// What the app is for, at most 10,000 characters.
    description: Option<String>,
    /// Any text of one's own, such as a UUID: the same key and input within 24 hours make nothing twice.
    idempotency_key: Option<String>,
}

impl From<CreateAppInput> for CreateApp {
    fn from(input: CreateAppInput) -> Self {
        let CreateAppInput {
            name,
            reference_id,
            description,
            idempotency_key,
        } = input;
        Self {
            name,
            reference_id,
            description,
            idempotency_key,
        }
    }
}

/// What to change of an app; an omitted field is left alone.
#[derive(InputObject)]
pub struct UpdateAppInput {
    /// The app.
    id: ID,
    /// The name, at most 255 characters.
    name: MaybeUndefined<String>,
    /// The developer's own id for the app, unique in the portal.
    reference_id: MaybeUndefined<String>,
    /// What the app is for, at most 10,000 characters; null clears it.
    description: MaybeUndefined<String>,
}

impl From<UpdateAppInput> for UpdateApp {
    fn from(input: UpdateAppInput) -> Self {
        let UpdateAppInput {
            id,
            name,
            reference_id,
            description,
        } = input;
        Self {
            id,
            name,
            reference_id,
            description,
        }
    }
}

/// An app to delete.
#[derive(InputObject)]
pub struct DeleteAppInput {
    /// The app.
    id: ID,
}

/// An app to suspend.
#[derive(InputObject)]
pub struct SuspendAppInput {
    /// The app.
    id: ID,
    /// Why, for its developer to read; at most 10,000 characters.
    reason: String,
    /// Answer only when every gateway that may be serving enforces it, or after 5 seconds with a list of those that
    /// have not confirmed it.
    #[graphql(default = false)]
    wait_for_gateways: bool,
}

/// An app to resume.
#[derive(InputObject)]
pub struct ResumeAppInput {
    /// The app.
    id: ID,
}

payload! {
    /// What `createApp` answers.
    CreateAppPayload replayable {
        /// The new app.
        app: App = AppRecord
    }
}

payload! {
    /// What `updateApp` answers.
    UpdateAppPayload {
        /// The app as it is now.
        app: App = AppRecord
    }
}

payload! {
    /// What `deleteApp` answers.
    DeleteAppPayload {
        /// The id of the app that is gone.
        deleted_id: ID = AppId
    }
}

payload! {
    /// What `suspendApp` answers.
    SuspendAppPayload awaits_gateways {
        /// The app as it is now.
        app: App = AppRecord
    }
}

payload! {
    /// What `resumeApp` answers.
    ResumeAppPayload {
        /// The app as it is now.
        app: App = AppRecord
    }
}

/// The apps' mutations.
#[derive(Default)]
pub struct AppMutation;

/// Mutations of apps.
#[Object]
impl AppMutation {
    /// Makes an app. Approved developers.
    async fn create_app(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The app to make.")] input: CreateAppInput,
    ) -> Option<Result<CreateAppPayload>> {
        answer(
            context,
            service::create(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Changes an app; what is left out stays as it is. Its developer.
    async fn update_app(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateAppInput,
    ) -> Option<Result<UpdateAppPayload>> {
        answer(
            context,
            service::update(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Deletes an app with its credentials and requests; its traffic stops at once. Its developer, and admins.
    async fn delete_app(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The app to delete.")] input: DeleteAppInput,
    ) -> Option<Result<DeleteAppPayload>> {
        answer(
            context,
            service::delete(context.plane(), context.call(), &input.id).await,
        )
    }

    /// Stops all of an app's credentials, at once and reversibly. Admins.
    async fn suspend_app(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The app to suspend, and why.")] input: SuspendAppInput,
    ) -> Option<Result<SuspendAppPayload>> {
        let suspended = service::suspend(context.plane(), context.call(), &input.id, &input.reason).await;
        answer_when_confirmed(context, input.wait_for_gateways, suspended).await
    }

    /// Lets a suspended app's credentials go on. Admins.
    async fn resume_app(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The app to resume.")] input: ResumeAppInput,
    ) -> Option<Result<ResumeAppPayload>> {
        answer(
            context,
            service::resume(context.plane(), context.call(), &input.id).await,
        )
    }
}
