//! Loads audit events in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::id::AuditEventId;

use super::store::{self, AuditEventRecord};
use crate::{
    error::StoreError,
    loader::{LoadError, Loaders},
};

impl Loader<AuditEventId> for Loaders {
    type Value = AuditEventRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[AuditEventId]) -> Result<HashMap<AuditEventId, AuditEventRecord>, LoadError> {
        let found = store::find_for(self.plane.database.read(), &self.call.viewer, ids.iter().copied())
            .await
            .map_err(|error: StoreError| LoadError::new(error.into()))?;
        Ok(found.into_iter().map(|record| (record.id, record)).collect())
    }
}
