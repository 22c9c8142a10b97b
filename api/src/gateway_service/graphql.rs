//! Gateway services in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use domain::id::{GatewayServiceId, VersionId};

use super::{
    loader::RoutesOf,
    service::{self, SetGatewayService},
};
use crate::{
    graphql::{payload::answer, scalar::Url},
    loader::RequestContext as _,
    payload,
    version::{graphql::ProductVersion, service::VersionRecord},
};

/// Where the gateway serves a version, and where it sends the calls.
#[derive(Clone)]
pub struct GatewayService {
    version: VersionId,
    upstream_url: String,
}

impl GatewayService {
    /// The version's gateway service; `None` when it has none.
    pub(crate) fn of(version: &VersionRecord) -> Option<Self> {
        version.upstream_url.clone().map(|upstream_url| Self {
            version: version.id,
            upstream_url,
        })
    }
}

/// Where the gateway serves a version, and where it sends the calls.
#[Object]
impl GatewayService {
    /// The service's id.
    async fn id(&self) -> ID {
        GatewayServiceId::from_uuid(self.version.uuid()).into()
    }

    /// Where calls go, as it was set. For admins; null for everyone else.
    async fn upstream_url(&self, context: &Context<'_>) -> Option<Url> {
        let viewer = context.call().viewer;
        viewer.is_admin().then(|| Url(self.upstream_url.clone()))
    }

    /// Which calls are the version's, at least one route.
    async fn routes(&self, context: &Context<'_>) -> Result<Vec<Route>> {
        let routes = context.load(RoutesOf(self.version)).await?.unwrap_or_default();
        Ok(routes.into_iter().map(Route::from).collect())
    }
}

/// Calls that a gateway service takes: those that fit a host, a path and a method of it.
#[derive(Clone, Debug, SimpleObject)]
pub struct Route {
    /// Host names without port, in lower case; none: any host.
    hosts: Vec<String>,
    /// Path prefixes, on segment boundaries: /mock serves /mock/x, not /mockery.
    paths: Vec<String>,
    /// Methods in upper case; none: any method.
    methods: Vec<String>,
    /// Whether the upstream sees the path without the prefix.
    strip_path: bool,
}

impl From<service::RouteInput> for Route {
    fn from(route: service::RouteInput) -> Self {
        let service::RouteInput {
            hosts,
            paths,
            methods,
            strip_path,
        } = route;
        Self {
            hosts,
            paths,
            methods,
            strip_path,
        }
    }
}

/// A route to give a gateway service.
#[derive(InputObject)]
pub struct RouteInput {
    /// Host names without port, at most 20; none: any host.
    #[graphql(default)]
    hosts: Vec<String>,
    /// Path prefixes such as /mock, 1 to 20; no patterns.
    paths: Vec<String>,
    /// Methods such as GET, at most 20; none: any method.
    #[graphql(default)]
    methods: Vec<String>,
    /// Whether the upstream sees the path without the prefix.
    #[graphql(default = true)]
    strip_path: bool,
}

impl From<RouteInput> for service::RouteInput {
    fn from(input: RouteInput) -> Self {
        let RouteInput {
            hosts,
            paths,
            methods,
            strip_path,
        } = input;
        Self {
            hosts,
            paths,
            methods,
            strip_path,
        }
    }
}

/// A gateway service to give a version.
#[derive(InputObject)]
pub struct SetGatewayServiceInput {
    /// The version.
    version_id: ID,
    /// Where calls go: an absolute http or https URL without user name, query and fragment. Its path is put before
    /// what is forwarded.
    upstream_url: Url,
    /// Which calls are the version's, 1 to 50 routes.
    routes: Vec<RouteInput>,
}

impl From<SetGatewayServiceInput> for SetGatewayService {
    fn from(input: SetGatewayServiceInput) -> Self {
        let SetGatewayServiceInput {
            version_id,
            upstream_url: Url(upstream_url),
            routes,
        } = input;
        Self {
            version_id,
            upstream_url,
            routes: routes.into_iter().map(Into::into).collect(),
        }
    }
}

/// A version whose gateway service is to go.
#[derive(InputObject)]
pub struct RemoveGatewayServiceInput {
    /// The version.
    version_id: ID,
}

payload! {
    /// What `setGatewayService` answers.
    SetGatewayServicePayload {
        /// The version as it is now.
        version: ProductVersion = VersionRecord
    }
}

payload! {
    /// What `removeGatewayService` answers.
    RemoveGatewayServicePayload {
        /// The version as it is now.
        version: ProductVersion = VersionRecord
    }
}

/// The gateway services' mutations.
#[derive(Default)]
pub struct GatewayServiceMutation;

/// Mutations of gateway services.
#[Object]
impl GatewayServiceMutation {
    /// Sets a version's gateway service, in the place of one that it has. ROUTE_CONFLICT when the version is live and
    /// another live one has claimed a route. Without an auth strategy the gateway denies every call. Admins.
    async fn set_gateway_service(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The gateway service to set.")] input: SetGatewayServiceInput,
    ) -> Option<Result<SetGatewayServicePayload>> {
        answer(
            context,
            service::set(context.plane(), context.call(), input.into()).await,
        )
    }

    /// Takes a version's gateway service away; its routes answer 404 from then on. Admins.
    async fn remove_gateway_service(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose gateway service is to go.")] input: RemoveGatewayServiceInput,
    ) -> Option<Result<RemoveGatewayServicePayload>> {
        answer(
            context,
            service::remove(context.plane(), context.call(), &input.version_id).await,
        )
    }
}
