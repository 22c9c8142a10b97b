//! Realms: the two worlds of accounts, which have nothing in common but the machinery.

use domain::id::{AdminId, DeveloperId, ParseIdError};
pub use domain::session::Realm;

/// Whose session or token it is. The kind of account implies its realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountId {
    /// An account of the portal realm.
    Developer(DeveloperId),
    /// An account of the admin realm.
    Admin(AdminId),
}

impl AccountId {
    /// Reads the id of an account of `realm`.
    ///
    /// # Errors
    /// When it is no id, or one of another kind.
    pub fn parse(realm: Realm, text: &str) -> Result<Self, ParseIdError> {
        match realm {
            Realm::Portal => text.parse().map(Self::Developer),
            Realm::Admin => text.parse().map(Self::Admin),
        }
    }

    /// The realm that the account lives in.
    #[must_use]
    pub const fn realm(self) -> Realm {
        match self {
            Self::Developer(_) => Realm::Portal,
            Self::Admin(_) => Realm::Admin,
        }
    }
}

impl std::fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Developer(id) => id.fmt(formatter),
            Self::Admin(id) => id.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_in_its_own_realm_only() {
        let developer = AccountId::Developer(DeveloperId::new());
        let admin = AccountId::Admin(AdminId::new());
        for (account, own, other) in [
            (developer, Realm::Portal, Realm::Admin),
            (admin, Realm::Admin, Realm::Portal),
        ] {
            assert_eq!(account.realm(), own);
            assert_eq!(AccountId::parse(own, &account.to_string()).unwrap(), account);
            assert!(AccountId::parse(other, &account.to_string()).is_err());
        }
    }
}
