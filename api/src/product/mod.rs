//! API products: what the catalog shows.

mod document_store;
pub mod graphql;
mod label_store;
pub mod loader;
pub mod service;
pub mod store;
pub mod visibility;

#[cfg(test)]
mod tests;
