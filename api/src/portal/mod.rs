//! The portal: the settings that all products share.

pub mod graphql;
pub mod loader;
pub mod service;
pub mod store;
