//! Admins' decisions on access requests.

use domain::{
    access_request::{AccessRequestAction, holds_requests, step, sweep},
    audit::AuditAction,
    decision::Decision,
    id::AccessRequestId,
};

use super::{
    hold_store,
    service::{changed_meanwhile, missing, summary},
    store::{self, AccessRequestRecord, Transition},
};
use crate::{
    audit::record::AuditRecord, change::Subject, context::CallContext, control_plane::ControlPlane,
    database::WriteTransaction, developer::store as developer_store, error::ServiceError,
};

/// What an admin rules.
#[derive(Clone, Debug)]
pub enum Ruling {
    /// Let the app call the version.
    Approve {
        /// Words for the developer.
        reason: Option<String>,
    },
    /// Turn a waiting request down.
    Reject {
        /// Words for the developer.
        reason: String,
        /// Rule against the developer's other open requests for the version too.
        all_of_developer: bool,
    },
    /// Take an approval back.
    Revoke {
        /// Words for the developer.
        reason: String,
        /// Rule against the developer's other open requests for the version too.
        all_of_developer: bool,
    },
}

impl Ruling {
    fn action(&self) -> AccessRequestAction {
        match self {
            Self::Approve { .. } => AccessRequestAction::Approve,
            Self::Reject { .. } => AccessRequestAction::Reject,
            Self::Revoke { .. } => AccessRequestAction::Revoke,
        }
    }

    fn all_of_developer(&self) -> bool {
        match self {
            Self::Approve { .. } => false,
            Self::Reject { all_of_developer, .. } | Self::Revoke { all_of_developer, .. } => *all_of_developer,
        }
    }
}

/// Takes an admin's ruling on a request. A ruling against it is remembered for good: the developer's later requests
/// for the version are never approved automatically, whatever app they come with.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or refusals: NOT_FOUND, INVALID_TRANSITION, REQUIRED or TOO_LONG for the reason.
pub async fn decide(
    plane: &ControlPlane,
    call: &CallContext,
    id: AccessRequestId,
    ruling: Ruling,
) -> Result<AccessRequestRecord, ServiceError> {
    let admin = call.admin()?;
    let reason = match &ruling {
        Ruling::Approve { reason } => plane.limits.optional_description("reason", reason.as_deref())?,
        Ruling::Reject { reason, .. } | Ruling::Revoke { reason, .. } => {
            Some(plane.limits.description("reason", reason)?)
        }
    };
    let decision = Decision {
        by: Some(admin),
        automatic: false,
        at: call.now,
        reason,
    };
    let mut transaction = plane.write().await?;
    let found = store::find_for(&*transaction, &call.viewer, [id]).await?;
    let request = found.into_iter().next().ok_or_else(missing)?;
    // Under the developer's lock no request of theirs is submitted meanwhile: none slips past `all_of_developer`, and
    // none is approved automatically before the ruling is remembered.
    let developer = developer_store::lock(&*transaction, request.developer_id)
        .await?
        .ok_or_else(missing)?;
    let decided = rule(&mut transaction, call, id, ruling.action(), &decision).await?;
    if ruling.all_of_developer() {
        let others = store::open_of_developer(&*transaction, decided.developer_id, decided.version_id).await?;
        for other in others.iter().filter(|other| other.id != id) {
            if let Some(action) = sweep(other.status) {
                rule(&mut transaction, call, other.id, action, &decision).await?;
            }
        }
    }
    if holds_requests(ruling.action()) {
        let email = &developer.email_normalised;
        hold_store::hold(&*transaction, email, [decided.version_id], call.now).await?;
    }
    transaction.commit().await?;
    Ok(decided)
}

async fn rule(
    transaction: &mut WriteTransaction,
    call: &CallContext,
    id: AccessRequestId,
    action: AccessRequestAction,
    decision: &Decision,
) -> Result<AccessRequestRecord, ServiceError> {
    let record = match store::transition(&**transaction, id, action, Some(decision), call.now).await? {
        Transition::Done(record) => record,
        Transition::Missing => return Err(missing()),
        Transition::Elsewhere(status) => {
            return Err(match step(status, action) {
                Err(refusal) => refusal.into(),
                Ok(_) => changed_meanwhile(),
            });
        }
    };
    let audit_action = match action {
        AccessRequestAction::Approve => AuditAction::AccessRequestApprove,
        AccessRequestAction::Reject => AuditAction::AccessRequestReject,
        AccessRequestAction::Revoke => AuditAction::AccessRequestRevoke,
        AccessRequestAction::Cancel => AuditAction::AccessRequestCancel,
    };
    transaction.audit(
        AuditRecord::new(call, audit_action, id)
            .reason(decision.reason.as_deref())
            .after(summary(&record)),
    );
    transaction.changed(Subject::AccessRequest, id.uuid());
    Ok(record)
}
