//! Decisions: who last ruled on a developer, an app or an access request, when and why.

use crate::{Timestamp, id::AdminId};

/// The last ruling on something that admins rule on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The admin who took it; `None` when it was taken automatically.
    pub by: Option<AdminId>,
    /// Taken by a setting (auto-approve), not by a person.
    pub automatic: bool,
    /// When it was taken.
    pub at: Timestamp,
    /// The admin's words.
    pub reason: Option<String>,
}
