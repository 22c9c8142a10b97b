//! Mutations of access requests.

use async_graphql::{Context, ID, InputObject, Object, Result};

use super::AccessRequest;
use crate::{
    access_request::{
        decision::{self, Ruling},
        service::{self, AccessRequestRecord, RequestAccess},
    },
    graphql::payload::{answer, answer_when_confirmed},
    id,
    loader::RequestContext as _,
    payload,
};

/// An app's request for access to a version.
#[derive(InputObject)]
pub struct RequestAccessInput {
    /// The app, which must be one's own.
    app_id: ID,
    /// The version to call.
    version_id: ID,
    /// Why: words for the admin who decides, at most 10,000 characters.
    justification: Option<String>,
    /// Makes sending it again harmless for 24 hours: 1 to 255 printable ASCII characters of one's choice.
    idempotency_key: Option<String>,
}

/// Which request to withdraw.
#[derive(InputObject)]
pub struct CancelAccessRequestInput {
    /// The request, which must be one's own.
    id: ID,
}

/// Which request to approve.
#[derive(InputObject)]
pub struct ApproveAccessRequestInput {
    /// The request.
    id: ID,
    /// Words for the developer.
    reason: Option<String>,
}

/// Which request to turn down, and why.
#[derive(InputObject)]
pub struct RejectAccessRequestInput {
    /// The request.
    id: ID,
    /// Words for the developer.
    reason: String,
    /// Also rule against this developer's other open requests for the version, with any app: what waits is rejected,
    /// what was approved is revoked.
    #[graphql(default = false)]
    all_of_developer: bool,
}

/// Which approval to take back, and why.
#[derive(InputObject)]
pub struct RevokeAccessRequestInput {
    /// The request.
    id: ID,
    /// Words for the developer.
    reason: String,
    /// Also rule against this developer's other open requests for the version, with any app: what was approved is
    /// revoked, what waits is rejected.
    #[graphql(default = false)]
    all_of_developer: bool,
    /// Answer only when every gateway that may be serving enforces it, or after 5 seconds with a list of those that
    /// have not confirmed it.
    #[graphql(default = false)]
    wait_for_gateways: bool,
}

payload! {
    /// What `requestAccess` answers.
    RequestAccessPayload replayable {
        /// The request as it is now: APPROVED at once where approval is automatic, else PENDING.
        access_request: AccessRequest = AccessRequestRecord
    }
}

payload! {
    /// What `cancelAccessRequest` answers.
    CancelAccessRequestPayload {
        /// The request as it is now.
        access_request: AccessRequest = AccessRequestRecord
    }
}

payload! {
    /// What `approveAccessRequest` answers.
    ApproveAccessRequestPayload {
        /// The request as it is now.
        access_request: AccessRequest = AccessRequestRecord
    }
}

payload! {
    /// What `rejectAccessRequest` answers.
    RejectAccessRequestPayload {
        /// The request as it is now.
        access_request: AccessRequest = AccessRequestRecord
    }
}

payload! {
    /// What `revokeAccessRequest` answers.
    RevokeAccessRequestPayload awaits_gateways {
        /// The request as it is now.
        access_request: AccessRequest = AccessRequestRecord
    }
}

/// Mutations of access requests.
#[derive(Default)]
pub struct AccessRequestMutation;

/// Mutations of access requests.
#[Object]
impl AccessRequestMutation {
    /// Asks for access to a version with an app of one's own. Approved at once where that is automatic and no admin
    /// has ruled against it before; otherwise it waits for an admin.
    async fn request_access(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who asks for what.")] input: RequestAccessInput,
    ) -> Option<Result<RequestAccessPayload>> {
        let RequestAccessInput {
            app_id,
            version_id,
            justification,
            idempotency_key,
        } = input;
        let asked = async {
            let input = RequestAccess {
                app_id: id::parse("appId", &app_id)?,
                version_id: id::parse("versionId", &version_id)?,
                justification,
            };
            service::submit(context.plane(), context.call(), input, idempotency_key.as_deref()).await
        };
        answer(context, asked.await)
    }

    /// Withdraws a request of one's own; an approved one stops working at once.
    async fn cancel_access_request(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which request.")] input: CancelAccessRequestInput,
    ) -> Option<Result<CancelAccessRequestPayload>> {
        let cancelled = async { service::cancel(context.plane(), context.call(), id::parse("id", &input.id)?).await };
        answer(context, cancelled.await)
    }

    /// Approves a request that waits or was revoked; its app may call the version at once. Admins.
    async fn approve_access_request(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which request.")] input: ApproveAccessRequestInput,
    ) -> Option<Result<ApproveAccessRequestPayload>> {
        let ruled = async {
            let id = id::parse("id", &input.id)?;
            decision::decide(
                context.plane(),
                context.call(),
                id,
                Ruling::Approve { reason: input.reason },
            )
            .await
        };
        answer(context, ruled.await)
    }

    /// Turns a waiting request down, for good: later requests of this developer for the version wait for an admin.
    /// Admins.
    async fn reject_access_request(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which request, and why.")] input: RejectAccessRequestInput,
    ) -> Option<Result<RejectAccessRequestPayload>> {
        let RejectAccessRequestInput {
            id,
            reason,
            all_of_developer,
        } = input;
        let ruled = async {
            let id = id::parse("id", &id)?;
            decision::decide(
                context.plane(),
                context.call(),
                id,
                Ruling::Reject {
                    reason,
                    all_of_developer,
                },
            )
            .await
        };
        answer(context, ruled.await)
    }

    /// Takes an approval back; the app's calls stop at once. Later requests of this developer for the version wait
    /// for an admin. Admins.
    async fn revoke_access_request(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which request, and why.")] input: RevokeAccessRequestInput,
    ) -> Option<Result<RevokeAccessRequestPayload>> {
        let RevokeAccessRequestInput {
            id,
            reason,
            all_of_developer,
            wait_for_gateways,
        } = input;
        let ruled = async {
            let id = id::parse("id", &id)?;
            decision::decide(
                context.plane(),
                context.call(),
                id,
                Ruling::Revoke {
                    reason,
                    all_of_developer,
                },
            )
            .await
        };
        answer_when_confirmed(context, wait_for_gateways, ruled.await).await
    }
}
