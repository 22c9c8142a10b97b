//! The portal and its settings.

use crate::{
    Error, PortalId,
    client::handle,
    error::DecodeError,
    operation::{input, mutation},
    schema,
};

/// The portal.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[non_exhaustive]
pub struct Portal {
    /// The portal's id.
    pub id: PortalId,
    /// The name.
    pub name: String,
    /// Whether it shows its catalog to anyone, and takes no sign-ups and no requests.
    pub is_public: bool,
    /// Whether developers are approved without an admin.
    pub auto_approve_developers: bool,
    /// Whether requests are approved without an admin, whatever the version says.
    pub auto_approve_access_requests: bool,
    /// What a call through the gateway begins with.
    pub gateway_url: String,
}

input! {
    /// What `updatePortal` takes; no field can be cleared.
    #[derive(Clone, Debug, cynic::InputObject)]
    UpdatePortalInput {
        patch {
            /// The name, 1 to 255 characters.
            name: [String],
            /// Whether it shows its catalog to anyone, and takes no sign-ups and no requests.
            is_public: [bool],
            /// Whether developers are approved without an admin.
            auto_approve_developers: [bool],
            /// Whether requests are approved without an admin, whatever the version says.
            auto_approve_access_requests: [bool],
        }
    }
}

handle! {
    /// The portal and its settings; from [`crate::Portico::portal`].
    PortalSettings
}

impl PortalSettings<'_> {
    /// The portal (`portal`).
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn get(self) -> Result<Portal, Error> {
        Ok(self.client.query::<GetPortal, _>(()).await?.portal)
    }

    /// Changes the portal's settings (`updatePortal`). Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID, REQUIRED or TOO_LONG.
    pub async fn update(self, input: UpdatePortalInput) -> Result<Portal, Error> {
        let payload = self.client.mutate::<UpdatePortal>(input).await?;
        Ok(payload
            .portal
            .ok_or_else(|| DecodeError::missing("updatePortal.portal"))?)
    }
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct GetPortal {
    portal: Portal,
}

mutation!(UpdatePortal.update_portal(UpdatePortalVariables: UpdatePortalInput)
    -> UpdatePortalPayload { portal: Portal });
