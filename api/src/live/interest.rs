//! What a subscription is about, and which changes are for it.

use std::collections::HashMap;

use domain::{
    access_request::AccessRequestStatus,
    id::{AccessRequestId, AppId, CredentialId, DeveloperId, ProductId, VersionId},
    viewer::{Actor, Viewer},
};
use uuid::Uuid;

use crate::{access_request::service::AccessRequestFilter, session::realm::AccountId};

/// What a subscription is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// One access request: its present state, then what becomes of it.
    AccessRequest(AccessRequestId),
    /// All access requests that the viewer may see and that pass the filter.
    AccessRequests(AccessRequestFilter),
    /// All credentials that the viewer may see, or those of one app.
    Credentials(Option<AppId>),
    /// The viewer's own account.
    Viewer,
}

/// An object that a subscription can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum LiveObject {
    /// An access request.
    AccessRequest(AccessRequestId),
    /// A credential.
    Credential(CredentialId),
    /// Whoever looks.
    Viewer(AccountId),
}

/// Where an access request that is there belongs. It names owners for routing, and is shown to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestRoute {
    /// Which request.
    pub(super) id: AccessRequestId,
    /// The app's developer.
    pub(super) developer: DeveloperId,
    /// The app.
    pub(super) app: AppId,
    /// The version.
    pub(super) version: VersionId,
    /// The version's product.
    pub(super) product: ProductId,
    /// Where it stands.
    pub(super) status: AccessRequestStatus,
}

/// Where a credential that is there belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CredentialRoute {
    /// Which credential.
    pub(super) id: CredentialId,
    /// Its app.
    pub(super) app: AppId,
    /// The app's developer.
    pub(super) developer: DeveloperId,
}

/// Whose objects are remembered, so that it is known whose was what is gone. The change log names no owner, and what
/// was never a developer's must not be named to them when it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum KnownKey {
    /// A developer's access requests.
    RequestsOf(DeveloperId),
    /// A developer's credentials.
    CredentialsOf(DeveloperId),
    /// An app's credentials, for admins.
    CredentialsOfApp(AppId),
}

/// Ids that were there, each with its app.
pub(super) type KnownIds = HashMap<Uuid, AppId>;

impl Interest {
    /// What has to be remembered for this subscription of `account`. An admin may hear of everything that goes.
    #[must_use]
    pub(super) const fn known_key(&self, account: AccountId) -> Option<KnownKey> {
        match (self, account) {
            (Self::AccessRequests(_), AccountId::Developer(id)) => Some(KnownKey::RequestsOf(id)),
            (Self::Credentials(_), AccountId::Developer(id)) => Some(KnownKey::CredentialsOf(id)),
            (Self::Credentials(Some(app)), AccountId::Admin(_)) => Some(KnownKey::CredentialsOfApp(*app)),
            (Self::AccessRequest(_) | Self::Viewer, _)
            | (Self::AccessRequests(_) | Self::Credentials(None), AccountId::Admin(_)) => None,
        }
    }

    /// Whether the request's present state is for this subscription.
    ///
    /// A `status` in the filter takes what has such a state, and also what may have left it: whoever keeps a list of
    /// what waits has to learn what waits no longer.
    #[must_use]
    pub(super) fn takes_request(&self, viewer: &Viewer, route: &RequestRoute) -> bool {
        let filter = match self {
            // Whether it may be seen is told when it is read.
            Self::AccessRequest(id) => return *id == route.id,
            Self::AccessRequests(filter) => filter,
            Self::Credentials(_) | Self::Viewer => return false,
        };
        let AccessRequestFilter {
            status,
            product_id,
            version_id,
            app_id,
            developer_id,
        } = filter;
        viewer.actor_towards(route.developer) != Actor::Stranger
            && status
                .as_ref()
                .is_none_or(|wanted| wanted.iter().any(|wanted| route.status.may_come_from(*wanted)))
            && product_id.is_none_or(|id| id == route.product)
            && version_id.is_none_or(|id| id == route.version)
            && app_id.is_none_or(|id| id == route.app)
            && developer_id.is_none_or(|id| id == route.developer)
    }

    /// Whether it is for this subscription that the request is gone. `known`: what its [`KnownKey`] remembers.
    #[must_use]
    pub(super) fn takes_gone_request(&self, viewer: &Viewer, id: AccessRequestId, known: Option<&KnownIds>) -> bool {
        match self {
            Self::AccessRequest(watched) => *watched == id,
            Self::AccessRequests(_) => {
                viewer.is_admin()
                    || viewer.is_approved_developer() && known.is_some_and(|known| known.contains_key(&id.uuid()))
            }
            Self::Credentials(_) | Self::Viewer => false,
        }
    }

    /// Whether the credential's present state is for this subscription.
    #[must_use]
    pub(super) fn takes_credential(&self, viewer: &Viewer, route: &CredentialRoute) -> bool {
        match self {
            Self::Credentials(app) => {
                viewer.actor_towards(route.developer) != Actor::Stranger && app.is_none_or(|app| app == route.app)
            }
            Self::AccessRequest(_) | Self::AccessRequests(_) | Self::Viewer => false,
        }
    }

    /// Whether it is for this subscription that the credential is gone.
    #[must_use]
    pub(super) fn takes_gone_credential(&self, viewer: &Viewer, id: CredentialId, known: Option<&KnownIds>) -> bool {
        let Self::Credentials(app) = self else {
            return false;
        };
        if viewer.is_admin() && app.is_none() {
            return true;
        }
        let may_see = viewer.is_admin() || viewer.is_approved_developer();
        let was_of = known.and_then(|known| known.get(&id.uuid()));
        may_see && was_of.is_some_and(|was_of| app.is_none_or(|app| app == *was_of))
    }

    /// Whether the change of an account is for this subscription of `own`.
    #[must_use]
    pub(super) fn takes_account(&self, own: AccountId, changed: AccountId) -> bool {
        *self == Self::Viewer && own == changed
    }
}

#[cfg(test)]
#[path = "interest_tests.rs"]
mod tests;
