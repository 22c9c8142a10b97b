//! On whose account something goes.

use std::net::IpAddr;

use domain::{
    id::{AdminId, DeveloperId},
    viewer::Viewer,
};

use crate::http::client_address::Network;

/// Who pays for a request or holds a connection: an account from wherever it calls; whoever is not signed in by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// An admin.
    Admin(AdminId),
    /// A developer.
    Developer(DeveloperId),
    /// Everybody at one address who is not signed in. `None`: where the address is not known.
    Address(Option<Network>),
    /// Everybody at one address, while they begin or end sessions. Apart from the former, so that nobody who has used up
    /// what an address has keeps its people from signing in.
    Sessions(Option<Network>),
}

impl Payer {
    /// Who pays for what this viewer does from this address.
    #[must_use]
    pub fn of(viewer: Viewer, address: Option<IpAddr>) -> Self {
        match viewer {
            Viewer::Admin { id } => Self::Admin(id),
            Viewer::Developer { id, .. } => Self::Developer(id),
            Viewer::Anonymous => Self::Address(address.map(Network::of)),
        }
    }

    /// Who pays for beginning and ending sessions from this address, signed in or not.
    #[must_use]
    pub fn of_sessions(address: Option<IpAddr>) -> Self {
        Self::Sessions(address.map(Network::of))
    }

    /// Whether somebody is signed in.
    #[must_use]
    pub const fn is_signed_in(&self) -> bool {
        matches!(self, Self::Admin(_) | Self::Developer(_))
    }
}
