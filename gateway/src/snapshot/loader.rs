//! A whole snapshot at once: each object is told once, what is an app's together with it.
//!
//! Nothing has to be looked up or changed then, and every list gets its final size at once, so that no holes are left
//! between them in memory.

use std::collections::{BTreeMap, HashSet};

use domain::id::AppId;

use super::{
    Snapshot,
    apps::{App, AppState, place_of},
    batch::Batch,
    index::NewIndex,
    shards::{place_of_id, place_of_key, shard_at},
};
use crate::record::{Unreadable, Update};

/// An app, a request, a credential or a key was told twice: which of the two counts depends on their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ToldTwice;

/// A snapshot in the making.
#[derive(Debug, Default)]
pub(crate) struct Loader {
    snapshot: Snapshot,
    /// The apps of one shard, which is written when they are all there.
    shard: BTreeMap<(u64, AppId), AppState>,
}

impl Loader {
    /// Takes an object that is not an app's.
    pub(crate) fn apply(&mut self, update: Update) {
        let mut batch = Batch::of(&mut self.snapshot);
        batch.apply(update);
        batch.close();
    }

    /// Takes an app. Those of a shard come one after the other, as [`Snapshot::apps`] lists them; another order is slow.
    pub(crate) fn app(&mut self, id: AppId, mut state: AppState) -> Result<(), ToldTwice> {
        let place = place_of(id);
        let open = self.shard.keys().next().map(|(place, _)| shard_at(*place));
        if open.is_some_and(|open| open != shard_at(place)) {
            self.close_shard();
        }
        state.requests.sort_unstable_by_key(|(version, _)| *version);
        let same_request = state.requests.windows(2).any(|pair| pair[0].0 == pair[1].0);
        let same_app = self.snapshot.apps.get(id).is_some() || self.shard.insert((place, id), state).is_some();
        if same_app || same_request {
            Err(ToldTwice)
        } else {
            Ok(())
        }
    }

    fn close_shard(&mut self) {
        self.snapshot.apps.change(std::mem::take(&mut self.shard));
    }

    /// All that was told.
    pub(crate) fn finish(mut self) -> Result<Snapshot, ToldTwice> {
        self.close_shard();
        let mut snapshot = self.snapshot;
        let (mut by_key, mut by_credential) = (NewIndex::default(), NewIndex::default());
        for part in 0..NewIndex::PARTS {
            for credential in snapshot.apps().flat_map(App::credentials) {
                let owner = credential.app().owner();
                let place = place_of_id(credential.id().uuid());
                if NewIndex::part_of(place) == part {
                    by_credential.insert(place, owner);
                }
                let place = credential.key_hash().map(|hash| place_of_key(&hash));
                if let Some(place) = place.filter(|place| NewIndex::part_of(*place) == part) {
                    by_key.insert(place, owner);
                }
            }
            by_key.close_part();
            by_credential.close_part();
        }
        let (by_key, mut similar) = by_key.finish();
        let (by_credential, similar_ids) = by_credential.finish();
        snapshot.by_key = by_key;
        snapshot.by_credential = by_credential;
        similar.extend(similar_ids);
        let (mut keys, mut ids) = (HashSet::new(), HashSet::new());
        let all_differ = similar
            .into_iter()
            .flat_map(|owner| snapshot.apps.at(owner))
            .flat_map(App::credentials)
            .all(|credential| ids.insert(credential.id()) && credential.key_hash().is_none_or(|key| keys.insert(key)));
        if all_differ { Ok(snapshot) } else { Err(ToldTwice) }
    }
}

/// The snapshot that these updates make of an empty one.
pub(super) fn snapshot_of(updates: Vec<Update>) -> Snapshot {
    load(&updates).unwrap_or_else(|ToldTwice| {
        let mut snapshot = Snapshot::empty();
        snapshot.extend(updates);
        snapshot
    })
}

/// The same for updates whose order does not matter.
fn load(updates: &[Update]) -> Result<Snapshot, ToldTwice> {
    let mut loader = Loader::default();
    // Place of the app, and which update.
    let mut of_apps: Vec<(u64, usize)> = Vec::new();
    let mut others = HashSet::new();
    for (number, update) in updates.iter().enumerate() {
        let (app, other) = match update {
            Update::App(id, Some(_))
            | Update::AccessRequest(id, _, Some(_))
            | Update::Unreadable(Unreadable::App(id)) => (Some(*id), None),
            Update::Credential(_, Some(credential)) => (Some(credential.app_id), None),
            Update::Version(id, Some(_)) => (None, Some(id.uuid())),
            Update::AuthStrategy(id, Some(_)) | Update::Unreadable(Unreadable::AuthStrategy { id, .. }) => {
                (None, Some(id.uuid()))
            }
            Update::Developer(id, Some(_)) => (None, Some(id.uuid())),
            // What is removed is told twice, too.
            Update::App(..)
            | Update::AccessRequest(..)
            | Update::Credential(..)
            | Update::Version(..)
            | Update::AuthStrategy(..)
            | Update::Developer(..) => return Err(ToldTwice),
        };
        if let Some(app) = app {
            of_apps.push((place_of(app), number));
        }
        if let Some(id) = other {
            // Two kinds may share an id: then the slow way is taken in vain.
            if !others.insert(id) {
                return Err(ToldTwice);
            }
            loader.apply(update.clone());
        }
    }
    of_apps.sort_unstable();
    for run in of_apps.chunk_by(|one, other| one.0 == other.0) {
        let mut states: BTreeMap<AppId, AppState> = BTreeMap::new();
        for (_, number) in run {
            match &updates[*number] {
                Update::App(id, app) => {
                    let state = states.entry(*id).or_default();
                    if state.app.is_some() {
                        return Err(ToldTwice);
                    }
                    state.app.clone_from(app);
                }
                Update::Unreadable(Unreadable::App(id)) => {
                    if states.entry(*id).or_default().app.is_some() {
                        return Err(ToldTwice);
                    }
                }
                Update::Credential(_, Some(credential)) => {
                    let state = states.entry(credential.app_id).or_default();
                    state.credentials.push(credential.clone());
                }
                Update::AccessRequest(app, version, Some(request)) => {
                    let state = states.entry(*app).or_default();
                    state.requests.push((*version, request.status));
                }
                Update::AccessRequest(..)
                | Update::Credential(..)
                | Update::Version(..)
                | Update::AuthStrategy(..)
                | Update::Developer(..)
                | Update::Unreadable(Unreadable::AuthStrategy { .. }) => {}
            }
        }
        for (id, state) in states {
            loader.app(id, state)?;
        }
    }
    loader.finish()
}
