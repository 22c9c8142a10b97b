//! Registration in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use domain::{Refusal, id::RegistrationId};

use super::service::{self, EnableRegistration};
use crate::{
    auth_strategy::graphql::AuthStrategy,
    graphql::{
        payload::{Payload, answer},
        user_error::UserError,
    },
    loader::RequestContext as _,
    version::{graphql::ProductVersion, service::VersionRecord},
};

/// Whether and how apps register against a version.
#[derive(Clone)]
pub struct RegistrationSettings(VersionRecord);

impl From<VersionRecord> for RegistrationSettings {
    fn from(record: VersionRecord) -> Self {
        Self(record)
    }
}

/// Whether and how apps register against a version.
#[Object]
impl RegistrationSettings {
    /// The settings' id.
    async fn id(&self) -> ID {
        RegistrationId::from_uuid(self.0.id.uuid()).into()
    }

    /// Whether new requests are taken; what is approved goes on either way.
    async fn enabled(&self) -> bool {
        self.0.registration_enabled
    }

    /// Whether requests are approved without an admin.
    async fn auto_approve(&self) -> bool {
        self.0.auto_approve
    }

    /// What callers prove themselves by; null: nothing opens the version, every call is denied.
    async fn auth_strategy(&self, context: &Context<'_>) -> Option<Result<AuthStrategy>> {
        let strategy = context.load(self.0.auth_strategy_id?).await;
        strategy.map(|strategy| strategy.map(AuthStrategy::from)).transpose()
    }
}

/// How a version is to take requests.
#[derive(InputObject)]
pub struct EnableRegistrationInput {
    /// The version.
    version_id: ID,
    /// What callers prove themselves by; unless given, what the version has, else the built-in key-auth.
    auth_strategy_id: Option<ID>,
    /// Whether requests are approved without an admin; unless given, as the version has it, else false.
    auto_approve: Option<bool>,
    /// Apply it to all versions of the product, or to none if one of them refuses.
    #[graphql(default = false)]
    apply_to_all_versions: bool,
}

impl From<EnableRegistrationInput> for EnableRegistration {
    fn from(input: EnableRegistrationInput) -> Self {
        let EnableRegistrationInput {
            version_id,
            auth_strategy_id,
            auto_approve,
            apply_to_all_versions,
        } = input;
        Self {
            version_id,
            auth_strategy_id,
            auto_approve,
            apply_to_all_versions,
        }
    }
}

/// A version that is to take no more requests.
#[derive(InputObject)]
pub struct DisableRegistrationInput {
    /// The version.
    version_id: ID,
    /// Apply it to all versions of the product.
    #[graphql(default = false)]
    apply_to_all_versions: bool,
}

/// What `enableRegistration` answers.
#[derive(SimpleObject)]
pub struct EnableRegistrationPayload {
    /// Every version that it was applied to, as it is now.
    versions: Option<Vec<ProductVersion>>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
}

impl Payload for EnableRegistrationPayload {
    type Value = Vec<VersionRecord>;

    fn done(versions: Vec<VersionRecord>) -> Self {
        Self {
            versions: Some(versions.into_iter().map(ProductVersion::from).collect()),
            user_errors: Vec::new(),
        }
    }

    fn refused(refusals: Vec<Refusal>) -> Self {
        Self {
            versions: None,
            user_errors: refusals.into_iter().map(UserError::from).collect(),
        }
    }
}

/// What `disableRegistration` answers.
#[derive(SimpleObject)]
pub struct DisableRegistrationPayload {
    /// Every version that it was applied to, as it is now.
    versions: Option<Vec<ProductVersion>>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
}

impl Payload for DisableRegistrationPayload {
    type Value = Vec<VersionRecord>;

    fn done(versions: Vec<VersionRecord>) -> Self {
        Self {
            versions: Some(versions.into_iter().map(ProductVersion::from).collect()),
            user_errors: Vec::new(),
        }
    }

    fn refused(refusals: Vec<Refusal>) -> Self {
        Self {
            versions: None,
            user_errors: refusals.into_iter().map(UserError::from).collect(),
        }
    }
}

/// The registration's mutations.
#[derive(Default)]
pub struct RegistrationMutation;

/// Mutations of registration.
#[Object]
impl RegistrationMutation {
    /// Enables registration on a version, or changes its settings where it is enabled; requests that wait go on
    /// waiting. IN_USE for another strategy under open requests. Admins.
    async fn enable_registration(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How the version is to take requests.")] input: EnableRegistrationInput,
    ) -> Option<Result<EnableRegistrationPayload>> {
        answer(
            context,
            service::enable(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Disables registration on a version: no new requests; what is approved goes on. Repeating it succeeds. Admins.
    async fn disable_registration(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which version is to take no more requests.")] input: DisableRegistrationInput,
    ) -> Option<Result<DisableRegistrationPayload>> {
        answer(
            context,
            service::disable(
                context.plane(),
                context.call(),
                &input.version_id,
                input.apply_to_all_versions,
            )
            .await,
        )
    }
}
