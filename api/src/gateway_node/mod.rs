//! Gateways of the fleet as they reported themselves, and waiting until they enforce a change.

pub mod confirmation;
pub mod graphql;
mod loader;
pub mod registry;
pub mod service;
pub mod store;

pub use registry::GatewayNodes;
