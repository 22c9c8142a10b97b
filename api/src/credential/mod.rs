//! Credentials: what an app shows the gateway.

pub mod graphql;
pub mod loader;
#[cfg(test)]
mod rotation_tests;
pub mod service;
pub mod store;
#[cfg(test)]
mod test_scene;
#[cfg(test)]
mod tests;
pub mod usage;
#[cfg(test)]
mod usage_tests;
