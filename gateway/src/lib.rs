//! The data plane of Portico: it enforces what the control plane decided.
//!
//! ```text
//!   socket ─► strict_framing ─► target ─► route_table ─► permit ─► proxy ─► connector ─► upstream
//!             (no two readings) (one      (snapshot:     (a value, (headers, (resolves,
//!                               spelling)  immutable)     or a no)  streams)  then checks)
//! ```
//!
//! Proxies that others run ask for the decision alone, over HTTP or gRPC: `front_proxy`.
//!
//! The control plane feeds [`record::Update`]s to a [`snapshot::SnapshotWriter`]; each batch becomes visible to all
//! calls at once. No call asks a database. Without a snapshot every call is answered 503.

mod admission;
mod answer;
mod body;
mod client_io;
mod config;
mod connection;
mod connector;
mod consumer;
mod exchange;
mod front_proxy;
mod header_name;
mod headers;
mod metrics;
mod observer;
mod permit;
mod progress;
mod proxy;
pub mod record;
mod request_id;
pub mod route_table;
mod server;
pub mod snapshot;
mod strategy;
mod strict_framing;
mod target;
mod tunnel;
mod upstream;
pub mod usage;

pub use answer::DENIAL_HEADER;
pub use config::{GatewayConfig, Limits, Timeouts};
pub use front_proxy::{FrontProxyConfig, FrontProxyListener, Protocol};
pub use ipnet::IpNet;
pub use metrics::Metrics;
pub use observer::{AnsweredCall, CallObserver, Observer};
pub use server::{BindError, Gateway};
pub use snapshot::{SnapshotReader, SnapshotWriter};
pub use upstream::TlsError;
pub use usage::Usage;
