//! What the server tells by itself about access requests, credentials and the viewer.

use crate::{
    AccessRequest, AccessRequestFilter, AccessRequestId, Account, AppId, Change, Credential, CredentialId, Error,
    Portico, Subscription, access_request::AccessRequests, credential::Credentials, error::DecodeError, schema,
};

impl AccessRequests<'_> {
    /// Follows access requests that are submitted, changed or deleted (`accessRequestChanged`): an admin sees all, a
    /// developer their own. Of a filter by status, also what may have left it; a deletion comes whatever the filter.
    pub fn changes(self, filter: AccessRequestFilter) -> Subscription<Change<AccessRequest, AccessRequestId>> {
        self.follow(AccessRequestChangedVariables {
            id: None,
            filter: Some(filter),
        })
    }

    /// Follows one access request (`accessRequestChanged` with `id`): its present state first. It ends when the request
    /// is gone.
    pub fn changes_of(self, id: &AccessRequestId) -> Subscription<Change<AccessRequest, AccessRequestId>> {
        self.follow(AccessRequestChangedVariables {
            id: Some(id.clone()),
            filter: None,
        })
    }

    fn follow(self, variables: AccessRequestChangedVariables) -> Subscription<Change<AccessRequest, AccessRequestId>> {
        let operation = <AccessRequestChanged as cynic::SubscriptionBuilder<_>>::build(variables);
        self.client.follow(operation, |data: AccessRequestChanged| {
            let change = data.access_request_changed;
            change_of(change.access_request, change.deleted_id, "accessRequestChanged")
        })
    }
}

impl Credentials<'_> {
    /// Follows credentials that are made, changed or deleted (`credentialChanged`), of one app or of all: an admin sees
    /// all, a developer those of their apps. That a credential's time is over is no change: its `expires_at` tells
    /// beforehand.
    pub fn changes(self, app: Option<&AppId>) -> Subscription<Change<Credential, CredentialId>> {
        let variables = CredentialChangedVariables { app_id: app.cloned() };
        let operation = <CredentialChanged as cynic::SubscriptionBuilder<_>>::build(variables);
        self.client.follow(operation, |data: CredentialChanged| {
            let change = data.credential_changed;
            change_of(change.credential, change.deleted_id, "credentialChanged")
        })
    }
}

impl Portico {
    /// Follows the viewer's own account (`viewerChanged`): a developer learns that they were approved. When the account
    /// may act no more, the subscription ends with [`Error::Session`] or [`Error::Closed`].
    pub fn viewer_changes(&self) -> Subscription<Account> {
        let operation = <ViewerChanged as cynic::SubscriptionBuilder<_>>::build(());
        self.follow(operation, |data: ViewerChanged| Ok(data.viewer_changed))
    }
}

fn change_of<T, Id>(present: Option<T>, deleted: Option<Id>, root: &str) -> Result<Change<T, Id>, Error> {
    match (present, deleted) {
        (Some(present), _) => Ok(Change::Present(present)),
        (None, Some(id)) => Ok(Change::Gone(id)),
        (None, None) => Err(DecodeError::missing(root).into()),
    }
}

#[derive(cynic::QueryVariables)]
struct AccessRequestChangedVariables {
    #[cynic(skip_serializing_if = "Option::is_none")]
    id: Option<AccessRequestId>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    filter: Option<AccessRequestFilter>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "AccessRequestChangedVariables")]
struct AccessRequestChanged {
    #[arguments(id: $id, filter: $filter)]
    access_request_changed: AccessRequestChange,
}

#[derive(cynic::QueryFragment)]
struct AccessRequestChange {
    access_request: Option<AccessRequest>,
    deleted_id: Option<AccessRequestId>,
}

#[derive(cynic::QueryVariables)]
struct CredentialChangedVariables {
    #[cynic(skip_serializing_if = "Option::is_none")]
    app_id: Option<AppId>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "CredentialChangedVariables")]
struct CredentialChanged {
    #[arguments(appId: $app_id)]
    credential_changed: CredentialChange,
}

#[derive(cynic::QueryFragment)]
struct CredentialChange {
    credential: Option<Credential>,
    deleted_id: Option<CredentialId>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription")]
struct ViewerChanged {
    viewer_changed: Account,
}
