//! Access requests: an app's wish to call a version, and what became of it.

use strum::IntoEnumIterator;

use crate::{Refusal, RefusalCode, viewer::Actor};

mod submission;

pub use submission::{History, Outcome, Submission, submit, viewer_cannot_register_reasons};

/// Where an access request stands.
///
/// ```text
///   submit ─► PENDING ─approve─► APPROVED ─revoke─► REVOKED ─approve─► APPROVED
///               ├─reject─► REJECTED     └─cancel─► CANCELLED
///               └─cancel─► CANCELLED
/// ```
///
/// approve, reject and revoke are an admin's steps; cancel is the owner's. PENDING, APPROVED and REVOKED are open: an
/// app has at most one open request for a version. REJECTED and CANCELLED end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum AccessRequestStatus {
    /// Waits for an admin.
    Pending,
    /// The app may call the version.
    Approved,
    /// An admin said no. Final.
    Rejected,
    /// Was approved; an admin took it back.
    Revoked,
    /// The owner withdrew it. Final.
    Cancelled,
}

impl AccessRequestStatus {
    /// Whether the request is open: it stands in the way of another one by the same app for the same version.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Pending | Self::Approved | Self::Revoked => true,
            Self::Rejected | Self::Cancelled => false,
        }
    }

    /// Whether a request that is in this state may have been in `earlier`, at present or before.
    #[must_use]
    pub fn may_come_from(self, earlier: Self) -> bool {
        let mut reached = vec![earlier];
        let mut looked_at = 0;
        while let Some(&state) = reached.get(looked_at) {
            looked_at += 1;
            for next in AccessRequestAction::iter().filter_map(|action| step(state, action).ok()) {
                if !reached.contains(&next) {
                    reached.push(next);
                }
            }
        }
        reached.contains(&self)
    }
}

/// A step of an access request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum AccessRequestAction {
    /// Let the app call the version.
    Approve,
    /// Turn a waiting request down.
    Reject,
    /// Take an approval back.
    Revoke,
    /// Withdraw one's own request.
    Cancel,
}

/// The state after `action`. Who may take it is [`allowed_actions`]'s business.
///
/// # Errors
/// `INVALID_TRANSITION` when the step is not drawn above, a repeated one included.
pub fn step(status: AccessRequestStatus, action: AccessRequestAction) -> Result<AccessRequestStatus, Refusal> {
    use AccessRequestAction as Action;
    use AccessRequestStatus::{Approved, Cancelled, Pending, Rejected, Revoked};
    match (status, action) {
        (Pending | Revoked, Action::Approve) => Ok(Approved),
        (Pending, Action::Reject) => Ok(Rejected),
        (Approved, Action::Revoke) => Ok(Revoked),
        (Pending | Approved, Action::Cancel) => Ok(Cancelled),
        (Approved | Rejected | Cancelled, Action::Approve)
        | (Approved | Rejected | Revoked | Cancelled, Action::Reject)
        | (Pending | Rejected | Revoked | Cancelled, Action::Revoke)
        | (Rejected | Revoked | Cancelled, Action::Cancel) => Err(Refusal::at(
            "id",
            RefusalCode::InvalidTransition,
            format!(
                "An access request that is {status} cannot take the step {action}. Read the request again: its allowedActions say what is possible now."
            ),
        )),
    }
}

/// Whether `actor` may take `action` at all, in some state: approve, reject and revoke are an admin's, cancel is the
/// owner's.
#[must_use]
pub const fn may_take(actor: Actor, action: AccessRequestAction) -> bool {
    match (actor, action) {
        (Actor::Admin, AccessRequestAction::Approve | AccessRequestAction::Reject | AccessRequestAction::Revoke)
        | (Actor::Owner, AccessRequestAction::Cancel) => true,
        (Actor::Admin, AccessRequestAction::Cancel)
        | (Actor::Owner, AccessRequestAction::Approve | AccessRequestAction::Reject | AccessRequestAction::Revoke)
        | (Actor::Stranger, _) => false,
    }
}

/// What `actor` may do next with a request in this state.
#[must_use]
pub fn allowed_actions(status: AccessRequestStatus, actor: Actor) -> Vec<AccessRequestAction> {
    AccessRequestAction::iter()
        .filter(|&action| may_take(actor, action) && step(status, action).is_ok())
        .collect()
}

/// The step that `allOfDeveloper` takes with another request of the same developer for the same version, whichever
/// app it is of: what waits is rejected, what is approved is revoked, the rest stays as it is (`None`).
#[must_use]
pub const fn sweep(status: AccessRequestStatus) -> Option<AccessRequestAction> {
    match status {
        AccessRequestStatus::Pending => Some(AccessRequestAction::Reject),
        AccessRequestStatus::Approved => Some(AccessRequestAction::Revoke),
        AccessRequestStatus::Rejected | AccessRequestStatus::Revoked | AccessRequestStatus::Cancelled => None,
    }
}

/// Whether this step is a person's "no", which makes every later request of the same normalised e-mail for the same
/// version wait for a person. Record a hold; nothing ever clears it, not even a later approval.
#[must_use]
pub const fn holds_requests(action: AccessRequestAction) -> bool {
    match action {
        AccessRequestAction::Reject | AccessRequestAction::Revoke => true,
        AccessRequestAction::Approve | AccessRequestAction::Cancel => false,
    }
}
