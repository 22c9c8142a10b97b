//! Deciding for proxies that others run: they ask, and forward by themselves.
//!
//! ```text
//!   client ─► nginx, Traefik, Caddy ──► upstream          client ─► Envoy ──► upstream
//!                 │ HTTP: forward_auth                              │ gRPC: ext_authz
//!                 ▼                                                 ▼
//!              inquiry ─► admission ─► snapshot                 inquiry ─► …
//! ```
//!
//! The decision is the one that our own listener takes; only the forwarding is not ours. So what cannot be said to the
//! proxy is refused here: a path that it would forward in another spelling than the one decided on, and a header that
//! it would let through.

mod asked;
mod check;
mod ext_authz;
mod forward_auth;
mod inquiry;
mod listener;
mod removals;

pub(crate) use inquiry::must_be_canonical;
pub use listener::{FrontProxyConfig, FrontProxyListener, Protocol};
pub(crate) use removals::needed as headers_to_remove;
