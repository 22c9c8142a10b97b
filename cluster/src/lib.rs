//! A throwaway PostgreSQL server for tests: found, started on a free port in a temporary directory, and removed with
//! the process that started it, however that ends.
//!
//! `cargo xtask test` starts one and names it in [`URL_VARIABLE`]; tests that must stop and start a server have one of
//! their own.

mod cluster;
mod database;
mod programs;

pub use cluster::{Cluster, ClusterError, Shutdown};
pub use database::{DatabaseError, Server};
pub use programs::{NotFound, Programs};

/// Names the server (`postgres://user@host:port`) that the tests' databases are made on. Without it, tests that run on
/// both databases run on SQLite, and tests of PostgreSQL alone start a server themselves.
pub const URL_VARIABLE: &str = "PORTICO_TEST_POSTGRES_URL";
