//! Setting and removing versions' gateway services.

pub(crate) use super::conflict::refuse_conflicts;
