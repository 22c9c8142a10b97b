//! Batches of routes, of versions that the viewer sees.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::{gateway_service::RouteInput, id::VersionId};

use super::store;
use crate::{
    error::ServiceError,
    loader::{LoadError, Loaders},
};

/// Asks for the routes of a version that the viewer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoutesOf(pub VersionId);

impl Loader<RoutesOf> for Loaders {
    type Value = Vec<RouteInput>;
    type Error = LoadError;

    async fn load(&self, keys: &[RoutesOf]) -> Result<HashMap<RoutesOf, Vec<RouteInput>>, LoadError> {
        let versions = keys.iter().map(|RoutesOf(version)| *version);
        let routes = store::routes(self.plane.database.read(), versions)
            .await
            .map_err(ServiceError::from)?;
        Ok(routes
            .into_iter()
            .map(|(version, routes)| (RoutesOf(version), routes))
            .collect())
    }
}
