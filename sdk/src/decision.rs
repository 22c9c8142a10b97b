//! Decisions about developers, apps and requests.

use crate::{Timestamp, account::Admin, schema};

/// What was decided, by whom and why.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Decision {
    /// The admin; None for developers, who do not see it, and when it was automatic.
    pub by: Option<Admin>,
    /// Whether the portal decided by itself.
    pub automatic: bool,
    /// When.
    pub at: Timestamp,
    /// The admin's words.
    pub reason: Option<String>,
}
