//! The control plane of Portico: one GraphQL API for registering applications against API products.
//!
//! A request's way: HTTP handler → caller from the token → resolver (`<concept>/graphql.rs`) → service
//! (`<concept>/service.rs`: transaction, rules of `domain`) → store (`<concept>/store.rs`: statements).

pub mod access_request;
pub mod admin;
pub mod answer_cache;
pub mod app;
pub mod audit;
pub mod auth_strategy;
pub mod budget;
pub mod change;
pub mod command;
pub mod config;
pub mod context;
pub mod control_plane;
pub mod credential;
pub mod data_directory;
pub mod database;
pub mod developer;
pub mod error;
pub mod fleet;
pub mod gateway_node;
pub mod gateway_service;
pub mod gateway_token;
pub mod graphql;
pub mod housekeeping;
pub mod http;
pub mod id;
pub mod idempotency;
pub mod initial_data;
pub mod loader;
pub mod logging;
pub mod metrics;
pub mod pagination;
pub mod patch;
pub mod portal;
pub mod product;
pub mod proxy_listeners;
pub mod query_options;
pub mod registration;
pub mod server;
pub mod session;
#[cfg(test)]
mod test_fixture;
pub mod traces;
pub mod version;
