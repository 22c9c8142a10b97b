//! Admins: the accounts that decide. Operators make them, no mutation does.

pub mod first_admin;
pub mod graphql;
pub mod loader;
pub mod service;
pub mod store;
