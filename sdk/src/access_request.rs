//! Apps' requests for access to versions.

use crate::{
    AccessRequestId, AppId, DeveloperId, Error, GatewayConfirmation, List, OrderDirection, ProductId, SubmittedRequest,
    Timestamp, VersionId,
    app::AppRef,
    client::handle,
    confirmation::waiting_mutation,
    decision::Decision,
    error::DecodeError,
    listing::{connection, listing},
    node::get_by_id,
    operation::{graphql_enum, input, mutation},
    schema,
    version::VersionRef,
};

/// An app's request to call a version.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccessRequest {
    /// The request's id.
    pub id: AccessRequestId,
    /// The app that asks.
    pub app: AppRef,
    /// The version that it asks for.
    pub version: VersionRef,
    /// Where the request stands.
    pub status: AccessRequestStatus,
    /// The developer's words.
    pub justification: Option<String>,
    /// The last decision; None while nothing was decided.
    pub decision: Option<Decision>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What the caller may do with it at present.
    pub allowed_actions: Vec<AccessRequestAction>,
}

graphql_enum! {
    /// Where a request stands.
    AccessRequestStatus {
        /// It waits for an admin.
        Pending = "PENDING",
        /// The app may call the version.
        Approved = "APPROVED",
        /// Refused for good: asking again makes a new request.
        Rejected = "REJECTED",
        /// Approved once, stopped since; an admin may approve it again.
        Revoked = "REVOKED",
        /// Withdrawn by the developer for good.
        Cancelled = "CANCELLED",
    }
}

graphql_enum! {
    /// What can be done with a request.
    AccessRequestAction {
        /// Approve it.
        Approve = "APPROVE",
        /// Reject it.
        Reject = "REJECT",
        /// Revoke it.
        Revoke = "REVOKE",
        /// Withdraw it.
        Cancel = "CANCEL",
    }
}

input! {
    /// What `requestAccess` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    RequestAccessInput {
        required {
            /// The app that asks; it is the caller's own.
            app_id: [AppId],
            /// The version that it asks for.
            version_id: [VersionId],
        }
        optional {
            /// Words for the admin, up to 10,000 characters.
            justification: [String],
            /// Makes repeating the call safe for 24 hours: 1 to 255 printable ASCII characters. Unless given, the crate
            /// makes one for the retries of this one call.
            idempotency_key: [String],
        }
    }
}

input! {
    /// What `rejectAccessRequest` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    RejectAccessRequestInput {
        required {
            /// Which request.
            id: [AccessRequestId],
            /// Why.
            reason: [String],
        }
        optional {
            /// This developer's other open requests for the version too, with any app; false unless given.
            all_of_developer: [bool],
        }
    }
}

input! {
    /// What `revokeAccessRequest` takes, with and without waiting for the gateways.
    #[derive(Clone, Debug, cynic::InputObject)]
    RevokeAccessRequestInput {
        required {
            /// Which request.
            id: [AccessRequestId],
            /// Why.
            reason: [String],
        }
        optional {
            /// This developer's other open requests for the version too, with any app; false unless given.
            all_of_developer: [bool],
        }
    }
}

input! {
    /// Which requests.
    #[derive(Clone, Debug, cynic::InputObject)]
    AccessRequestFilter {
        optional {
            /// For versions of one product.
            product_id: [ProductId],
            /// For one version.
            version_id: [VersionId],
            /// With one app.
            app_id: [AppId],
            /// Of one developer.
            developer_id: [DeveloperId],
        }
        list {
            /// In one of these states.
            status: [AccessRequestStatus],
        }
    }
}

graphql_enum! {
    /// What requests can be ordered by.
    AccessRequestOrderField {
        /// When they were submitted.
        CreatedAt = "CREATED_AT",
        /// When they last changed.
        UpdatedAt = "UPDATED_AT",
    }
}

input! {
    /// In which order.
    #[derive(Clone, Debug, cynic::InputObject)]
    AccessRequestOrder {
        required {
            /// By what.
            field: [AccessRequestOrderField],
            /// Which end first.
            direction: [OrderDirection],
        }
    }
}

handle! {
    /// Apps' requests for access to versions; from [`crate::Portico::access_requests`].
    AccessRequests
}

impl<'a> AccessRequests<'a> {
    /// The caller's requests, or everybody's for an admin (`accessRequests`).
    pub fn list(self) -> List<'a, AccessRequestListing> {
        List::new(self.client, AccessRequestListing::default())
    }

    /// One request (`node`); None where the caller may see none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn get(self, id: &AccessRequestId) -> Result<Option<AccessRequest>, Error> {
        GetAccessRequest::fetch(self.client, id).await
    }

    /// Asks for access (`requestAccess`). With auto-approval the answer is APPROVED already, else PENDING:
    /// [`SubmittedRequest::wait_until_decided`] then waits for an admin.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with ALREADY_REQUESTED, REGISTRATION_DISABLED, VERSION_NOT_AVAILABLE, STRATEGY_MISMATCH,
    /// APP_SUSPENDED, DEVELOPER_NOT_APPROVED, PORTAL_IS_PUBLIC or NOT_FOUND.
    pub async fn request(self, input: RequestAccessInput) -> Result<SubmittedRequest, Error> {
        let payload = self.client.mutate_repeatable::<RequestAccess>(input).await?;
        let object = payload
            .access_request
            .ok_or_else(|| DecodeError::missing("requestAccess.accessRequest"))?;
        Ok(SubmittedRequest::new(self.client, object, payload.replayed))
    }

    /// Withdraws a request of the caller's own (`cancelAccessRequest`); an approved one stops at once.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION or NOT_FOUND.
    pub async fn cancel(self, id: &AccessRequestId) -> Result<AccessRequest, Error> {
        let input = CancelAccessRequestInput { id: id.clone() };
        let payload = self.client.mutate::<CancelAccessRequest>(input).await?;
        Ok(payload
            .access_request
            .ok_or_else(|| DecodeError::missing("cancelAccessRequest.accessRequest"))?)
    }

    /// Approves a request (`approveAccessRequest`): the app may call the version when this returns. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION, CONFLICT or NOT_FOUND.
    pub async fn approve(self, id: &AccessRequestId, reason: Option<&str>) -> Result<AccessRequest, Error> {
        let input = ApproveAccessRequestInput {
            id: id.clone(),
            reason: reason.map(str::to_owned),
        };
        let payload = self.client.mutate::<ApproveAccessRequest>(input).await?;
        Ok(payload
            .access_request
            .ok_or_else(|| DecodeError::missing("approveAccessRequest.accessRequest"))?)
    }

    /// Rejects a request (`rejectAccessRequest`). Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION, REQUIRED or NOT_FOUND.
    pub async fn reject(self, input: RejectAccessRequestInput) -> Result<AccessRequest, Error> {
        let payload = self.client.mutate::<RejectAccessRequest>(input).await?;
        Ok(payload
            .access_request
            .ok_or_else(|| DecodeError::missing("rejectAccessRequest.accessRequest"))?)
    }

    /// Revokes an approved request (`revokeAccessRequest`); its traffic stops before this returns. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION, REQUIRED or NOT_FOUND.
    pub async fn revoke(self, input: RevokeAccessRequestInput) -> Result<AccessRequest, Error> {
        let payload = self.client.mutate::<RevokeAccessRequest>(input).await?;
        Ok(payload
            .access_request
            .ok_or_else(|| DecodeError::missing("revokeAccessRequest.accessRequest"))?)
    }

    /// Revokes an approved request as [`AccessRequests::revoke`] does, and waits up to 5 seconds until every gateway
    /// enforces it (`revokeAccessRequest` with `waitForGateways`). Call it again to go on waiting. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with REQUIRED or NOT_FOUND. INVALID_TRANSITION is no error here: the call has waited, and
    /// [`GatewayConfirmation::object`] has it.
    pub async fn revoke_and_wait(
        self,
        input: RevokeAccessRequestInput,
    ) -> Result<GatewayConfirmation<AccessRequest>, Error> {
        let input = RevokeAccessRequestAndWaitInput {
            id: input.id,
            reason: input.reason,
            all_of_developer: input.all_of_developer,
            wait_for_gateways: true,
        };
        self.client.mutate_and_wait::<RevokeAccessRequestAndWait>(input).await
    }
}

connection!(AccessRequestConnection of AccessRequest);

listing! {
    /// What [`AccessRequests::list`] lists.
    AccessRequestListing = ListAccessRequests(ListAccessRequestsVariables).access_requests
        -> AccessRequestConnection of AccessRequest, filter: AccessRequestFilter, order_by: AccessRequestOrder
}

get_by_id!(GetAccessRequest(GetAccessRequestVariables: AccessRequestId)
    -> AccessRequestNode::AccessRequest(AccessRequest));

#[derive(cynic::InputObject)]
pub(crate) struct CancelAccessRequestInput {
    id: AccessRequestId,
}

#[derive(cynic::InputObject)]
pub(crate) struct ApproveAccessRequestInput {
    id: AccessRequestId,
    #[cynic(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What callers give, and that the call waits. That is no option of theirs: the answer's type depends on it.
#[derive(cynic::InputObject)]
#[cynic(graphql_type = "RevokeAccessRequestInput")]
pub(crate) struct RevokeAccessRequestAndWaitInput {
    id: AccessRequestId,
    reason: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    all_of_developer: Option<bool>,
    wait_for_gateways: bool,
}

mutation!(RequestAccess.request_access(RequestAccessVariables: RequestAccessInput)
    -> RequestAccessPayload { access_request: AccessRequest; replayed });
mutation!(CancelAccessRequest.cancel_access_request(CancelAccessRequestVariables: CancelAccessRequestInput)
    -> CancelAccessRequestPayload { access_request: AccessRequest });
mutation!(ApproveAccessRequest.approve_access_request(ApproveAccessRequestVariables: ApproveAccessRequestInput)
    -> ApproveAccessRequestPayload { access_request: AccessRequest });
mutation!(RejectAccessRequest.reject_access_request(RejectAccessRequestVariables: RejectAccessRequestInput)
    -> RejectAccessRequestPayload { access_request: AccessRequest });
mutation!(RevokeAccessRequest.revoke_access_request(RevokeAccessRequestVariables: RevokeAccessRequestInput)
    -> RevokeAccessRequestPayload { access_request: AccessRequest });
waiting_mutation!(RevokeAccessRequestAndWait.revoke_access_request(
    RevokeAccessRequestAndWaitVariables: RevokeAccessRequestAndWaitInput)
    -> RevokeAccessRequestAndWaitPayload("RevokeAccessRequestPayload") { access_request: AccessRequest });
