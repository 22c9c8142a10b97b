//! Loads gateway tokens in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::id::GatewayTokenId;

use super::store::{self, GatewayTokenRecord};
use crate::{
    error::StoreError,
    loader::{LoadError, Loaders},
};

impl Loader<GatewayTokenId> for Loaders {
    type Value = GatewayTokenRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[GatewayTokenId]) -> Result<HashMap<GatewayTokenId, GatewayTokenRecord>, LoadError> {
        let found = store::find_for(self.plane.database.read(), &self.call.viewer, ids.iter().copied())
            .await
            .map_err(|error: StoreError| LoadError::new(error.into()))?;
        Ok(found.into_iter().map(|record| (record.id, record)).collect())
    }
}
