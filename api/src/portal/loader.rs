//! Loads the portal once for all who ask at the same time.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;

use super::{service, store::PortalRecord};
use crate::loader::{LoadError, Loaders};

/// The one portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortalKey;

impl Loader<PortalKey> for Loaders {
    type Value = PortalRecord;
    type Error = LoadError;

    async fn load(&self, _: &[PortalKey]) -> Result<HashMap<PortalKey, PortalRecord>, LoadError> {
        let portal = service::read(&self.plane).await.map_err(LoadError::new)?;
        Ok(HashMap::from([(PortalKey, portal)]))
    }
}
