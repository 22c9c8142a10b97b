//! Apps: the applications that developers register against API products.

mod dependents;
pub mod graphql;
pub mod loader;
pub mod service;
pub mod store;
#[cfg(test)]
mod tests;
