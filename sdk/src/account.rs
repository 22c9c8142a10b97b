//! Whoever is signed in.

use crate::{AdminId, Error, NodeId, Portico, Timestamp, developer::Developer, schema};

/// An admin.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[non_exhaustive]
pub struct Admin {
    /// The admin's id.
    pub id: AdminId,
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub full_name: String,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, cynic::InlineFragments)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // one of them at a time, and seldom moved
pub enum Account {
    /// An admin, of [`crate::Realm::Admin`].
    Admin(Admin),
    /// A developer, of [`crate::Realm::Portal`].
    Developer(Developer),
    /// An account of a kind that this version of the crate does not know.
    #[cynic(fallback)]
    Other(OtherAccount),
}

/// What accounts of every kind have.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[cynic(graphql_type = "Account")]
#[non_exhaustive]
pub struct OtherAccount {
    /// The account's id.
    pub id: NodeId,
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub full_name: String,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl Account {
    /// The e-mail address.
    pub fn email(&self) -> &str {
        match self {
            Self::Admin(admin) => &admin.email,
            Self::Developer(developer) => &developer.email,
            Self::Other(other) => &other.email,
        }
    }

    /// The name.
    pub fn full_name(&self) -> &str {
        match self {
            Self::Admin(admin) => &admin.full_name,
            Self::Developer(developer) => &developer.full_name,
            Self::Other(other) => &other.full_name,
        }
    }

    /// The admin, if it is one.
    pub fn as_admin(&self) -> Option<&Admin> {
        match self {
            Self::Admin(admin) => Some(admin),
            Self::Developer(_) | Self::Other(_) => None,
        }
    }

    /// The developer, if it is one.
    pub fn as_developer(&self) -> Option<&Developer> {
        match self {
            Self::Developer(developer) => Some(developer),
            Self::Admin(_) | Self::Other(_) => None,
        }
    }
}

impl Portico {
    /// Who is signed in (`viewer`); None for nobody.
    ///
    /// # Errors
    ///
    /// [`Error::Session`] when the session has ended.
    pub async fn viewer(&self) -> Result<Option<Account>, Error> {
        Ok(self.query::<Viewer, _>(()).await?.viewer)
    }
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct Viewer {
    viewer: Option<Account>,
}
