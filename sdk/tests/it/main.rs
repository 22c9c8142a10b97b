//! The client against servers that answer what a real one seldom does. The real one is met in the end-to-end tests.

// clippy's exception for tests covers functions marked `#[test]`, not those that they call.
#![allow(clippy::unwrap_used, clippy::panic)]

mod answer;
#[cfg(feature = "blocking")]
mod blocking;
mod confirmation;
mod error;
mod listing;
mod operation;
mod retry;
mod run;
mod secret;
mod server;
mod session;
mod session_source;
#[cfg(feature = "subscriptions")]
mod subscription;
mod waiting;
