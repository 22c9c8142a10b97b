//! Batches of strategies, for what points at them.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::id::AuthStrategyId;

use super::store::{self, AuthStrategyRecord};
use crate::{
    error::ServiceError,
    loader::{LoadError, Loaders},
};

/// Strategies that something visible points at, so they are there for every viewer.
impl Loader<AuthStrategyId> for Loaders {
    type Value = AuthStrategyRecord;
    type Error = LoadError;

    async fn load(&self, ids: &[AuthStrategyId]) -> Result<HashMap<AuthStrategyId, AuthStrategyRecord>, LoadError> {
        let records = store::find_pointed_at(self.plane.database.read(), ids.iter().copied())
            .await
            .map_err(ServiceError::from)?;
        Ok(records.into_iter().map(|record| (record.id, record)).collect())
    }
}

/// Asks whether a version or a live credential uses the strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InUse(pub AuthStrategyId);

impl Loader<InUse> for Loaders {
    type Value = bool;
    type Error = LoadError;

    async fn load(&self, keys: &[InUse]) -> Result<HashMap<InUse, bool>, LoadError> {
        let ids: Vec<AuthStrategyId> = keys.iter().map(|InUse(id)| *id).collect();
        let used = store::in_use(self.plane.database.read(), &ids, self.call.now)
            .await
            .map_err(ServiceError::from)?;
        Ok(keys.iter().map(|key| (*key, used.contains(&key.0))).collect())
    }
}
