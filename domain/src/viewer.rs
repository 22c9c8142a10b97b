//! Viewers: who is looking, and what they are to the thing they look at.

use crate::{
    developer::DeveloperStatus,
    id::{AdminId, DeveloperId},
};

/// Who is looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// Nobody is signed in.
    Anonymous,
    /// A developer.
    Developer {
        /// Which one.
        id: DeveloperId,
        /// Where the account stands at present.
        status: DeveloperStatus,
    },
    /// An admin.
    Admin {
        /// Which one.
        id: AdminId,
    },
}

/// What a viewer is to something that belongs to a developer: an app, a request, a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Actor {
    /// The approved developer whose it is.
    Owner,
    /// Any admin.
    Admin,
    /// Anyone else, and a developer who is not approved: for them it does not exist.
    Stranger,
}

impl Viewer {
    /// What the viewer is to something that belongs to `owner`.
    #[must_use]
    pub fn actor_towards(&self, owner: DeveloperId) -> Actor {
        match *self {
            Self::Admin { .. } => Actor::Admin,
            Self::Developer {
                id,
                status: DeveloperStatus::Approved,
            } if id == owner => Actor::Owner,
            Self::Developer { .. } | Self::Anonymous => Actor::Stranger,
        }
    }

    /// Whether the viewer may look through what is published: admins, approved developers, and anyone on a public
    /// portal.
    #[must_use]
    pub const fn sees_catalog(&self, portal_is_public: bool) -> bool {
        match self {
            Self::Admin { .. } => true,
            Self::Developer {
                status: DeveloperStatus::Approved,
                ..
            } => true,
            Self::Developer {
                status: DeveloperStatus::Pending | DeveloperStatus::Rejected | DeveloperStatus::Revoked,
                ..
            }
            | Self::Anonymous => portal_is_public,
        }
    }

    /// Whether the viewer is an admin.
    #[must_use]
    pub const fn is_admin(&self) -> bool {
        matches!(self, Self::Admin { .. })
    }

    /// Whether the viewer is a developer whom an admin (or the portal) has approved.
    #[must_use]
    pub const fn is_approved_developer(&self) -> bool {
        matches!(
            self,
            Self::Developer {
                status: DeveloperStatus::Approved,
                ..
            }
        )
    }
}
