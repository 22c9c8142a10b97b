//! Gateway services: where versions' traffic goes, and which calls are theirs.

mod conflict;
pub mod service;
pub mod store;
