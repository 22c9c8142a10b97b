//! Developers.

use secrecy::SecretString;

use crate::{
    DeveloperId, Error, GatewayConfirmation, List, OrderDirection, Timestamp,
    client::handle,
    confirmation::waiting_mutation,
    decision::Decision,
    error::DecodeError,
    listing::{connection, listing},
    node::get_by_id,
    operation::{graphql_enum, input, mutation},
    schema,
    secret::WireSecret,
};

/// A developer's account.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Developer {
    /// The developer's id.
    pub id: DeveloperId,
    /// The e-mail address; nothing proves that it is theirs.
    pub email: String,
    /// The name.
    pub full_name: String,
    /// Where the account stands.
    pub status: DeveloperStatus,
    /// When the account was made.
    pub created_at: Timestamp,
    /// The last decision about the account.
    pub decision: Option<Decision>,
    /// What the caller may do with it at present.
    pub allowed_actions: Vec<DeveloperAction>,
}

/// A developer as other objects name them.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[cynic(graphql_type = "Developer")]
#[non_exhaustive]
pub struct DeveloperRef {
    /// The developer's id.
    pub id: DeveloperId,
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub full_name: String,
}

graphql_enum! {
    /// Where a developer's account stands.
    DeveloperStatus {
        /// It waits for an admin.
        Pending = "PENDING",
        /// The developer sees the catalog, makes apps and requests access.
        Approved = "APPROVED",
        /// Refused; an admin may approve it yet.
        Rejected = "REJECTED",
        /// Approved once, stopped since, and all of its apps' traffic with it; an admin may approve it again.
        Revoked = "REVOKED",
    }
}

graphql_enum! {
    /// What can be done with a developer's account.
    DeveloperAction {
        /// Approve it.
        Approve = "APPROVE",
        /// Reject it.
        Reject = "REJECT",
        /// Revoke it.
        Revoke = "REVOKE",
        /// Delete it.
        Delete = "DELETE",
    }
}

/// A token that sets a new password; to be handed over by other means than the portal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PasswordReset {
    /// The token, for [`crate::Portico::reset_password`]; it counts once.
    pub token: SecretString,
    /// Until when it counts.
    pub expires_at: Timestamp,
}

input! {
    /// Which developers.
    #[derive(Clone, Debug, cynic::InputObject)]
    DeveloperFilter {
        optional {
            /// A prefix of the name or the e-mail address, whatever the case.
            search: [String],
        }
        list {
            /// In one of these states.
            status: [DeveloperStatus],
        }
    }
}

graphql_enum! {
    /// What developers can be ordered by.
    DeveloperOrderField {
        /// When they signed up.
        CreatedAt = "CREATED_AT",
        /// The e-mail address.
        Email = "EMAIL",
    }
}

input! {
    /// In which order.
    #[derive(Clone, Debug, cynic::InputObject)]
    DeveloperOrder {
        required {
            /// By what.
            field: [DeveloperOrderField],
            /// Which end first.
            direction: [OrderDirection],
        }
    }
}

handle! {
    /// Developers; from [`crate::Portico::developers`]. Admins only.
    Developers
}

impl<'a> Developers<'a> {
    /// All developers (`developers`).
    pub fn list(self) -> List<'a, DeveloperListing> {
        List::new(self.client, DeveloperListing::default())
    }

    /// One developer (`node`); None where the caller may see none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn get(self, id: &DeveloperId) -> Result<Option<Developer>, Error> {
        GetDeveloper::fetch(self.client, id).await
    }

    /// Approves a developer (`approveDeveloper`).
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION or NOT_FOUND.
    pub async fn approve(self, id: &DeveloperId, reason: Option<&str>) -> Result<Developer, Error> {
        let input = ApproveDeveloperInput {
            id: id.clone(),
            reason: reason.map(str::to_owned),
        };
        let payload = self.client.mutate::<ApproveDeveloper>(input).await?;
        Ok(payload
            .developer
            .ok_or_else(|| DecodeError::missing("approveDeveloper.developer"))?)
    }

    /// Rejects a developer (`rejectDeveloper`).
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION, REQUIRED or NOT_FOUND.
    pub async fn reject(self, id: &DeveloperId, reason: impl Into<String>) -> Result<Developer, Error> {
        let input = RejectDeveloperInput {
            id: id.clone(),
            reason: reason.into(),
        };
        let payload = self.client.mutate::<RejectDeveloper>(input).await?;
        Ok(payload
            .developer
            .ok_or_else(|| DecodeError::missing("rejectDeveloper.developer"))?)
    }

    /// Revokes a developer (`revokeDeveloper`): their sessions end and their apps' traffic stops before this returns.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION, REQUIRED or NOT_FOUND.
    pub async fn revoke(self, id: &DeveloperId, reason: impl Into<String>) -> Result<Developer, Error> {
        let input = RevokeDeveloperInput {
            id: id.clone(),
            reason: reason.into(),
            wait_for_gateways: None,
        };
        let payload = self.client.mutate::<RevokeDeveloper>(input).await?;
        Ok(payload
            .developer
            .ok_or_else(|| DecodeError::missing("revokeDeveloper.developer"))?)
    }

    /// Revokes a developer as [`Developers::revoke`] does, and waits up to 5 seconds until every gateway enforces it
    /// (`revokeDeveloper` with `waitForGateways`). Call it again to go on waiting.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with REQUIRED or NOT_FOUND. INVALID_TRANSITION is no error here: the call has waited, and
    /// [`GatewayConfirmation::object`] has it.
    pub async fn revoke_and_wait(
        self,
        id: &DeveloperId,
        reason: impl Into<String>,
    ) -> Result<GatewayConfirmation<Developer>, Error> {
        let input = RevokeDeveloperInput {
            id: id.clone(),
            reason: reason.into(),
            wait_for_gateways: Some(true),
        };
        self.client.mutate_and_wait::<RevokeDeveloperAndWait>(input).await
    }

    /// Deletes a developer who may call nothing (`deleteDeveloper`). Answers with their id.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with IN_USE while they have approved requests, or NOT_FOUND.
    pub async fn delete(self, id: &DeveloperId) -> Result<DeveloperId, Error> {
        self.delete_with(DeleteDeveloperInput {
            id: id.clone(),
            force: false,
        })
        .await
    }

    /// Deletes a developer with all that is theirs (`deleteDeveloper` with `force`); their apps' traffic stops at
    /// once. Answers with their id.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn delete_forced(self, id: &DeveloperId) -> Result<DeveloperId, Error> {
        self.delete_with(DeleteDeveloperInput {
            id: id.clone(),
            force: true,
        })
        .await
    }

    /// Makes a token with which the developer sets a new password (`issuePasswordReset`): one use, one hour.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn issue_password_reset(self, id: &DeveloperId) -> Result<PasswordReset, Error> {
        let input = IssuePasswordResetInput {
            developer_id: id.clone(),
        };
        let payload = self.client.mutate::<IssuePasswordReset>(input).await?;
        let token = payload
            .reset_token
            .ok_or_else(|| DecodeError::missing("issuePasswordReset.resetToken"))?;
        let expires_at = payload
            .expires_at
            .ok_or_else(|| DecodeError::missing("issuePasswordReset.expiresAt"))?;
        Ok(PasswordReset {
            token: token.0,
            expires_at,
        })
    }

    async fn delete_with(self, input: DeleteDeveloperInput) -> Result<DeveloperId, Error> {
        let payload = self.client.mutate::<DeleteDeveloper>(input).await?;
        Ok(payload
            .deleted_id
            .ok_or_else(|| DecodeError::missing("deleteDeveloper.deletedId"))?)
    }
}

connection!(DeveloperConnection of Developer);

listing! {
    /// What [`Developers::list`] lists.
    DeveloperListing = ListDevelopers(ListDevelopersVariables).developers
        -> DeveloperConnection of Developer, filter: DeveloperFilter, order_by: DeveloperOrder
}

get_by_id!(GetDeveloper(GetDeveloperVariables: DeveloperId) -> DeveloperNode::Developer(Developer));

#[derive(cynic::InputObject)]
pub(crate) struct ApproveDeveloperInput {
    id: DeveloperId,
    #[cynic(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(cynic::InputObject)]
pub(crate) struct RejectDeveloperInput {
    id: DeveloperId,
    reason: String,
}

#[derive(cynic::InputObject)]
pub(crate) struct RevokeDeveloperInput {
    id: DeveloperId,
    reason: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    wait_for_gateways: Option<bool>,
}

#[derive(cynic::InputObject)]
pub(crate) struct DeleteDeveloperInput {
    id: DeveloperId,
    force: bool,
}

#[derive(cynic::InputObject)]
pub(crate) struct IssuePasswordResetInput {
    developer_id: DeveloperId,
}

mutation!(ApproveDeveloper.approve_developer(ApproveDeveloperVariables: ApproveDeveloperInput)
    -> ApproveDeveloperPayload { developer: Developer });
mutation!(RejectDeveloper.reject_developer(RejectDeveloperVariables: RejectDeveloperInput)
    -> RejectDeveloperPayload { developer: Developer });
mutation!(RevokeDeveloper.revoke_developer(RevokeDeveloperVariables: RevokeDeveloperInput)
    -> RevokeDeveloperPayload { developer: Developer });
waiting_mutation!(RevokeDeveloperAndWait.revoke_developer(RevokeDeveloperAndWaitVariables: RevokeDeveloperInput)
    -> RevokeDeveloperAndWaitPayload("RevokeDeveloperPayload") { developer: Developer });
mutation!(DeleteDeveloper.delete_developer(DeleteDeveloperVariables: DeleteDeveloperInput)
    -> DeleteDeveloperPayload { deleted_id: DeveloperId });
mutation!(IssuePasswordReset.issue_password_reset(IssuePasswordResetVariables: IssuePasswordResetInput)
    -> IssuePasswordResetPayload { reset_token: WireSecret, expires_at: Timestamp });
