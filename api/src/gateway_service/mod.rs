//! Gateway services: where versions' traffic goes, and which calls are theirs.

mod conflict;
pub mod graphql;
pub mod loader;
pub mod service;
pub mod store;

#[cfg(test)]
mod tests;
