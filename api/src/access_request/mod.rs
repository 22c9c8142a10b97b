//! Access requests: an app asks to call a version, and an admin (or a setting) decides.

pub mod binding_store;
pub mod decision;
pub mod fields;
pub mod graphql;
pub mod hold_store;
pub mod loader;
pub mod registrability;
pub mod service;
pub mod store;
