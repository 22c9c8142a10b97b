//! The data plane of Portico: it enforces what the control plane decided.
//!
//! ```text
//!   socket ─► client_io ─► target ─► snapshot: route ─► permit ─► proxy ─► connector ─► upstream
//!             (strict      (one      (immutable,        (a value, (headers, (resolves,
//!              framing)     spelling) swapped at once)   or a no)  streams)  then checks)
//! ```
//!
//! The control plane feeds [`record::Update`]s to a [`snapshot::SnapshotWriter`]; each batch becomes visible to all
//! calls at once. No call takes a lock or asks a database. Without a snapshot every call is answered 503.

mod consumer;
mod header_name;
pub mod record;
pub mod route_table;
pub mod snapshot;
mod strategy;
pub mod usage;
