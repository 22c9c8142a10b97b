//! The portal in the schema.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};

use super::service::{self, PortalPatch, PortalRecord};
use crate::{
    graphql::{payload::answer, scalar::Url},
    loader::RequestContext as _,
    payload,
};

/// The portal: the settings that all products share.
#[derive(Clone)]
pub struct Portal(PortalRecord);

impl From<PortalRecord> for Portal {
    fn from(record: PortalRecord) -> Self {
        Self(record)
    }
}

/// The portal: the settings that all products share.
#[Object]
impl Portal {
    /// The portal's id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The portal's name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether the catalog shows to anyone. A public portal takes no sign-ups and no access requests; what was
    /// approved goes on working.
    async fn is_public(&self) -> bool {
        self.0.settings.is_public
    }

    /// Whether developers are approved as they sign up.
    async fn auto_approve_developers(&self) -> bool {
        self.0.settings.auto_approve_developers
    }

    /// Whether access requests are approved at once everywhere; false leaves it to each version.
    async fn auto_approve_access_requests(&self) -> bool {
        self.0.settings.auto_approve_access_requests
    }

    /// What a call through the gateway starts with.
    async fn gateway_url(&self, context: &Context<'_>) -> Url {
        Url(context.plane().gateway_public_url.clone())
    }
}

/// The portal's root field.
#[derive(Default)]
pub struct PortalQuery;

/// Root fields of the portal.
#[Object]
impl PortalQuery {
    /// The settings that all products share, and what calls through the gateway start with. Anyone.
    async fn portal(&self, context: &Context<'_>) -> Result<Portal> {
        context.give(service::read(context.plane()).await).map(Portal)
    }
}

/// What to change of the portal; an omitted field is left alone.
#[derive(InputObject)]
pub struct UpdatePortalInput {
    /// The portal's name, at most 255 characters.
    name: MaybeUndefined<String>,
    /// Whether the catalog shows to anyone.
    is_public: MaybeUndefined<bool>,
    /// Whether developers are approved as they sign up.
    auto_approve_developers: MaybeUndefined<bool>,
    /// Whether access requests are approved at once everywhere.
    auto_approve_access_requests: MaybeUndefined<bool>,
}

impl From<UpdatePortalInput> for PortalPatch {
    fn from(input: UpdatePortalInput) -> Self {
        let UpdatePortalInput {
            name,
            is_public,
            auto_approve_developers,
            auto_approve_access_requests,
        } = input;
        Self {
            name,
            is_public,
            auto_approve_developers,
            auto_approve_access_requests,
        }
    }
}

payload! {
    /// What `updatePortal` answers.
    UpdatePortalPayload {
        /// The portal as it is now.
        portal: Portal = PortalRecord
    }
}

/// The portal's mutations.
#[derive(Default)]
pub struct PortalMutation;

/// Mutations of the portal.
#[Object]
impl PortalMutation {
    /// Changes the portal's settings; what is left out stays as it is. Admins.
    async fn update_portal(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdatePortalInput,
    ) -> Option<Result<UpdatePortalPayload>> {
        answer(
            context,
            service::update(context.plane(), context.call(), input.into()).await,
        )
    }
}
