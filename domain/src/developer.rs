//! Developers: the accounts of the portal realm, and the states that admins move them through.

use crate::{Refusal, RefusalCode, portal::PortalSettings, viewer::Actor};
use strum::IntoEnumIterator;

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

/// What the viewer may do to a developer's account next: an admin every step that is drawn above, others nothing.
#[must_use]
pub fn allowed_actions(status: DeveloperStatus, actor: Actor) -> Vec<DeveloperAction> {
    match actor {
        Actor::Admin => DeveloperAction::iter()
            .filter(|&action| step(status, action).is_ok())
            .collect(),
        Actor::Owner | Actor::Stranger => Vec::new(),
    }
}

/// Where a new account starts. `held`: the normalised e-mail is that of a developer whom an admin has rejected,
/// revoked or deleted (see [`holds_sign_up`]); then a person decides again, whatever the portal approves by itself.
///
/// A sign-up that comes back APPROVED was approved automatically: its decision has `automatic: true` and no admin.
///
/// # Errors
/// PORTAL_IS_PUBLIC: a public portal takes no sign-ups.
pub fn sign_up_status(portal: &PortalSettings, held: bool) -> Result<DeveloperStatus, Refusal> {
    if portal.is_public {
        return Err(Refusal::new(
            RefusalCode::PortalIsPublic,
            "This portal is public and takes no sign-ups. Its catalog is open to you without an account.",
        ));
    }
    Ok(if portal.auto_approve_developers && !held {
        DeveloperStatus::Approved
    } else {
        DeveloperStatus::Pending
    })
}

/// Whether this step of an admin makes later sign-ups with the same normalised e-mail wait for a person. Such a
/// hold is never cleared: a later approval ends with the account it was given to.
#[must_use]
pub const fn holds_sign_up(action: DeveloperAction) -> bool {
    match action {
        DeveloperAction::Reject | DeveloperAction::Revoke | DeveloperAction::Delete => true,
        DeveloperAction::Approve => false,
    }
}

/// Whether the developer may sign in and keep a session. PENDING and REJECTED ones may: they see where they stand
/// and why. A revoked developer's sessions and tokens end at once.
#[must_use]
pub const fn may_hold_session(status: DeveloperStatus) -> bool {
    match status {
        DeveloperStatus::Pending | DeveloperStatus::Approved | DeveloperStatus::Rejected => true,
        DeveloperStatus::Revoked => false,
    }
}

/// Whether an account may be deleted.
///
/// # Errors
/// IN_USE at `id` while apps of the developer have `approved_requests`, unless forced.
pub fn check_deletion(approved_requests: u64, force: bool) -> Result<(), Refusal> {
    if approved_requests == 0 || force {
        return Ok(());
    }
    Err(Refusal::at(
        "id",
        RefusalCode::InUse,
        format!(
            "The developer's apps have {approved_requests} approved access request(s), which would be cut off. Revoke the developer instead, or pass force: true."
        ),
    ))
}

/// That a developer must be approved to act in the portal.
///
/// # Errors
/// DEVELOPER_NOT_APPROVED, with words for each other status.
pub fn check_approved(status: DeveloperStatus) -> Result<(), Refusal> {
    let message = match status {
        DeveloperStatus::Approved => return Ok(()),
        DeveloperStatus::Pending => "Your account waits for an admin's approval. Try again once you are approved.",
        DeveloperStatus::Rejected => "Your account was turned down. Ask the portal's admins.",
        DeveloperStatus::Revoked => "Your account was revoked. Ask the portal's admins.",
    };
    Err(Refusal::new(RefusalCode::DeveloperNotApproved, message))
}
