//! Developers in the schema.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::developer::allowed_actions;

use super::service::{self, DeveloperFilter as Filter, DeveloperRecord, DeveloperSort};
use crate::{
    app::graphql::{AppConnection, apps_of},
    connection,
    error::ServiceError,
    graphql::{
        connection::TotalCount,
        decision::Decision,
        order::OrderDirection,
        payload::{answer, answer_when_confirmed},
        scalar::DateTime,
    },
    id,
    loader::RequestContext as _,
    pagination::{self, Direction},
    payload,
};

/// Where a developer's account stands: PENDING ─► APPROVED ⇄ REVOKED; PENDING ─► REJECTED ─► APPROVED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::developer::DeveloperStatus")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
#[graphql(remote = "domain::developer::DeveloperAction")]
pub enum DeveloperAction {
    /// `approveDeveloper`.
    Approve,
    /// `rejectDeveloper`.
    Reject,
    /// `revokeDeveloper`.
    Revoke,
    /// `deleteDeveloper`.
    Delete,
}

/// A developer: registers apps and asks for access.
#[derive(Clone)]
pub struct Developer(DeveloperRecord);

impl From<DeveloperRecord> for Developer {
    fn from(record: DeveloperRecord) -> Self {
        Self(record)
    }
}

/// A developer: registers apps and asks for access.
#[Object]
impl Developer {
    /// The developer's id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The e-mail address that the developer signs in with. Nothing is sent to it, and it proves nothing.
    pub async fn email(&self) -> &str {
        &self.0.email
    }

    /// The developer's name.
    pub async fn full_name(&self) -> &str {
        &self.0.full_name
    }

    /// Where the account stands.
    async fn status(&self) -> DeveloperStatus {
        self.0.status.into()
    }

    /// When the account was made.
    pub async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// The last decision about the account; null while nobody has decided.
    async fn decision(&self) -> Option<Decision> {
        self.0.decision.clone().map(Decision::from)
    }

    /// What the viewer may do to the account next.
    async fn allowed_actions(&self, context: &Context<'_>) -> Vec<DeveloperAction> {
        let actor = context.call().viewer.actor_towards(self.0.id);
        allowed_actions(self.0.status, actor)
            .into_iter()
            .map(DeveloperAction::from)
            .collect()
    }

    /// The developer's apps, the latest first.
    async fn apps(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<AppConnection>> {
        let page = pagination::arguments(first, after, last, before);
        Some(apps_of(context, self.0.id, page).await)
    }
}

connection!(DeveloperConnection, DeveloperEdge, Developer, "developers");

/// Which developers are wanted; what is left out does not matter.
#[derive(InputObject)]
pub struct DeveloperFilter {
    /// What the e-mail address starts with, whatever its case; at most 255 characters.
    search: Option<String>,
    /// In one of these states.
    status: Option<Vec<DeveloperStatus>>,
}

impl TryFrom<DeveloperFilter> for Filter {
    type Error = ServiceError;

    fn try_from(filter: DeveloperFilter) -> Result<Self, ServiceError> {
        let DeveloperFilter { search, status } = filter;
        Ok(Self {
            search: pagination::search(search)?,
            status: pagination::states(status),
        })
    }
}

/// What developers are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DeveloperOrderField {
    /// When they signed up.
    CreatedAt,
    /// The e-mail address, whatever its case.
    Email,
}

/// How developers are listed.
#[derive(InputObject)]
pub struct DeveloperOrder {
    /// By what.
    field: DeveloperOrderField,
    /// Which way.
    direction: OrderDirection,
}

fn order(order: Option<DeveloperOrder>) -> (DeveloperSort, Direction) {
    let Some(DeveloperOrder { field, direction }) = order else {
        return (DeveloperSort::CreatedAt, Direction::Descending);
    };
    let field = match field {
        DeveloperOrderField::CreatedAt => DeveloperSort::CreatedAt,
        DeveloperOrderField::Email => DeveloperSort::Email,
    };
    (field, direction.into())
}

/// The developers' root field.
#[derive(Default)]
pub struct DeveloperQuery;

/// Root fields of developers.
#[Object]
impl DeveloperQuery {
    /// The developers. Admins; FORBIDDEN for others.
    #[expect(clippy::too_many_arguments, reason = "the contract's arguments")]
    async fn developers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless given, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which developers.")] filter: Option<DeveloperFilter>,
        #[graphql(desc = "In which order: the latest sign-ups first unless given.")] order_by: Option<DeveloperOrder>,
    ) -> Option<Result<DeveloperConnection>> {
        let (plane, call) = (Arc::clone(context.plane()), context.call().clone());
        let listed = async {
            call.admin_only()?;
            let page = pagination::arguments(first, after, last, before)?;
            let filter = filter.map(Filter::try_from).transpose()?.unwrap_or_default();
            let slice = service::list(&plane, &call, &filter, order(order_by), &page).await?;
            Ok::<_, ServiceError>((slice, filter))
        }
        .await;
        let (listed, filter) = match context.give(listed) {
            Ok(listed) => listed,
            Err(error) => return Some(Err(error)),
        };
        let total = TotalCount::new(move || {
            let (plane, call, filter) = (Arc::clone(&plane), call.clone(), filter.clone());
            async move { service::count(&plane, &call, &filter).await }
        });
        Some(Ok(DeveloperConnection::new(listed, total)))
    }
}

/// Whom to approve.
#[derive(InputObject)]
pub struct ApproveDeveloperInput {
    /// The developer's id.
    id: ID,
    /// Words for the developer.
    reason: Option<String>,
}

/// Whom to turn down.
#[derive(InputObject)]
pub struct RejectDeveloperInput {
    /// The developer's id.
    id: ID,
    /// Why, in words for the developer.
    reason: String,
}

/// Whom to stop.
#[derive(InputObject)]
pub struct RevokeDeveloperInput {
    /// The developer's id.
    id: ID,
    /// Why, in words for the developer.
    reason: String,
    /// Answer only when every gateway that may be serving enforces it, or after 5 seconds with a list of those that
    /// have not confirmed it.
    #[graphql(default = false)]
    wait_for_gateways: bool,
}

/// Whom to delete.
#[derive(InputObject)]
pub struct DeleteDeveloperInput {
    /// The developer's id.
    id: ID,
    /// Also when their apps have approved access requests, which are cut off then.
    #[graphql(default = false)]
    force: bool,
}

payload! {
    /// What `approveDeveloper` answers.
    ApproveDeveloperPayload {
        /// The developer as they are now.
        developer: Developer = DeveloperRecord
    }
}

payload! {
    /// What `rejectDeveloper` answers.
    RejectDeveloperPayload {
        /// The developer as they are now.
        developer: Developer = DeveloperRecord
    }
}

payload! {
    /// What `revokeDeveloper` answers.
    RevokeDeveloperPayload awaits_gateways {
        /// The developer as they are now.
        developer: Developer = DeveloperRecord
    }
}

payload! {
    /// What `deleteDeveloper` answers.
    DeleteDeveloperPayload {
        /// The id that the developer had.
        deleted_id: ID = ID
    }
}

/// The developers' mutations.
#[derive(Default)]
pub struct DeveloperMutation;

/// Mutations of developers, for admins.
#[Object]
impl DeveloperMutation {
    /// Lets a developer use the portal: one who waits, was turned down, or was revoked. Admins.
    async fn approve_developer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whom to approve.")] input: ApproveDeveloperInput,
    ) -> Option<Result<ApproveDeveloperPayload>> {
        let decided = async {
            let id = id::parse("id", &input.id)?;
            service::approve(context.plane(), context.call(), id, input.reason.as_deref()).await
        };
        answer(context, decided.await)
    }

    /// Turns a sign-up down that waits. The developer may be approved later. Admins.
    async fn reject_developer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whom to turn down.")] input: RejectDeveloperInput,
    ) -> Option<Result<RejectDeveloperPayload>> {
        let decided = async {
            let id = id::parse("id", &input.id)?;
            service::reject(context.plane(), context.call(), id, &input.reason).await
        };
        answer(context, decided.await)
    }

    /// Stops a developer, their sessions and all of their apps' traffic at once, until they are approved again. Admins.
    async fn revoke_developer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whom to stop.")] input: RevokeDeveloperInput,
    ) -> Option<Result<RevokeDeveloperPayload>> {
        let decided = async {
            let id = id::parse("id", &input.id)?;
            service::revoke(context.plane(), context.call(), id, &input.reason).await
        };
        answer_when_confirmed(context, input.wait_for_gateways, decided.await).await
    }

    /// Deletes a developer's account with all that is its own. `IN_USE` while their apps have approved access requests,
    /// unless forced. A later sign-up with the same e-mail address waits for an admin. Admins.
    async fn delete_developer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whom to delete.")] input: DeleteDeveloperInput,
    ) -> Option<Result<DeleteDeveloperPayload>> {
        let deleted = async {
            let id = id::parse("id", &input.id)?;
            let deleted = service::delete(context.plane(), context.call(), id, input.force).await?;
            Ok(ID::from(deleted.to_string()))
        };
        answer(context, deleted.await)
    }
}
