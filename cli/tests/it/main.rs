//! `porticoctl` against a whole server.

// A test that cannot do its part must fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod apply;
mod exit_codes;
mod flow;
mod manual;
mod porticoctl;
mod sessions;
mod watch;
