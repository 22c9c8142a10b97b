//! Developers: the accounts of the portal realm, and the states that admins move them through.

use crate::{Refusal, RefusalCode};

/// Where a developer's account stands.
///
/// ```text
///   sign up ─► PENDING ─approve─► APPROVED ─revoke─► REVOKED ─approve─► APPROVED
///                 └─reject─► REJECTED ─approve─► APPROVED
/// ```
///
/// Every step is an admin's. A sign-up is APPROVED at once where the portal approves by itself
/// (see [`sign_up_status`]). Deleting is possible in every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DeveloperStatus {
    /// Waits for an admin's decision; sees only the portal and itself.
    Pending,
    /// May use the portal.
    Approved,
    /// Was turned down.
    Rejected,
    /// Was approved once; its sessions and its apps' traffic are stopped.
    Revoked,
}

/// What may be done to a developer's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DeveloperAction {
    /// Let the developer use the portal.
    Approve,
    /// Turn a waiting sign-up down.
    Reject,
    /// Stop an approved developer, reversibly.
    Revoke,
    /// Remove the account and all that is its own.
    Delete,
}

/// The state after an admin takes `action`; `None` after [`DeveloperAction::Delete`].
///
/// # Errors
/// `INVALID_TRANSITION` when the step is not drawn above.
pub fn step(status: DeveloperStatus, action: DeveloperAction) -> Result<Option<DeveloperStatus>, Refusal> {
    use DeveloperStatus::{Approved, Pending, Rejected, Revoked};
    match (status, action) {
        (Pending | Rejected | Revoked, DeveloperAction::Approve) => Ok(Some(Approved)),
        (Pending, DeveloperAction::Reject) => Ok(Some(Rejected)),
        (Approved, DeveloperAction::Revoke) => Ok(Some(Revoked)),
        (Pending | Approved | Rejected | Revoked, DeveloperAction::Delete) => Ok(None),
        (Approved, DeveloperAction::Approve)
        | (Approved | Rejected | Revoked, DeveloperAction::Reject)
        | (Pending | Rejected | Revoked, DeveloperAction::Revoke) => Err(Refusal::at(
            "id",
            RefusalCode::InvalidTransition,
            format!(
                "A developer who is {status} cannot take the step {action}. Read the developer again: its allowedActions say what is possible now."
            ),
        )),
    }
}
