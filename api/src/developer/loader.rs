//! Loads developers in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::id::DeveloperId;

use super::store::{self, DeveloperRecord};
use crate::{
    error::StoreError,
    loader::{LoadError, Loaders},
};

impl Loader<DeveloperId> for Loaders {
    type Value = DeveloperRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[DeveloperId]) -> Result<HashMap<DeveloperId, DeveloperRecord>, LoadError> {
        let found = store::find_for(self.plane.database.read(), &self.call.viewer, ids.iter().copied())
            .await
            .map_err(|error: StoreError| LoadError::new(error.into()))?;
        Ok(found.into_iter().map(|record| (record.id, record)).collect())
    }
}
