//! A batch of updates on its way into a snapshot: what it changes is opened once, and closed at the end.

use std::collections::{BTreeMap, btree_map::Entry};

use domain::{
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    id::{AppId, CredentialId, VersionId},
};

use super::{
    Snapshot,
    apps::{App, AppState, owner_at, place_of, places_of},
    index::{OpenIndex, Owner},
    shards::{place_of_id, place_of_key},
};
use crate::record::{CredentialRecord, Unreadable, Update};

/// Changes to a snapshot. They are in it when the batch is closed.
pub(super) struct Batch<'a> {
    snapshot: &'a mut Snapshot,
    /// What stands under the ids of the apps that are changed, by place and id.
    open: BTreeMap<(u64, AppId), AppState>,
    by_key: OpenIndex,
    by_credential: OpenIndex,
}

/// An app as the batch has made it, or as the snapshot has it.
enum Found<'a> {
    Open(&'a AppState),
    Closed(App<'a>),
}

impl Found<'_> {
    fn find(&self, wanted: &impl Fn(&CredentialRecord) -> bool) -> Option<CredentialRecord> {
        match self {
            Self::Open(state) => state.credentials.iter().find(|one| wanted(one)).cloned(),
            Self::Closed(app) => app.credentials().map(|one| one.record()).find(wanted),
        }
    }
}

impl<'a> Batch<'a> {
    pub(super) fn of(snapshot: &'a mut Snapshot) -> Self {
        let by_key = OpenIndex::of(snapshot.by_key.clone());
        let by_credential = OpenIndex::of(snapshot.by_credential.clone());
        Self {
            snapshot,
            open: BTreeMap::new(),
            by_key,
            by_credential,
        }
    }

    pub(super) fn apply(&mut self, update: Update) {
        match update {
            Update::Version(id, record) => {
                if record.is_none() {
                    self.remove_requests_for(id);
                }
                self.snapshot.set_version(id, record);
            }
            Update::AuthStrategy(id, record) => self.snapshot.strategies.set(id, record),
            Update::Unreadable(Unreadable::AuthStrategy { id, key_names }) => {
                self.snapshot.strategies.set_unreadable(id, &key_names);
            }
            Update::Developer(id, record) => self.snapshot.developers.set(id, record),
            Update::App(id, None) => self.remove_app(id),
            Update::App(id, record) => self.state(id).app = record,
            Update::Unreadable(Unreadable::App(id)) => self.state(id).app = None,
            Update::Credential(id, record) => self.set_credential(id, record),
            Update::AccessRequest(app, version, record) => {
                self.set_request(app, version, record.map(|record| record.status));
            }
        }
    }

    /// Writes the changes into the snapshot.
    pub(super) fn close(mut self) {
        self.close_apps();
        self.snapshot.by_key = self.by_key.close();
        self.snapshot.by_credential = self.by_credential.close();
    }

    fn close_apps(&mut self) {
        self.snapshot.apps.change(std::mem::take(&mut self.open));
    }

    fn state(&mut self, id: AppId) -> &mut AppState {
        match self.open.entry((place_of(id), id)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let state = self.snapshot.apps.get(id).map(App::state);
                entry.insert(state.unwrap_or_default())
            }
        }
    }

    fn remove_app(&mut self, id: AppId) {
        let owner = owner_at(place_of(id));
        let state = std::mem::take(self.state(id));
        for credential in &state.credentials {
            self.remove_from_indexes(credential, owner);
        }
    }

    fn set_request(&mut self, app: AppId, version: VersionId, status: Option<AccessRequestStatus>) {
        let requests = &mut self.state(app).requests;
        requests.retain(|(other, _)| *other != version);
        requests.extend(status.map(|status| (version, status)));
    }

    /// Looks at every app: versions are seldom deleted.
    fn remove_requests_for(&mut self, version: VersionId) {
        self.close_apps();
        let apps: Vec<AppId> = self
            .snapshot
            .apps
            .iter()
            .filter(|app| app.request(version).is_some())
            .map(App::id)
            .collect();
        for app in apps {
            self.set_request(app, version, None);
        }
    }

    fn set_credential(&mut self, id: CredentialId, record: Option<CredentialRecord>) {
        if let Some(old) = self.credential(id) {
            self.remove_credential(&old);
        }
        let Some(record) = record else {
            return;
        };
        // A key is one credential's: the last one that is told.
        if let Some(other) = record.key_hash.and_then(|hash| self.credential_of_key(&hash)) {
            self.remove_credential(&other);
        }
        let owner = owner_at(place_of(record.app_id));
        self.by_credential.insert(place_of_id(id.uuid()), owner);
        if let Some(hash) = record.key_hash {
            self.by_key.insert(place_of_key(&hash), owner);
        }
        self.state(record.app_id).credentials.push(record);
    }

    fn remove_credential(&mut self, credential: &CredentialRecord) {
        self.remove_from_indexes(credential, owner_at(place_of(credential.app_id)));
        let credentials = &mut self.state(credential.app_id).credentials;
        credentials.retain(|other| other.id != credential.id);
    }

    fn remove_from_indexes(&mut self, credential: &CredentialRecord, owner: Owner) {
        self.by_credential.remove(place_of_id(credential.id.uuid()), owner);
        if let Some(hash) = credential.key_hash {
            self.by_key.remove(place_of_key(&hash), owner);
        }
    }

    fn credential(&self, id: CredentialId) -> Option<CredentialRecord> {
        let owners = self.by_credential.owners(place_of_id(id.uuid()));
        self.find(owners, &|credential| credential.id == id)
    }

    fn credential_of_key(&self, hash: &ApiKeyHash) -> Option<CredentialRecord> {
        let owners = self.by_key.owners(place_of_key(hash));
        self.find(owners, &|credential| credential.key_hash == Some(*hash))
    }

    fn find(
        &self,
        mut owners: impl Iterator<Item = Owner>,
        wanted: &impl Fn(&CredentialRecord) -> bool,
    ) -> Option<CredentialRecord> {
        owners.find_map(|owner| self.apps_at(owner).find_map(|app| app.find(wanted)))
    }

    /// The apps whose place begins like this; of an open one, what the batch has made of it.
    fn apps_at(&self, owner: Owner) -> impl Iterator<Item = Found<'_>> {
        let places = places_of(owner);
        let nil = AppId::from_uuid(uuid::Uuid::nil());
        let max = AppId::from_uuid(uuid::Uuid::max());
        let open = self
            .open
            .range((*places.start(), nil)..=(*places.end(), max))
            .map(|(_, state)| Found::Open(state));
        let closed = self.snapshot.apps.at(owner);
        let closed = closed.filter(|app| !self.open.contains_key(&(place_of(app.id()), app.id())));
        open.chain(closed.map(Found::Closed))
    }
}
