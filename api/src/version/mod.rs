//! Versions of API products, and their lifecycle.

pub(crate) mod deletion;
pub mod graphql;
pub mod loader;
pub mod service;
pub mod store;

#[cfg(test)]
mod tests;
