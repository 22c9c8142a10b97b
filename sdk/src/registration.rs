//! Versions' registration settings.

use crate::{
    AuthStrategyId, Error, ProductVersion, RegistrationId, VersionId,
    auth_strategy::AuthStrategyRef,
    client::handle,
    error::DecodeError,
    operation::{input, mutation},
    schema,
};

/// Whether and how apps register against a version.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RegistrationSettings {
    /// The settings' id.
    pub id: RegistrationId,
    /// Whether new requests are taken; what is approved goes on either way.
    pub enabled: bool,
    /// Whether requests are approved without an admin.
    pub auto_approve: bool,
    /// What credentials open the version; None: none does, every call is denied.
    pub auth_strategy: Option<AuthStrategyRef>,
}

input! {
    /// What `enableRegistration` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    EnableRegistrationInput {
        required {
            /// Which version.
            version_id: [VersionId],
        }
        optional {
            /// The strategy; unless given, the one that the version has, or the built-in `key-auth`.
            auth_strategy_id: [AuthStrategyId],
            /// Whether requests are approved without an admin; unless given, as the version has it, or not.
            auto_approve: [bool],
            /// All versions of the product, or none; false unless given.
            apply_to_all_versions: [bool],
        }
    }
}

handle! {
    /// Versions' registration settings; from [`crate::Portico::registrations`].
    Registrations
}

impl Registrations<'_> {
    /// Opens a version for requests, or changes how it takes them (`enableRegistration`). Answers with every version
    /// that it was applied to. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with IN_USE for another strategy under open requests, or NOT_FOUND.
    pub async fn enable(self, input: EnableRegistrationInput) -> Result<Vec<ProductVersion>, Error> {
        let payload = self.client.mutate::<EnableRegistration>(input).await?;
        Ok(payload
            .versions
            .ok_or_else(|| DecodeError::missing("enableRegistration.versions"))?)
    }

    /// Closes a version for new requests (`disableRegistration`); what is approved goes on. Repeating it succeeds.
    /// Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn disable(self, version: &VersionId) -> Result<Vec<ProductVersion>, Error> {
        self.disable_with(version, false).await
    }

    /// Closes all versions of this version's product (`disableRegistration` with `applyToAllVersions`). Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn disable_for_all_versions(self, version: &VersionId) -> Result<Vec<ProductVersion>, Error> {
        self.disable_with(version, true).await
    }

    async fn disable_with(self, version: &VersionId, all: bool) -> Result<Vec<ProductVersion>, Error> {
        let input = DisableRegistrationInput {
            version_id: version.clone(),
            apply_to_all_versions: all,
        };
        let payload = self.client.mutate::<DisableRegistration>(input).await?;
        Ok(payload
            .versions
            .ok_or_else(|| DecodeError::missing("disableRegistration.versions"))?)
    }
}

#[derive(cynic::InputObject)]
pub(crate) struct DisableRegistrationInput {
    version_id: VersionId,
    apply_to_all_versions: bool,
}

mutation!(EnableRegistration.enable_registration(EnableRegistrationVariables: EnableRegistrationInput)
    -> EnableRegistrationPayload { versions: Vec<ProductVersion> });
mutation!(DisableRegistration.disable_registration(DisableRegistrationVariables: DisableRegistrationInput)
    -> DisableRegistrationPayload { versions: Vec<ProductVersion> });
