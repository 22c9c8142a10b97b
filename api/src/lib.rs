//! The control plane of Portico.

pub mod session;
