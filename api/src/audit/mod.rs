//! Audit events: what happened, by whom.

pub mod record;
