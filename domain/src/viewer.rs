//! Who is looking.

use crate::{
    developer::DeveloperStatus,
    id::{AdminId, DeveloperId},
};

/// Who is looking: decides what exists for them and what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Nobody is signed in.
    Anonymous,
    /// A developer, in the state their account has now.
    Developer {
        /// The account.
        id: DeveloperId,
        /// Its state.
        status: DeveloperStatus,
    },
    /// An admin.
    Admin {
        /// The account.
        id: AdminId,
    },
}
