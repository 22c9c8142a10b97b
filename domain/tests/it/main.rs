//! The domain's rules, tested from outside: tables for the state machines, properties for the whole system.

// The name that every other crate of the workspace knows it by.
extern crate portico_domain as domain;

// `cfg(test)` lets helpers use what clippy.toml allows in tests.
#[cfg(test)]
mod access;
#[cfg(test)]
mod access_request;
#[cfg(test)]
mod app;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod auth_strategy;
#[cfg(test)]
mod contact;
#[cfg(test)]
mod credential;
#[cfg(test)]
mod developer;
#[cfg(test)]
mod email;
#[cfg(test)]
mod gateway_node;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod key_name;
#[cfg(test)]
mod label_and_document;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod page;
#[cfg(test)]
mod password;
#[cfg(test)]
mod product;
#[cfg(test)]
mod reference_id;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod session;
#[cfg(test)]
mod slug;
#[cfg(test)]
mod submission;
#[cfg(test)]
mod system;
#[cfg(test)]
mod text;
#[cfg(test)]
mod version;
#[cfg(test)]
mod viewer;
