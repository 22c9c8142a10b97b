//! Identity: who calls, how they prove it, and how long that lasts.
//!
//! ```text
//!   password ──[throttle]──[password]──► session ──► access token (15 minutes) ──[access_token]──► Claims
//!                                          │  ▲                                                      │
//!                                          ▼  │ rotation, reuse ends it                              ▼
//!                                    refresh token                                 [directory] ──► Viewer
//! ```

pub mod access_token;
pub mod account;
pub mod directory;
pub mod graphql;
pub mod in_flight;
pub mod jwks;
pub mod opaque_token;
pub mod password;
pub mod realm;
pub mod service;
pub mod signing_key;
pub mod signing_key_file;
pub mod store;
pub mod throttle;
