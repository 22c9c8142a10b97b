//! Loads admins in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::id::AdminId;

use super::store::{self, AdminRecord};
use crate::{
    error::StoreError,
    loader::{LoadError, Loaders},
};

impl Loader<AdminId> for Loaders {
    type Value = AdminRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[AdminId]) -> Result<HashMap<AdminId, AdminRecord>, LoadError> {
        let found = store::find_for(self.plane.database.read(), &self.call.viewer, ids.iter().copied())
            .await
            .map_err(|error: StoreError| LoadError::new(error.into()))?;
        Ok(found.into_iter().map(|record| (record.id, record)).collect())
    }
}
