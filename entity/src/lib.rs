//! Rows of Portico's database: one file a table, no rules.
//!
//! Instants are milliseconds since the Unix epoch, ids bare UUIDs; the stores in `api` turn both into the types of
//! `domain`. Nothing outside the stores sees these types.

pub mod access_request;
pub mod access_request_hold;
pub mod admin;
pub mod app;
pub mod audit_event;
pub mod auth_strategy;
pub mod change;
pub mod credential;
pub mod developer;
pub mod gateway_node;
pub mod gateway_token;
pub mod idempotency_key;
pub mod password_reset;
pub mod portal;
pub mod product;
pub mod product_document;
pub mod product_label;
pub mod reference_id_claim;
pub mod refresh_token;
pub mod route;
pub mod route_path;
pub mod session;
pub mod sign_up_hold;
pub mod version;
pub mod version_specification;
