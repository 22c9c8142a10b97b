//! Versions in the schema.

mod input;
mod mutation;

use async_graphql::{Context, Enum, ID, Object, Result};

pub use self::{
    input::{
        CreateVersionInput, DeleteVersionInput, ProductVersionFilter, SetVersionLifecycleInput, UpdateVersionInput,
    },
    mutation::{
        CreateVersionPayload, DeleteVersionPayload, SetVersionLifecyclePayload, UpdateVersionPayload, VersionMutation,
    },
};
use super::{
    loader::{SpecificationOf, VersionCount, VersionPage},
    service::{VersionFilter, VersionParent, VersionRecord},
};
use crate::{
    access_request::{
        self,
        graphql::{AccessRequestConnection, AccessRequestFilter},
        loader::Parent,
    },
    app::graphql::AppConnection,
    connection,
    gateway_service::graphql::GatewayService,
    graphql::{connection::TotalCount, scalar::DateTime, user_error::UserErrorCode},
    loader::RequestContext as _,
    pagination::{self, Page},
    product::graphql::Product,
    registration::{
        graphql::RegistrationSettings,
        plugin::{self, Plugin},
    },
};

/// A version of an API product: what apps ask access to.
#[derive(Clone)]
pub struct ProductVersion(VersionRecord);

impl From<VersionRecord> for ProductVersion {
    fn from(record: VersionRecord) -> Self {
        Self(record)
    }
}

/// A version of an API product: what apps ask access to.
#[Object]
impl ProductVersion {
    /// The version's id.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The version's name, unique in the product.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The product.
    async fn product(&self, context: &Context<'_>) -> Result<Product> {
        context.expect(self.0.product_id).await.map(Product::from)
    }

    /// Where the version stands in its life.
    async fn lifecycle(&self) -> VersionLifecycle {
        self.0.lifecycle.into()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// The OpenAPI document, as uploaded. It may have megabytes: leave it out where it is not shown.
    async fn specification(&self, context: &Context<'_>) -> Option<Result<String>> {
        context.load(SpecificationOf(self.0.id)).await.transpose()
    }

    /// Where the gateway serves the version, and where it sends the calls; null: its traffic is answered 404.
    async fn gateway_service(&self) -> Option<GatewayService> {
        GatewayService::of(&self.0)
    }

    /// Whether and how apps register against the version.
    async fn registration(&self) -> RegistrationSettings {
        self.0.clone().into()
    }

    /// What the gateway enforces on the version: from the first strategy on, acl and the strategy's, read-only.
    async fn plugins(&self, context: &Context<'_>) -> Result<Vec<Plugin>> {
        plugin::of(context, &self.0).await
    }

    /// Whether the viewer may ask for access: shows the portal's Register button. Whether they have an app yet does
    /// not matter.
    async fn viewer_can_register(&self, context: &Context<'_>) -> Result<bool> {
        Ok(access_request::fields::cannot_register_reasons(context, &self.0)
            .await?
            .is_empty())
    }

    /// Why the viewer may not ask for access; empty when they may.
    async fn viewer_cannot_register_reasons(&self, context: &Context<'_>) -> Result<Vec<UserErrorCode>> {
        let reasons = access_request::fields::cannot_register_reasons(context, &self.0).await?;
        Ok(reasons.into_iter().map(UserErrorCode::from).collect())
    }

    /// The viewer's apps whose request for access here would be accepted; null for who has no apps.
    async fn eligible_apps(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Option<Result<AppConnection>> {
        let page = pagination::arguments(first, after, last, before);
        access_request::fields::eligible_apps(context, &self.0, page)
            .await
            .transpose()
    }

    /// The requests for access here: an admin sees all, a developer their own; null when nobody is signed in.
    async fn access_requests(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 unless given.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which requests.")] filter: Option<AccessRequestFilter>,
    ) -> Option<Result<AccessRequestConnection>> {
        context.call().signed_in().ok()?;
        let page = pagination::arguments(first, after, last, before);
        Some(access_request::graphql::nested(context, Parent::Version(self.0.id), page, filter).await)
    }
}

connection!(ProductVersionConnection, ProductVersionEdge, ProductVersion, "versions");

/// Where a version stands in its life: DRAFT, then ACTIVE ⇄ DEPRECATED; from either to RETIRED, and from there to
/// either. Never back to DRAFT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::version::VersionLifecycle")]
pub enum VersionLifecycle {
    /// Only admins see it; its routes answer 404.
    Draft,
    /// In the catalog, takes requests where registration is enabled; traffic flows.
    Active,
    /// In the catalog, takes no new requests; traffic flows.
    Deprecated,
    /// Only admins and those with a request see it; its traffic gets 410, unless a live version has taken the route.
    Retired,
}

/// A page of what belongs to `parent`, for the fields that list versions.
pub(crate) async fn versions_of(
    context: &Context<'_>,
    parent: VersionParent,
    filter: Option<ProductVersionFilter>,
    page: Page,
) -> Result<ProductVersionConnection> {
    let filter = filter.map(VersionFilter::try_from).transpose();
    let filter = context.give(filter)?.unwrap_or_default();
    let key = VersionPage {
        parent,
        filter: filter.clone(),
        page,
    };
    let slice = context.load_page(key).await?;
    let loaders = context.loaders();
    let total = TotalCount::new(move || {
        let (loaders, filter) = (loaders.clone(), filter.clone());
        async move {
            let count = loaders.load_one(VersionCount { parent, filter }).await?;
            Ok::<_, crate::loader::LoadError>(count.unwrap_or_default())
        }
    });
    Ok(ProductVersionConnection::new(slice, total))
}
