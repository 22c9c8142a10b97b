//! Credentials: what an app shows the gateway.

pub mod graphql;
pub mod loader;
pub mod service;
pub mod store;
pub mod usage;
