//! The snapshot: all that the gateway knows, immutable, swapped as a whole.
//!
//! A [`SnapshotWriter`] builds the next snapshot from the present one and a batch of updates, and publishes it with one
//! atomic store. A [`SnapshotReader`] sees either the one or the other, never a mixture, and takes no lock.

use std::{collections::BTreeSet, sync::Arc};

use arc_swap::ArcSwapOption;
use domain::{
    Timestamp,
    access::{self, Denial, Facts},
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    developer::DeveloperStatus,
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
    version::VersionLifecycle,
};
use rpds::HashTrieMapSync;
use tokio::sync::watch;

use crate::{
    clock::Clock,
    consumer::Consumer,
    record::{
        AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord, Update, VersionRecord,
    },
    route_table::RouteTable,
    strategy::Strategy,
};

type Map<K, V> = HashTrieMapSync<K, V>;

/// An app with what upstreams learn of it.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) record: AppRecord,
    pub(crate) consumer: Consumer,
}

/// All that the gateway knows at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    versions: Map<VersionId, Arc<VersionRecord>>,
    strategies: Map<AuthStrategyId, Arc<Strategy>>,
    developers: Map<DeveloperId, DeveloperStatus>,
    apps: Map<AppId, Arc<App>>,
    credentials: Map<CredentialId, Arc<CredentialRecord>>,
    keys: Map<ApiKeyHash, CredentialId>,
    /// No entry is empty.
    requests: Map<AppId, Map<VersionId, AccessRequestStatus>>,
    routes: RouteTable,
    /// The key headers of every strategy, in the form of [`crate::header_name::folded`].
    key_headers: Arc<BTreeSet<String>>,
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
    /// Credential, app, developer or version is not there.
    Unknown,
    /// The decision was no.
    Denied(Denial),
}

impl Snapshot {
    /// A snapshot of nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            versions: Map::new_sync(),
            strategies: Map::new_sync(),
            developers: Map::new_sync(),
            apps: Map::new_sync(),
            credentials: Map::new_sync(),
            keys: Map::new_sync(),
            requests: Map::new_sync(),
            routes: RouteTable::default(),
            key_headers: Arc::default(),
        }
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
        self.strategies.get(&version.strategy?)
    }

    pub(crate) fn app(&self, id: AppId) -> Option<&Arc<App>> {
        self.apps.get(&id)
    }

    pub(crate) fn credential_of_key(&self, hash: &ApiKeyHash) -> Option<&Arc<CredentialRecord>> {
        self.credentials.get(self.keys.get(hash)?)
    }

    pub(crate) fn credential(&self, id: CredentialId) -> Option<&Arc<CredentialRecord>> {
        self.credentials.get(&id)
    }

    /// Whether a header, its name folded, may hold a key of some strategy.
    pub(crate) fn is_key_header(&self, folded_name: &str) -> bool {
        self.key_headers.contains(folded_name)
    }

    /// Asks [`access::decide`]; when the credential opens the version, tells until when.
    pub(crate) fn decide(
        &self,
        credential: &CredentialRecord,
        version: &VersionRecord,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Closed> {
        let app = self.apps.get(&credential.app_id).ok_or(Closed::Unknown)?;
        let developer = self.developers.get(&app.record.developer_id).ok_or(Closed::Unknown)?;
        let strategy = self.strategy_of(version).map(|strategy| strategy.facts());
        let facts = Facts {
            lifecycle: version.lifecycle,
            strategy,
            credential: access::CredentialFacts {
                kind: credential.kind,
                created_at: credential.created_at,
                expires_at: credential.expires_at,
                revoked_at: credential.revoked_at,
            },
            app: app.record.status,
            developer: *developer,
            request: self
                .requests
                .get(&credential.app_id)
                .and_then(|by_version| by_version.get(&version.id))
                .copied(),
        };
        access::decide(&facts, now).map_err(Closed::Denied)?;
        Ok(strategy.and_then(|strategy| access::ends_at(&facts.credential, &strategy)))
    }

    /// Who may call what at `now`, in a fixed order: to compare a gateway with the database. Walks everything.
    #[must_use]
    pub fn grants(&self, now: Timestamp) -> BTreeSet<Grant> {
        self.credentials
            .values()
            .flat_map(|credential| {
                let versions = self.requests.get(&credential.app_id).into_iter();
                versions
                    .flat_map(|by_version| by_version.keys())
                    .map(move |version| (credential, version))
            })
            .filter(|(credential, version)| {
                self.versions
                    .get(version)
                    .is_some_and(|version| self.decide(credential, version, now).is_ok())
            })
            .map(|(credential, version)| Grant {
                app_id: credential.app_id,
                credential_id: credential.id,
                version_id: *version,
            })
            .collect()
    }

    /// Everything, as updates that make the same snapshot of an empty one.
    pub fn updates(&self) -> impl Iterator<Item = Update> + '_ {
        let strategies = self
            .strategies
            .values()
            .map(|strategy| strategy.record().clone().into());
        let versions = self
            .versions
            .values()
            .map(|version| VersionRecord::clone(version).into());
        let developers = self.developers.iter().map(|(id, status)| {
            DeveloperRecord {
                id: *id,
                status: *status,
            }
            .into()
        });
        let apps = self.apps.values().map(|app| app.record.clone().into());
        let requests = self.requests.iter().flat_map(|(app_id, by_version)| {
            by_version.iter().map(|(version_id, status)| {
                AccessRequestRecord {
                    app_id: *app_id,
                    version_id: *version_id,
                    status: *status,
                }
                .into()
            })
        });
        let credentials = self
            .credentials
            .values()
            .map(|credential| CredentialRecord::clone(credential).into());
        strategies
            .chain(versions)
            .chain(developers)
            .chain(apps)
            .chain(requests)
            .chain(credentials)
    }

    fn apply(&mut self, update: Update) {
        match update {
            Update::Version(id, record) => self.set_version(id, record),
            Update::AuthStrategy(id, record) => self.set_strategy(id, record),
            Update::Developer(id, Some(record)) => self.developers.insert_mut(id, record.status),
            Update::Developer(id, None) => {
                self.developers.remove_mut(&id);
            }
            Update::App(id, Some(record)) => {
                let consumer = Consumer::of(&record);
                self.apps.insert_mut(id, Arc::new(App { record, consumer }));
            }
            Update::App(id, None) => {
                self.apps.remove_mut(&id);
                self.requests.remove_mut(&id);
            }
            Update::Credential(id, record) => self.set_credential(id, record),
            Update::AccessRequest(app, version, Some(record)) => {
                let mut by_version = self.requests.get(&app).cloned().unwrap_or_else(Map::new_sync);
                by_version.insert_mut(version, record.status);
                self.requests.insert_mut(app, by_version);
            }
            Update::AccessRequest(app, version, None) => self.remove_request(app, version),
        }
    }

    fn remove_request(&mut self, app: AppId, version: VersionId) {
        let Some(mut by_version) = self.requests.get(&app).cloned() else {
            return;
        };
        by_version.remove_mut(&version);
        if by_version.is_empty() {
            self.requests.remove_mut(&app);
        } else {
            self.requests.insert_mut(app, by_version);
        }
    }

    fn set_version(&mut self, id: VersionId, record: Option<VersionRecord>) {
        if let Some(service) = self.versions.get(&id).and_then(|old| old.service.as_ref()) {
            self.routes.remove(id, &service.routes);
        }
        let Some(record) = record else {
            self.versions.remove_mut(&id);
            let requests = self.requests.iter();
            let asked = requests.filter(|(_, by_version)| by_version.contains_key(&id));
            let apps: Vec<AppId> = asked.map(|(app, _)| *app).collect();
            for app in apps {
                self.remove_request(app, id);
            }
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

    fn set_strategy(&mut self, id: AuthStrategyId, record: Option<AuthStrategyRecord>) {
        match record {
            Some(record) => self.strategies.insert_mut(id, Arc::new(Strategy::of(record))),
            None => {
                self.strategies.remove_mut(&id);
            }
        }
        let names = self
            .strategies
            .values()
            .flat_map(|strategy| strategy.folded_key_names());
        self.key_headers = Arc::new(names.collect());
    }

    fn set_credential(&mut self, id: CredentialId, record: Option<CredentialRecord>) {
        if let Some(hash) = self.credentials.get(&id).and_then(|old| old.key_hash) {
            self.keys.remove_mut(&hash);
        }
        match record {
            Some(record) => {
                if let Some(hash) = record.key_hash {
                    self.keys.insert_mut(hash, id);
                }
                self.credentials.insert_mut(id, Arc::new(record));
            }
            None => {
                self.credentials.remove_mut(&id);
            }
        }
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
        for update in updates {
            self.apply(update);
        }
    }
}

/// An update came before the first full load. Nothing was published: without the rest, it would be half the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot was never loaded; load all of it first")]
pub struct NotLoaded;

/// The sending end: whoever holds it decides what the gateway knows. There is one for each gateway.
#[derive(Debug)]
pub struct SnapshotWriter {
    present: Arc<ArcSwapOption<Snapshot>>,
    changed: watch::Sender<u64>,
    clock: Clock,
}

/// The receiving end.
#[derive(Clone, Debug)]
pub struct SnapshotReader {
    present: Arc<ArcSwapOption<Snapshot>>,
    changed: watch::Receiver<u64>,
    clock: Clock,
}

/// Both ends, with nothing published: until the first [`SnapshotWriter::replace`] every call is answered 503.
#[must_use]
pub fn channel() -> (SnapshotWriter, SnapshotReader) {
    let present = Arc::new(ArcSwapOption::empty());
    let (sender, receiver) = watch::channel(0);
    let writer = SnapshotWriter {
        present: Arc::clone(&present),
        changed: sender,
        clock: Clock::system(),
    };
    let reader = SnapshotReader {
        present,
        changed: receiver,
        clock: writer.clock.clone(),
    };
    (writer, reader)
}

impl SnapshotWriter {
    /// Publishes a snapshot made of these updates alone: the first load, and every later one that starts afresh.
    pub fn replace(&mut self, updates: impl IntoIterator<Item = Update>) {
        let mut next = Snapshot::empty();
        next.extend(updates);
        self.restore(next);
    }

    /// Publishes a snapshot as it is: one that was read from a copy, or that was gathered piece by piece.
    pub fn restore(&mut self, snapshot: impl Into<Arc<Snapshot>>) {
        self.present.store(Some(snapshot.into()));
        self.changed.send_modify(|count| *count += 1);
    }

    /// Publishes the present snapshot with these changes, all of them at once. When this returns, every call that
    /// begins sees them.
    ///
    /// # Errors
    /// [`NotLoaded`] before the first [`SnapshotWriter::replace`].
    pub fn apply(&mut self, updates: impl IntoIterator<Item = Update>) -> Result<(), NotLoaded> {
        let present = self.present.load_full().ok_or(NotLoaded)?;
        let mut next = Snapshot::clone(&present);
        next.extend(updates);
        self.restore(next);
        Ok(())
    }

    /// Takes the snapshot away, when it can no longer be trusted: every call is answered 503 until the next
    /// [`SnapshotWriter::replace`], and streams end.
    pub fn withdraw(&mut self) {
        self.present.store(None);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Another receiving end.
    #[must_use]
    pub fn reader(&self) -> SnapshotReader {
        SnapshotReader {
            present: Arc::clone(&self.present),
            changed: self.changed.subscribe(),
            clock: self.clock.clone(),
        }
    }

    /// The clock by which the snapshot is enforced.
    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl SnapshotReader {
    /// The present snapshot; `None` when there is none: answer 503.
    #[must_use]
    pub fn load(&self) -> Option<Arc<Snapshot>> {
        self.present.load_full()
    }

    /// The time by which the snapshot is enforced: ask it for every decision, never the system's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Counts the snapshots that were published; it changes after [`SnapshotReader::load`] shows the new one.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
