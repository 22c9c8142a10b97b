//! Admins in the schema.

use async_graphql::{ID, Object};

use super::service::AdminRecord;
use crate::graphql::scalar::DateTime;

/// An admin: decides about developers, products and access. Only admins see each other.
#[derive(Clone)]
pub struct Admin(AdminRecord);

impl From<AdminRecord> for Admin {
    fn from(record: AdminRecord) -> Self {
        Self(record)
    }
}

/// An admin: decides about developers, products and access. Only admins see each other.
#[Object]
impl Admin {
    /// The admin's id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The e-mail address that the admin signs in with.
    pub async fn email(&self) -> &str {
        &self.0.email
    }

    /// The admin's name.
    pub async fn full_name(&self) -> &str {
        &self.0.full_name
    }

    /// When the account was made.
    pub async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}
