//! Registration: whether a version takes requests for access, and what its callers prove themselves by.

pub mod graphql;
pub mod plugin;
pub mod service;
pub mod store;

#[cfg(test)]
mod tests;
