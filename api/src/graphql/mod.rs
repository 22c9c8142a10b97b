//! The GraphQL schema: what all slices share, and how they come together.

pub mod connection;
pub mod decision;
mod endpoint;
pub mod error;
pub mod error_reference;
pub mod interface;
pub mod node;
pub mod order;
pub mod payload;
pub mod scalar;
mod schema;
mod turns;
pub mod user_error;

pub use endpoint::{Caller, Endpoint};
pub use schema::{Schema, schema, sdl};
