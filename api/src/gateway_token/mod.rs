//! Tokens that gateways of the fleet prove themselves with.

pub mod graphql;
mod loader;
pub mod service;
pub mod store;
