//! The gateway over real sockets: a client that writes bytes, and upstreams in this process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking; clippy.toml allows it in test functions alone, not in what they share"
)]

mod answers;
mod framing;
mod front_proxies;
mod harness;
mod headers;
mod paths;
mod permits;
mod server;
mod short_way;
mod streaming;
mod tls;
mod upstream_faults;
mod upstreams;
mod websocket;
mod wire;
