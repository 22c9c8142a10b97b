//! Authentication strategies: how callers of a version prove who they are.

pub mod graphql;
pub mod loader;
pub mod service;
pub mod store;
#[cfg(test)]
mod tests;
