//! Apps in the schema.

pub mod mutation;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::{app as rules, id::DeveloperKind};

use super::{
    loader::{AppCountOf, AppsOf},
    service::{self, AppFilter, AppRecord, AppSort},
};
use crate::{
    access_request::{
        self,
        graphql::{AccessRequestConnection, AccessRequestFilter},
        loader::Parent,
    },
    connection,
    credential::graphql::{CredentialConnection, credentials_of},
    developer::graphql::Developer,
    error::ServiceError,
    graphql::{connection::TotalCount, decision::Decision, order::OrderDirection, scalar::DateTime},
    id,
    loader::RequestContext as _,
    pagination::{self, Direction},
};

/// Whether an app's credentials may open anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "rules::AppStatus")]
pub enum AppStatus {
    /// In use.
    Active,
    /// All of its credentials are stopped, reversibly.
    Suspended,
}

/// What the viewer may do with an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "rules::AppAction")]
pub enum AppAction {
    /// Change its name, reference id or description.
    Update,
    /// Remove it with its credentials and requests.
    Delete,
    /// Stop all of its credentials, reversibly.
    Suspend,
    /// Let them go on.
    Resume,
    /// Ask for access to a version.
    RequestAccess,
    /// Generate a credential.
    GenerateCredential,
}

/// An application that a developer registers against versions of products.
#[derive(Clone)]
pub struct App(AppRecord);

impl From<AppRecord> for App {
    fn from(record: AppRecord) -> Self {
        Self(record)
    }
}

/// An application that a developer registers against versions of products.
#[Object]
impl App {
    /// The app's id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The app's name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The developer's own id for the app, unique in the portal, compared exactly. Upstreams see it as
    /// `X-Consumer-Custom-ID`.
    async fn reference_id(&self) -> &str {
        &self.0.reference_id
    }

    /// What the app is for.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Whether the app's credentials may open anything.
    async fn status(&self) -> AppStatus {
        self.0.status.into()
    }

    /// Who suspended the app, when and why; null unless it is suspended.
    async fn suspension(&self) -> Option<Decision> {
        self.0.suspension.clone().map(Into::into)
    }

    /// When the app was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When the app last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Whose app it is.
    async fn developer(&self, context: &Context<'_>) -> Result<Developer> {
        context.expect(self.0.developer_id).await.map(Into::into)
    }

    /// What the viewer may do with the app next. Whether a limit is reached, or a request would be granted, is not
    /// looked at.
    async fn allowed_actions(&self, context: &Context<'_>) -> Vec<AppAction> {
        let actor = context.call().viewer.actor_towards(self.0.developer_id);
        let actions = rules::allowed_actions(self.0.status, actor).into_iter();
        actions.map(Into::into).collect()
    }

    /// The app's credentials, the latest first.
    async fn credentials(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<CredentialConnection> {
        let page = pagination::arguments(first, after, last, before);
        credentials_of(context, self.0.id, page).await
    }

    /// The app's access requests, the latest first.
    async fn access_requests(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which requests.")] filter: Option<AccessRequestFilter>,
    ) -> Result<AccessRequestConnection> {
        let page = pagination::arguments(first, after, last, before);
        access_request::graphql::nested(context, Parent::App(self.0.id), page, filter).await
    }
}

connection!(AppConnection, AppEdge, App, "apps");

/// A page of a developer's apps, as the viewer sees them.
pub(crate) async fn apps_of(
    context: &Context<'_>,
    developer: domain::id::DeveloperId,
    page: Result<domain::page::Page, ServiceError>,
) -> Result<AppConnection> {
    let page = context.give(page)?;
    let slice = context.load_page(AppsOf { developer, page }).await?;
    let loaders = context.loaders();
    let total = TotalCount::new(move || {
        let loaders = loaders.clone();
        async move { Ok::<_, crate::loader::LoadError>(loaders.load_one(AppCountOf(developer)).await?.unwrap_or(0)) }
    });
    Ok(AppConnection::new(slice, total))
}

/// Which apps are wanted; what is left out does not matter.
#[derive(InputObject)]
#[graphql(name = "AppFilter")]
pub struct AppFilterInput {
    /// What the name or the reference id starts with, whatever its case; at most 255 characters.
    search: Option<String>,
    /// In one of these states.
    status: Option<Vec<AppStatus>>,
    /// Of this developer.
    developer_id: Option<ID>,
    /// With exactly this reference id.
    reference_id: Option<String>,
}

impl TryFrom<AppFilterInput> for AppFilter {
    type Error = ServiceError;

    fn try_from(input: AppFilterInput) -> Result<Self, ServiceError> {
        let AppFilterInput {
            search,
            status,
            developer_id,
            reference_id,
        } = input;
        let developer_id = developer_id.map(|id| id::parse::<DeveloperKind>("filter.developerId", &id));
        Ok(Self {
            search: pagination::search(search)?,
            status: pagination::states(status),
            developer_id: developer_id.transpose()?,
            reference_id,
        })
    }
}

/// What apps are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AppOrderField {
    /// The name, whatever its case.
    Name,
    /// When they were made.
    CreatedAt,
}

/// In which order apps are listed.
#[derive(InputObject)]
pub struct AppOrder {
    /// By what.
    field: AppOrderField,
    /// Which way.
    direction: OrderDirection,
}

impl From<AppOrder> for (AppSort, Direction) {
    fn from(AppOrder { field, direction }: AppOrder) -> Self {
        let sort = match field {
            AppOrderField::Name => AppSort::Name,
            AppOrderField::CreatedAt => AppSort::CreatedAt,
        };
        (sort, direction.into())
    }
}

/// The apps' root field.
#[derive(Default)]
pub struct AppQuery;

/// Root fields of apps.
#[Object]
impl AppQuery {
    /// Apps: admins see all, developers their own; UNAUTHENTICATED for others. Latest first unless ordered.
    #[allow(clippy::too_many_arguments)] // The list's arguments, as the contract has them.
    async fn apps(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that pass this filter.")] filter: Option<AppFilterInput>,
        #[graphql(desc = "In this order; the latest first unless given.")] order_by: Option<AppOrder>,
    ) -> Option<Result<AppConnection>> {
        let listed = async {
            let page = pagination::arguments(first, after, last, before)?;
            let filter = filter.map(AppFilter::try_from).transpose()?.unwrap_or_default();
            let order = order_by.map_or((AppSort::CreatedAt, Direction::Descending), Into::into);
            let slice = service::list(context.plane(), context.call(), &filter, order, &page).await?;
            Ok::<_, ServiceError>((slice, filter))
        };
        let listed = context.give(listed.await);
        let (plane, call) = (context.plane().clone(), context.call().clone());
        Some(listed.map(|(slice, filter)| {
            let total = TotalCount::new(move || {
                let (plane, call, filter) = (plane.clone(), call.clone(), filter.clone());
                async move { service::count(&plane, &call, &filter).await }
            });
            AppConnection::new(slice, total)
        }))
    }
}
