//! Versions' gateway services: where the gateway serves a version, and where it sends the calls.

use cynic::schema::IsScalar;

use crate::{
    Error, GatewayServiceId, ProductVersion, VersionId,
    client::handle,
    error::DecodeError,
    operation::{input, mutation},
    schema,
};

/// Where the gateway serves a version.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GatewayService {
    /// The service's id.
    pub id: GatewayServiceId,
    /// Where calls go, as it was set; for admins only.
    pub upstream_url: Option<String>,
    /// What calls it takes.
    pub routes: Vec<Route>,
}

/// Calls that a gateway service takes: those that fit a host, a path and a method of it.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Route {
    /// The hosts; none: any.
    pub hosts: Vec<String>,
    /// The path prefixes, on segment boundaries.
    pub paths: Vec<String>,
    /// The methods; none: any.
    pub methods: Vec<String>,
    /// Whether the upstream sees the path without the prefix.
    pub strip_path: bool,
}

// The schema's `URL` is text here, kept as written: parsing it would append a slash.
impl IsScalar<schema::URL> for String {
    type SchemaType = schema::URL;
}

input! {
    /// A route to give a gateway service.
    #[derive(Clone, Debug, cynic::InputObject)]
    RouteInput {
        required {
            /// The path prefixes, such as `/mock`, at least one.
            paths: [Vec<String>],
        }
        optional {
            /// Whether the upstream sees the path without the prefix; true unless given.
            strip_path: [bool],
        }
        list {
            /// The hosts; any unless given.
            hosts: [String],
            /// The methods; any unless given.
            methods: [String],
        }
    }
}

impl RouteInput {
    /// A route of one path prefix, such as `/mock`.
    pub fn path(path: impl Into<String>) -> Self {
        Self::new([path.into()])
    }
}

input! {
    /// What `setGatewayService` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    SetGatewayServiceInput {
        required {
            /// Which version.
            version_id: [VersionId],
            /// Where calls go: an absolute http or https URL.
            upstream_url: [String],
            /// What calls it takes, at least one route.
            routes: [Vec<RouteInput>],
        }
    }
}

handle! {
    /// Versions' gateway services; from [`crate::Portico::gateway_services`].
    GatewayServices
}

impl GatewayServices<'_> {
    /// Sets a version's gateway service, in the place of one that it has (`setGatewayService`). Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with ROUTE_CONFLICT when another live version has claimed a route, INVALID, REQUIRED or
    /// NOT_FOUND.
    pub async fn set(self, input: SetGatewayServiceInput) -> Result<ProductVersion, Error> {
        let payload = self.client.mutate::<SetGatewayService>(input).await?;
        Ok(payload
            .version
            .ok_or_else(|| DecodeError::missing("setGatewayService.version"))?)
    }

    /// Takes a version's gateway service away (`removeGatewayService`); its routes answer 404. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn remove(self, version: &VersionId) -> Result<ProductVersion, Error> {
        let input = RemoveGatewayServiceInput {
            version_id: version.clone(),
        };
        let payload = self.client.mutate::<RemoveGatewayService>(input).await?;
        Ok(payload
            .version
            .ok_or_else(|| DecodeError::missing("removeGatewayService.version"))?)
    }
}

#[derive(cynic::InputObject)]
pub(crate) struct RemoveGatewayServiceInput {
    version_id: VersionId,
}

mutation!(SetGatewayService.set_gateway_service(SetGatewayServiceVariables: SetGatewayServiceInput)
    -> SetGatewayServicePayload { version: ProductVersion });
mutation!(RemoveGatewayService.remove_gateway_service(RemoveGatewayServiceVariables: RemoveGatewayServiceInput)
    -> RemoveGatewayServicePayload { version: ProductVersion });
