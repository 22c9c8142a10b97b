//! Audit events: what happened, by whom.

pub mod graphql;
pub mod loader;
pub mod record;
pub mod service;
pub mod store;

#[cfg(test)]
mod tests;
