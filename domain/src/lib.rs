//! The rules of Portico: who may register which application against which API, and whose calls may pass.
//!
//! Everything here is pure: a rule takes the facts and the present time as arguments and answers with a new state
//! or a [`Refusal`]. Nothing here opens a file, a socket or a database; the callers (`api`, `gateway`) do.

pub mod access;
pub mod access_request;
pub mod api_key;
pub mod app;
pub mod audit;
pub mod auth_strategy;
pub mod budget;
pub mod contact;
pub mod credential;
pub mod decision;
pub mod developer;
pub mod document;
pub mod email;
pub mod gateway_node;
pub mod gateway_service;
pub mod gateway_token;
pub mod id;
pub mod idempotency;
pub mod key_name;
pub mod label;
pub mod limits;
pub mod page;
pub mod password;
pub mod plugin;
pub mod portal;
pub mod product;
pub mod reference_id;
pub mod refusal;
pub mod registration;
pub mod session;
pub mod slug;
pub mod text;
pub mod timestamp;
pub mod version;
pub mod viewer;

pub use refusal::{Refusal, RefusalCode};
pub use timestamp::Timestamp;
