//! Access requests in the schema.

mod mutation;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::access_request as rules;

pub use self::mutation::{
    AccessRequestMutation, ApproveAccessRequestInput, ApproveAccessRequestPayload, CancelAccessRequestInput,
    CancelAccessRequestPayload, RejectAccessRequestInput, RejectAccessRequestPayload, RequestAccessInput,
    RequestAccessPayload, RevokeAccessRequestInput, RevokeAccessRequestPayload,
};
use super::{
    loader::{AccessRequestCount, AccessRequestPage, Parent},
    service::{self, AccessRequestFilter as Filter, AccessRequestRecord, AccessRequestSort},
};
use crate::{
    app::graphql::App,
    error::ServiceError,
    graphql::{connection::TotalCount, decision::Decision, order::OrderDirection, scalar::DateTime},
    id,
    loader::RequestContext as _,
    pagination,
    version::graphql::ProductVersion,
};

/// Where an access request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "rules::AccessRequestStatus")]
pub enum AccessRequestStatus {
    /// Waits for an admin.
    Pending,
    /// The app may call the version.
    Approved,
    /// An admin said no. Final: asking again makes a new request.
    Rejected,
    /// It was approved and an admin took that back; an admin can approve it again.
    Revoked,
    /// The owner withdrew it. Final: asking again makes a new request.
    Cancelled,
}

/// A step of an access request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "rules::AccessRequestAction")]
pub enum AccessRequestAction {
    /// `approveAccessRequest`.
    Approve,
    /// `rejectAccessRequest`.
    Reject,
    /// `revokeAccessRequest`.
    Revoke,
    /// `cancelAccessRequest`.
    Cancel,
}

/// An app's request for access to a version.
#[derive(Clone)]
pub struct AccessRequest(AccessRequestRecord);

impl From<AccessRequestRecord> for AccessRequest {
    fn from(record: AccessRequestRecord) -> Self {
        Self(record)
    }
}

/// An app's request for access to a version.
#[Object]
impl AccessRequest {
    /// The request's id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The app that asks.
    async fn app(&self, context: &Context<'_>) -> Result<App> {
        context.expect(self.0.app_id).await.map(App::from)
    }

    /// The version it asks for.
    async fn version(&self, context: &Context<'_>) -> Result<ProductVersion> {
        context.expect(self.0.version_id).await.map(ProductVersion::from)
    }

    /// Where it stands.
    async fn status(&self) -> AccessRequestStatus {
        self.0.status.into()
    }

    /// The developer's words.
    async fn justification(&self) -> Option<&str> {
        self.0.justification.as_deref()
    }

    /// The last decision; null while it waits, and when it was cancelled while it waited.
    async fn decision(&self) -> Option<Decision> {
        self.0.decision.clone().map(Decision::from)
    }

    /// When it was submitted.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// What the viewer may do with it next.
    async fn allowed_actions(&self, context: &Context<'_>) -> Vec<AccessRequestAction> {
        let actor = context.call().viewer.actor_towards(self.0.developer_id);
        rules::allowed_actions(self.0.status, actor)
            .into_iter()
            .map(AccessRequestAction::from)
            .collect()
    }
}

crate::connection!(
    AccessRequestConnection,
    AccessRequestEdge,
    AccessRequest,
    "access requests"
);

/// Which access requests are wanted; all conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AccessRequestFilter {
    /// In one of these states.
    status: Option<Vec<AccessRequestStatus>>,
    /// For a version of this product.
    product_id: Option<ID>,
    /// For this version.
    version_id: Option<ID>,
    /// By this app.
    app_id: Option<ID>,
    /// By an app of this developer.
    developer_id: Option<ID>,
}

impl TryFrom<AccessRequestFilter> for Filter {
    type Error = ServiceError;

    fn try_from(filter: AccessRequestFilter) -> Result<Self, ServiceError> {
        let AccessRequestFilter {
            status,
            product_id,
            version_id,
            app_id,
            developer_id,
        } = filter;
        Ok(Self {
            status: pagination::states(status),
            product_id: product_id.map(|id| id::parse("filter.productId", &id)).transpose()?,
            version_id: version_id.map(|id| id::parse("filter.versionId", &id)).transpose()?,
            app_id: app_id.map(|id| id::parse("filter.appId", &id)).transpose()?,
            developer_id: developer_id
                .map(|id| id::parse("filter.developerId", &id))
                .transpose()?,
        })
    }
}

/// What access requests are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AccessRequestOrderField {
    /// When they were submitted.
    CreatedAt,
    /// When they last changed.
    UpdatedAt,
}

/// The order of a list of access requests.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct AccessRequestOrder {
    /// What they are ordered by.
    field: AccessRequestOrderField,
    /// Which way.
    direction: OrderDirection,
}

impl From<AccessRequestOrder> for (AccessRequestSort, pagination::Direction) {
    fn from(AccessRequestOrder { field, direction }: AccessRequestOrder) -> Self {
        let sort = match field {
            AccessRequestOrderField::CreatedAt => AccessRequestSort::CreatedAt,
            AccessRequestOrderField::UpdatedAt => AccessRequestSort::UpdatedAt,
        };
        (sort, direction.into())
    }
}

/// The page of one parent's requests that a nested field shows.
///
/// # Errors
/// `BAD_USER_INPUT` for arguments that do not fit.
pub async fn nested(
    context: &Context<'_>,
    parent: Parent,
    page: Result<pagination::Page, ServiceError>,
    filter: Option<AccessRequestFilter>,
) -> Result<AccessRequestConnection> {
    let page = context.give(page)?;
    let filter: Filter = context.give(filter.unwrap_or_default().try_into())?;
    let loaders = context.loaders();
    let slice = context
        .load_page(AccessRequestPage {
            parent,
            filter: filter.clone(),
            page,
        })
        .await?;
    let total = TotalCount::new(move || {
        let (loaders, key) = (
            loaders.clone(),
            AccessRequestCount {
                parent,
                filter: filter.clone(),
            },
        );
        async move { loaders.load_one(key).await.map(Option::unwrap_or_default) }
    });
    Ok(AccessRequestConnection::new(slice, total))
}

/// Root fields of access requests.
#[derive(Default)]
pub struct AccessRequestQuery;

/// Root fields of access requests.
#[Object]
impl AccessRequestQuery {
    /// Access requests: admins see all, developers their own; UNAUTHENTICATED for others. Latest first unless ordered.
    #[allow(clippy::too_many_arguments, reason = "the contract's arguments")]
    async fn access_requests(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which requests.")] filter: Option<AccessRequestFilter>,
        #[graphql(desc = "In which order.")] order_by: Option<AccessRequestOrder>,
    ) -> Option<Result<AccessRequestConnection>> {
        let found = async {
            let page = pagination::arguments(first, after, last, before)?;
            let filter = filter.unwrap_or_default().try_into()?;
            service::list(context.plane(), context.call(), filter, order_by.map(Into::into), page).await
        };
        Some(
            context
                .give(found.await)
                .map(|(slice, total)| AccessRequestConnection::new(slice, total)),
        )
    }
}
