//! Loads gateway nodes in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::id::GatewayNodeId;

use super::{service, store::GatewayNodeRecord};
use crate::loader::{LoadError, Loaders};

impl Loader<GatewayNodeId> for Loaders {
    type Value = GatewayNodeRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[GatewayNodeId]) -> Result<HashMap<GatewayNodeId, GatewayNodeRecord>, LoadError> {
        let found = service::find(&self.plane, &self.call, ids)
            .await
            .map_err(LoadError::new)?;
        Ok(found.into_iter().map(|record| (record.id, record)).collect())
    }
}
