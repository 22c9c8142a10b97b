//! Apps: the applications that developers register against API products.

pub mod graphql;
pub mod loader;
pub mod service;
pub mod store;
#[cfg(test)]
mod tests;
