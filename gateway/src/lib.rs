//! The data plane of Portico: it enforces what the control plane decided.
//!
//! ```text
//!   socket ─► strict_framing ─► target ─► route_table ─► permit ─► proxy ─► connector ─► upstream
//!             (no two readings) (one      (snapshot:     (a value, (headers, (resolves,
//!                               spelling)  immutable)     or a no)  streams)  then checks)
//! ```
//!
//! Proxies that others run ask for the decision alone, over HTTP or gRPC: `front_proxy`. Services that no proxy stands in
//! front of take it in their own process: [`verifier`].
//!
//! The control plane feeds [`record::Update`]s to a [`snapshot::SnapshotWriter`]; each batch becomes visible to all
//! calls at once. No call asks a database. Without a snapshot every call is answered 503.
//!
//! A gateway of its own is fed by a [`control_plane::Link`], which speaks [`wire`] with the control plane, and keeps a
//! [`snapshot_copy`] on disk.

mod admission;
mod answer;
mod body;
mod client_io;
mod clock;
mod config;
mod connection;
mod connector;
mod consumer;
pub mod control_plane;
mod drain;
mod front_proxy;
mod gathered_io;
mod header_name;
mod headers;
mod key_header;
mod metrics;
mod observer;
mod permit;
mod permit_end;
mod plain;
mod pool;
mod progress;
mod proxy;
pub mod record;
mod replayed_io;
mod request_id;
pub mod route_table;
mod server;
pub mod snapshot;
pub mod snapshot_copy;
mod strategy;
mod strict_framing;
mod supervision;
mod target;
#[cfg(test)]
mod test_updates;
mod tunnel;
mod upstream;
pub mod usage;
pub mod verifier;
pub mod wire;
mod worker;

/// Whether calls are decided on at all. Only a build for measuring, with the feature `undecided`, does not; whoever ships
/// this crate asserts it when compiling.
pub const DECIDES: bool = cfg!(not(feature = "undecided"));

pub use answer::DENIAL_HEADER;
pub use config::{GatewayConfig, Limits, Timeouts};
pub use connector::TlsError;
pub use drain::drain;
pub use front_proxy::{FrontProxyConfig, FrontProxyListener, Protocol};
pub use ipnet::IpNet;
pub use metrics::Metrics;
pub use observer::{AnsweredCall, CallObserver, Observer};
pub use server::{BindError, Gateway};
pub use snapshot::{SnapshotReader, SnapshotWriter};

pub use usage::Usage;
