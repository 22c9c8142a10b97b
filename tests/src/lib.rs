//! The harness of the end-to-end tests: a whole server in the process, on a database of its own, on free ports.

// A harness that cannot do its part must fail the test that uses it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod caller;
pub mod database;
pub mod fixture;
pub mod gateway;
pub mod graphql;
pub mod live;
pub mod node;
pub mod refusal;
pub mod relay;
pub mod scrape;
pub mod server;
pub mod upstream;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
