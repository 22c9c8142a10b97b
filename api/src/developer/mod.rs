//! Developers: the accounts of the portal realm.

pub mod belongings;
pub mod graphql;
pub mod loader;
pub mod service;
pub mod store;
