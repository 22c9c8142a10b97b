//! The snapshot: all that the gateway knows, immutable, swapped as a whole.
//!
//! A [`SnapshotWriter`] builds the next snapshot from the present one and a batch of updates, and publishes it with one
//! atomic store. A [`SnapshotReader`] sees either the one or the other, never a mixture, and takes no lock.
//!
//! ```text
//!   key's hash ─► index ─► app ─┬─► credential          what there are millions of stands in shards of compact rows,
//!                               ├─► request ◄─ version  which snapshots share; a batch copies those that it changes
//!                               └─► developer
//! ```

mod apps;
mod batch;
mod channel;
mod developers;
mod index;
mod loader;
mod shards;
mod strategies;

use std::{collections::BTreeSet, sync::Arc};

use archery::ArcTK;
use domain::{
    Timestamp,
    access::{self, Denial, Facts},
    api_key::ApiKeyHash,
    id::{AppId, CredentialId, VersionId},
    version::VersionLifecycle,
};
use rpds::HashTrieMap;

pub use self::channel::{NotLoaded, SnapshotReader, SnapshotWriter, channel};
use self::{apps::Apps, batch::Batch, developers::Developers, index::Index};
pub(crate) use self::{
    apps::{App, AppState, Credential},
    loader::{Loader, ToldTwice},
    strategies::Strategies,
};
use crate::{
    record::{Update, VersionRecord},
    route_table::RouteTable,
    strategy::Strategy,
};

/// For what there are some hundreds of, made by admins.
type Map<K, V> = HashTrieMap<K, V, ArcTK, foldhash::fast::RandomState>;

/// How many updates are gathered before they are written into the shards that they change: enough for a full load to
/// write each shard a few times only, few enough to cost little memory.
const BATCH: usize = 1 << 16;

/// All that the gateway knows at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    versions: Map<VersionId, Arc<VersionRecord>>,
    strategies: Strategies,
    developers: Developers,
    apps: Apps,
    by_key: Index,
    by_credential: Index,
    routes: RouteTable,
}

/// One "may call": by this credential of this app, to this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// The app.
    pub app_id: AppId,
    /// The credential.
    pub credential_id: CredentialId,
    /// The version that it opens.
    pub version_id: VersionId,
}

/// Why a credential does not open a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// App, developer or version is not there.
    Unknown,
    /// The decision was no.
    Denied(Denial),
}

impl Snapshot {
    /// A snapshot of nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            versions: Map::new_with_hasher_and_ptr_kind(foldhash::fast::RandomState::default()),
            strategies: Strategies::none(),
            developers: Developers::default(),
            apps: Apps::default(),
            by_key: Index::default(),
            by_credential: Index::default(),
            routes: RouteTable::default(),
        }
    }

    /// The snapshot that these updates make of an empty one. It is packed more tightly than one that is gathered piece by
    /// piece.
    #[must_use]
    pub fn of(updates: impl IntoIterator<Item = Update>) -> Self {
        loader::snapshot_of(updates.into_iter().collect())
    }

    /// The routes of all versions.
    #[must_use]
    pub const fn routes(&self) -> &RouteTable {
        &self.routes
    }

    pub(crate) fn version(&self, id: VersionId) -> Option<&Arc<VersionRecord>> {
        self.versions.get(&id)
    }

    /// The present strategy of a version.
    pub(crate) fn strategy_of(&self, version: &VersionRecord) -> Option<&Arc<Strategy>> {
        self.strategies.get(version.strategy?)
    }

    pub(crate) fn credential_of_key(&self, hash: &ApiKeyHash) -> Option<Credential<'_>> {
        self.by_key
            .owners(shards::place_of_key(hash))
            .flat_map(|owner| self.apps.at(owner))
            .find_map(|app| app.credential_of_key(hash))
    }

    /// The credential with this key, if it is still the app's.
    pub(crate) fn credential_of_app(&self, app: AppId, hash: &ApiKeyHash) -> Option<Credential<'_>> {
        self.apps.get(app)?.credential_of_key(hash)
    }

    /// All strategies.
    pub(crate) const fn strategies(&self) -> &Strategies {
        &self.strategies
    }

    /// Takes over what an earlier snapshot knew of the key headers of strategies that cannot be read now.
    pub(crate) fn remember_key_headers(&mut self, earlier: &Strategies) {
        self.strategies.remember(earlier);
    }

    /// Whether a header, its name folded, holds keys of some strategy by its name.
    pub(crate) fn is_key_header(&self, folded_name: &str) -> bool {
        self.strategies.is_key_header(folded_name)
    }

    /// Whether [`Snapshot::is_key_header`] knows all such headers: not while a strategy cannot be read.
    pub(crate) fn knows_all_key_headers(&self) -> bool {
        self.strategies.are_all_readable()
    }

    /// Asks [`access::decide`]; when the credential opens the version, tells until when.
    pub(crate) fn decide(
        &self,
        credential: Credential<'_>,
        version: &VersionRecord,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Closed> {
        let app = credential.app();
        let (developer_id, app_status) = app.facts().ok_or(Closed::Unknown)?;
        let developer = self.developers.status(developer_id).ok_or(Closed::Unknown)?;
        let strategy = self.strategy_of(version).map(|strategy| strategy.facts());
        let facts = Facts {
            lifecycle: version.lifecycle,
            strategy,
            credential: credential.facts(),
            app: app_status,
            developer,
            request: app.request(version.id),
        };
        access::decide(&facts, now).map_err(Closed::Denied)?;
        Ok(strategy.and_then(|strategy| access::ends_at(&facts.credential, &strategy)))
    }

    /// Whether a key opens a version at `now`, whatever header it came in: to measure and to compare. Calls are let
    /// through by permits alone.
    #[must_use]
    pub fn opens(&self, hash: &ApiKeyHash, version: VersionId, now: Timestamp) -> bool {
        let Some((credential, version)) = self.credential_of_key(hash).zip(self.version(version)) else {
            return false;
        };
        self.decide(credential, version, now).is_ok()
    }

    /// Who may call what at `now`, in a fixed order: to compare a gateway with the database. Walks everything.
    #[must_use]
    pub fn grants(&self, now: Timestamp) -> BTreeSet<Grant> {
        self.apps
            .iter()
            .flat_map(|app| app.requests().map(move |request| (app, request.version_id)))
            .filter_map(|(app, version_id)| Some((app, self.versions.get(&version_id)?)))
            .flat_map(|(app, version)| app.credentials().map(move |credential| (credential, version)))
            .filter(|(credential, version)| self.decide(*credential, version, now).is_ok())
            .map(|(credential, version)| Grant {
                app_id: credential.app().id(),
                credential_id: credential.id(),
                version_id: version.id,
            })
            .collect()
    }

    /// Everything, as updates that make the same snapshot of an empty one. What belongs to an app follows the app, so
    /// that a snapshot that is gathered from pieces of this list is written shard by shard.
    pub fn updates(&self) -> impl Iterator<Item = Update> + '_ {
        let apps = self.apps().flat_map(|app| {
            let requests = app.requests().map(Update::from);
            let credentials = app.credentials().map(|credential| Update::from(credential.record()));
            app.record()
                .map(Update::from)
                .into_iter()
                .chain(requests)
                .chain(credentials)
        });
        self.updates_without_apps().chain(apps)
    }

    /// All but what stands under an app's id.
    pub(crate) fn updates_without_apps(&self) -> impl Iterator<Item = Update> + '_ {
        let strategies = self.strategies.updates();
        let versions = self
            .versions
            .values()
            .map(|version| VersionRecord::clone(version).into());
        let developers = self.developers.records().map(Update::from);
        strategies.chain(versions).chain(developers)
    }

    pub(crate) fn apps(&self) -> impl Iterator<Item = App<'_>> + '_ {
        self.apps.iter()
    }

    fn set_version(&mut self, id: VersionId, record: Option<VersionRecord>) {
        if let Some(service) = self.versions.get(&id).and_then(|old| old.service.as_ref()) {
            self.routes.remove(id, &service.routes);
        }
        let Some(record) = record else {
            self.versions.remove_mut(&id);
            return;
        };
        if let Some(service) = &record.service {
            match record.lifecycle {
                VersionLifecycle::Draft => {}
                VersionLifecycle::Active | VersionLifecycle::Deprecated => {
                    self.routes.insert(id, true, &service.routes);
                }
                VersionLifecycle::Retired => self.routes.insert(id, false, &service.routes),
            }
        }
        self.versions.insert_mut(id, Arc::new(record));
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self::empty()
    }
}

/// Applies updates to a snapshot that is not published yet, such as one that arrives piece by piece; publish it with
/// [`SnapshotWriter::restore`].
impl Extend<Update> for Snapshot {
    fn extend<T: IntoIterator<Item = Update>>(&mut self, updates: T) {
        let mut updates = updates.into_iter().peekable();
        while updates.peek().is_some() {
            let mut batch = Batch::of(self);
            for update in updates.by_ref().take(BATCH) {
                batch.apply(update);
            }
            batch.close();
        }
    }
}

#[cfg(test)]
mod tests;
