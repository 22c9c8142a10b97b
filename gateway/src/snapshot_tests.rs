use std::collections::BTreeMap;

use domain::{
    access_request::AccessRequestStatus,
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    developer::DeveloperStatus,
    gateway_service::{CanonicalHost, CanonicalPath, GatewayService, RouteInput},
    id::DeveloperId,
};
use proptest::prelude::*;

use super::*;
use crate::{
    record::{AccessRequestRecord, AppRecord, CredentialRecord, DeveloperRecord},
    route_table::Found,
    test_updates::{ObjectKey, by_object, object_key, update},
};

/// Two of each kind of object, whose states the tests choose.
struct World {
    versions: [VersionId; 2],
    strategies: [AuthStrategyId; 2],
    developers: [DeveloperId; 2],
    apps: [AppId; 2],
    credentials: [CredentialId; 2],
}

impl World {
    fn new() -> Self {
        Self {
            versions: [VersionId::new(), VersionId::new()],
            strategies: [AuthStrategyId::new(), AuthStrategyId::new()],
            developers: [DeveloperId::new(), DeveloperId::new()],
            apps: [AppId::new(), AppId::new()],
            credentials: [CredentialId::new(), CredentialId::new()],
        }
    }

    /// What object `which` of kind `kind` is in state `state`; state 0: gone, 1: all that lets calls pass.
    fn update(&self, kind: usize, which: usize, state: usize) -> Update {
        let is_there = state > 0;
        match kind {
            0 => Update::Version(self.versions[which], is_there.then(|| self.version(which, state))),
            1 => Update::AuthStrategy(self.strategies[which], is_there.then(|| self.strategy(which, state))),
            2 => Update::Developer(
                self.developers[which],
                is_there.then(|| DeveloperRecord {
                    id: self.developers[which],
                    status: if state == 1 {
                        DeveloperStatus::Approved
                    } else {
                        DeveloperStatus::Revoked
                    },
                }),
            ),
            3 => Update::App(
                self.apps[which],
                is_there.then(|| AppRecord {
                    id: self.apps[which],
                    developer_id: self.developers[which],
                    status: if state == 1 {
                        AppStatus::Active
                    } else {
                        AppStatus::Suspended
                    },
                    name: "app".to_owned(),
                    reference_id: "app".to_owned(),
                }),
            ),
            4 => Update::Credential(
                self.credentials[which],
                is_there.then(|| CredentialRecord {
                    id: self.credentials[which],
                    app_id: self.apps[which],
                    kind: CredentialKind::ApiKey,
                    key_hash: Some(ApiKeyHash::from_bytes([u8::try_from(which * 4 + state).unwrap(); 32])),
                    created_at: Timestamp::from_millis(0),
                    expires_at: None,
                    revoked_at: (state == 2).then_some(Timestamp::from_millis(1)),
                }),
            ),
            _ => {
                // The app asks for both versions, by turns.
                let (app, version) = (self.apps[which], self.versions[state % 2]);
                let status = match state {
                    1 | 2 => AccessRequestStatus::Approved,
                    _ => AccessRequestStatus::Pending,
                };
                let record = AccessRequestRecord {
                    app_id: app,
                    version_id: version,
                    status,
                };
                Update::AccessRequest(app, version, is_there.then_some(record))
            }
        }
    }

    fn version(&self, which: usize, state: usize) -> VersionRecord {
        let path = format!("/{which}{state}");
        let input = RouteInput {
            hosts: vec![],
            paths: vec![path],
            methods: vec![],
            strip_path: true,
        };
        VersionRecord {
            id: self.versions[which],
            lifecycle: match state {
                1 => VersionLifecycle::Active,
                2 => VersionLifecycle::Retired,
                _ => VersionLifecycle::Draft,
            },
            strategy: Some(self.strategies[which]),
            service: GatewayService::validate("http://localhost", &[input]).ok(),
        }
    }

    fn strategy(&self, which: usize, state: usize) -> AuthStrategyRecord {
        AuthStrategyRecord {
            id: self.strategies[which],
            kind: AuthStrategyType::KeyAuth,
            key_names: vec![format!("key-{which}_{state}")],
            credential_ttl_days: None,
        }
    }

    fn everything(&self) -> Vec<Update> {
        let mut updates: Vec<Update> = (0..6)
            .flat_map(|kind| (0..2).map(move |which| (kind, which)))
            .map(|(kind, which)| self.update(kind, which, 1))
            .collect();
        updates.extend((0..2).map(|which| self.update(5, which, 2)));
        updates
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn grants(reader: &SnapshotReader) -> BTreeSet<Grant> {
    reader.load().unwrap().grants(NOW)
}

#[test]
fn nothing_is_known_before_the_first_load() {
    let (mut writer, reader) = channel();
    assert!(reader.load().is_none());
    let world = World::new();
    assert_eq!(writer.apply([world.update(2, 0, 1)]), Err(NotLoaded));
    assert!(reader.load().is_none());
    writer.replace([]);
    assert_eq!(grants(&reader), BTreeSet::new());
    writer.withdraw();
    assert!(reader.load().is_none());
    assert_eq!(writer.apply([]), Err(NotLoaded));
}

#[test]
fn grants_are_all_pairs_that_may_call() {
    let (mut writer, reader) = channel();
    let world = World::new();
    writer.replace(world.everything());
    let expected: BTreeSet<Grant> = (0..2)
        .flat_map(|app| (0..2).map(move |version| (app, version)))
        .map(|(app, version)| Grant {
            app_id: world.apps[app],
            credential_id: world.credentials[app],
            version_id: world.versions[version],
        })
        .collect();
    assert_eq!(grants(&reader), expected);
}

#[test]
fn undo_any_condition_and_the_grants_end_redo_it_and_they_are_back() {
    let (mut writer, reader) = channel();
    let world = World::new();
    writer.replace(world.everything());
    let all = grants(&reader);
    for kind in 0..5 {
        for state in [0, 2] {
            // Another state of a strategy is another key name: it is the permit's to look at.
            if (kind, state) == (1, 2) {
                continue;
            }
            writer.apply([world.update(kind, 0, state)]).unwrap();
            assert!(grants(&reader).len() < all.len(), "{kind} {state}");
            // What is gone has taken along what belongs to it.
            writer.apply(world.everything()).unwrap();
            assert_eq!(grants(&reader), all, "{kind} {state}");
        }
    }
}

#[test]
fn what_is_an_apps_goes_with_it_and_requests_go_with_their_version() {
    let (mut writer, reader) = channel();
    let world = World::new();
    writer.replace(world.everything());
    let count = |kind: u8| {
        let objects = by_object(reader.load().unwrap().updates());
        objects.keys().filter(|(other, ..)| *other == kind).count()
    };
    let (credentials, requests) = (4, 5);
    assert_eq!((count(credentials), count(requests)), (2, 4));
    writer.apply([Update::Version(world.versions[1], None)]).unwrap();
    assert_eq!((count(credentials), count(requests)), (2, 2));
    let gone = Update::App(world.apps[0], None);
    writer.apply([gone.clone(), gone]).unwrap();
    assert_eq!((count(credentials), count(requests)), (1, 1));
    let request = Update::AccessRequest(world.apps[1], world.versions[0], None);
    writer.apply([request.clone(), request]).unwrap();
    assert_eq!((count(credentials), count(requests)), (1, 0));
}

#[test]
fn a_batch_becomes_visible_at_once_and_tells_its_followers() {
    let (mut writer, reader) = channel();
    let world = World::new();
    let mut changes = reader.changes();
    changes.mark_unchanged();
    writer.replace(world.everything());
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    let before = reader.load().unwrap();
    writer.apply([world.update(3, 0, 0), world.update(3, 1, 0)]).unwrap();
    assert!(changes.has_changed().unwrap());
    // Whoever works with the old snapshot goes on with it.
    assert_eq!(before.grants(NOW).len(), 4);
    assert_eq!(grants(&reader).len(), 0);
}

#[test]
fn the_key_headers_of_every_strategy_are_known_folded() {
    let (mut writer, reader) = channel();
    let world = World::new();
    writer.replace([world.update(1, 0, 1), world.update(1, 1, 2)]);
    let snapshot = reader.load().unwrap();
    assert!(snapshot.is_key_header("key-0-1") && snapshot.is_key_header("key-1-2"));
    writer.apply([world.update(1, 0, 0)]).unwrap();
    assert!(!reader.load().unwrap().is_key_header("key-0-1"));
}

/// What the snapshot should hold: plain records, and rules written for reading.
#[derive(Clone, Default)]
struct Model {
    objects: BTreeMap<ObjectKey, Update>,
}

impl Model {
    fn apply(&mut self, update: Update) {
        match &update {
            Update::App(app, None) => {
                self.remove(|object| match object {
                    Update::Credential(_, Some(credential)) => credential.app_id == *app,
                    Update::AccessRequest(other, ..) => other == app,
                    _ => false,
                });
            }
            Update::Version(version, None) => {
                self.remove(|object| matches!(object, Update::AccessRequest(_, other, _) if other == version));
            }
            Update::Credential(id, Some(new)) if new.key_hash.is_some() => {
                self.remove(|object| match object {
                    Update::Credential(other, Some(old)) => other != id && old.key_hash == new.key_hash,
                    _ => false,
                });
            }
            _ => {}
        }
        let is_there = match &update {
            Update::Version(_, record) => record.is_some(),
            Update::AuthStrategy(_, record) => record.is_some(),
            Update::Developer(_, record) => record.is_some(),
            Update::App(_, record) => record.is_some(),
            Update::Credential(_, record) => record.is_some(),
            Update::AccessRequest(_, _, record) => record.is_some(),
        };
        let key = object_key(&update);
        if is_there {
            self.objects.insert(key, update);
        } else {
            self.objects.remove(&key);
        }
    }

    fn remove(&mut self, is_gone: impl Fn(&Update) -> bool) {
        self.objects.retain(|_, object| !is_gone(object));
    }

    fn credentials(&self) -> impl Iterator<Item = &CredentialRecord> {
        self.objects.values().filter_map(|object| match object {
            Update::Credential(_, record) => record.as_ref(),
            _ => None,
        })
    }

    fn may_call(&self, credential: &CredentialRecord, version: &VersionRecord, now: Timestamp) -> bool {
        let get = |kind, id: uuid::Uuid, of| self.objects.get(&(kind, id, of));
        let nil = uuid::Uuid::nil();
        let app = match get(3, credential.app_id.uuid(), nil) {
            Some(Update::App(_, Some(app))) => app,
            _ => return false,
        };
        let developer = match get(2, app.developer_id.uuid(), nil) {
            Some(Update::Developer(_, Some(developer))) => developer.status,
            _ => return false,
        };
        let strategy = version.strategy.and_then(|id| match get(1, id.uuid(), nil) {
            Some(Update::AuthStrategy(_, Some(strategy))) => Some(access::StrategyFacts {
                kind: strategy.kind,
                credential_ttl_days: strategy.credential_ttl_days,
            }),
            _ => None,
        });
        let request = match get(5, credential.app_id.uuid(), version.id.uuid()) {
            Some(Update::AccessRequest(_, _, Some(request))) => Some(request.status),
            _ => None,
        };
        let facts = Facts {
            lifecycle: version.lifecycle,
            strategy,
            credential: access::CredentialFacts {
                kind: credential.kind,
                created_at: credential.created_at,
                expires_at: credential.expires_at,
                revoked_at: credential.revoked_at,
            },
            app: app.status,
            developer,
            request,
        };
        access::decide(&facts, now).is_ok()
    }

    fn grants(&self, now: Timestamp) -> BTreeSet<Grant> {
        let versions = self.objects.values().filter_map(|object| match object {
            Update::Version(_, record) => record.as_ref(),
            _ => None,
        });
        versions
            .flat_map(|version| self.credentials().map(move |credential| (credential, version)))
            .filter(|(credential, version)| self.may_call(credential, version, now))
            .map(|(credential, version)| Grant {
                app_id: credential.app_id,
                credential_id: credential.id,
                version_id: version.id,
            })
            .collect()
    }

    fn key_headers(&self) -> BTreeSet<String> {
        let strategies = self.objects.values().filter_map(|object| match object {
            Update::AuthStrategy(_, record) => record.clone(),
            _ => None,
        });
        strategies
            .flat_map(|record| {
                crate::strategy::Strategy::of(record)
                    .folded_key_names()
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn assert_is(&self, snapshot: &Snapshot) {
        assert_eq!(by_object(snapshot.updates()), self.objects);
        assert_eq!(snapshot.grants(NOW), self.grants(NOW));
        assert_eq!(*snapshot.key_headers, self.key_headers());
        for credential in self.credentials() {
            let Some(hash) = credential.key_hash else { continue };
            let found = snapshot.credential_of_key(&hash).map(Credential::record);
            assert_eq!(found.as_ref(), Some(credential));
            let found = snapshot
                .credential_of_app(credential.app_id, &hash)
                .map(Credential::record);
            assert_eq!(found.as_ref(), Some(credential));
            let mut other = *hash.as_bytes();
            other[31] ^= 1;
            assert!(snapshot.credential_of_key(&ApiKeyHash::from_bytes(other)).is_none());
            for version in snapshot.versions.values() {
                let may_call = self.may_call(credential, version, NOW);
                assert_eq!(snapshot.opens(&hash, version.id, NOW), may_call);
            }
        }
        // What is gone has left the indexes, and rows that stand for nothing have left, too.
        assert_eq!(snapshot.by_credential.len(), self.credentials().count());
        let keys = self.credentials().filter(|credential| credential.key_hash.is_some());
        assert_eq!(snapshot.by_key.len(), keys.count());
        let apps: BTreeSet<uuid::Uuid> = self
            .objects
            .values()
            .filter_map(|object| match object {
                Update::App(id, _) | Update::AccessRequest(id, ..) => Some(id.uuid()),
                Update::Credential(_, record) => record.as_ref().map(|record| record.app_id.uuid()),
                _ => None,
            })
            .collect();
        assert_eq!(snapshot.apps().count(), apps.len());
        let host = CanonicalHost::parse_authority("a.example").unwrap().0;
        let mut routes = RouteTable::default();
        for object in self.objects.values() {
            if let Update::Version(id, Some(version)) = object
                && let Some(service) = &version.service
                && version.lifecycle != VersionLifecycle::Draft
            {
                routes.insert(*id, version.lifecycle.is_live(), &service.routes);
            }
        }
        for path in ["/", "/a", "/a/b%20c", "/d"] {
            let path = CanonicalPath::parse(path).unwrap();
            let found = snapshot.routes().find(&host, &path, "GET");
            // Which of several versions that claim one place is found depends on their order: this is refused before.
            let is_there = |found: &Option<Found>| found.as_ref().map(|found| matches!(found, Found::Live { .. }));
            let expected = routes.find(&host, &path, "GET");
            assert_eq!(
                found.map(|found| is_there(&found)),
                expected.map(|found| is_there(&found))
            );
        }
    }
}

proptest! {
    /// Whatever comes, in whatever batches: the snapshot holds what the records say, and those before stay as they were.
    #[test]
    fn any_updates_in_any_batches_make_what_the_records_say(
        batches in proptest::collection::vec(proptest::collection::vec(update(), 0..8), 0..12),
    ) {
        let (mut writer, reader) = channel();
        writer.replace([]);
        let mut model = Model::default();
        let mut before = Vec::new();
        for batch in batches {
            before.push((reader.load().unwrap(), model.clone()));
            batch.iter().cloned().for_each(|update| model.apply(update));
            writer.apply(batch).unwrap();
            model.assert_is(&reader.load().unwrap());
        }
        for (snapshot, model) in before {
            model.assert_is(&snapshot);
        }
    }

    /// A full load in any order, and the list of all that a snapshot holds, lead to the same.
    #[test]
    fn following_equals_loading(
        updates in proptest::collection::vec(update(), 0..80),
        order in any::<u64>(),
    ) {
        let (mut writer, reader) = channel();
        writer.replace([]);
        let mut model = Model::default();
        // With what is told twice, and what is removed.
        let told = updates.clone();
        for update in updates {
            model.apply(update.clone());
            writer.apply([update]).unwrap();
        }
        let followed = reader.load().unwrap();
        model.assert_is(&Snapshot::of(told));
        let mut objects: Vec<Update> = model.objects.values().cloned().collect();
        rand::seq::SliceRandom::shuffle(
            objects.as_mut_slice(),
            &mut <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(order),
        );
        writer.replace(objects);
        model.assert_is(&reader.load().unwrap());
        let mut listed = Snapshot::empty();
        for piece in followed.updates().collect::<Vec<_>>().chunks(7) {
            listed.extend(piece.iter().cloned());
        }
        writer.restore(listed);
        model.assert_is(&reader.load().unwrap());
    }
}

/// Enough for shards with many rows in them, and for lists that are cut from the middle.
#[test]
fn thousands_of_keys_are_found_and_leave() {
    let world = World::new();
    let (mut writer, reader) = channel();
    writer.replace(world.everything());
    let mut model = Model::default();
    world.everything().into_iter().for_each(|update| model.apply(update));
    let mut random = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(1);
    let apps: Vec<AppId> = (0..2_000).map(|_| AppId::new()).collect();
    let mut updates = Vec::new();
    for (number, app) in apps.iter().enumerate() {
        updates.push(Update::from(AppRecord {
            id: *app,
            developer_id: world.developers[0],
            status: AppStatus::Active,
            name: format!("App {number}"),
            reference_id: format!("app-{number}"),
        }));
        // Most apps have a few keys, one has many.
        let credentials = if number == 1_000 { 300 } else { number % 7 };
        for credential in 0..credentials {
            let mut hash = [0; 32];
            rand::Rng::fill_bytes(&mut random, &mut hash);
            updates.push(Update::from(CredentialRecord {
                id: CredentialId::new(),
                app_id: *app,
                kind: CredentialKind::ApiKey,
                key_hash: Some(ApiKeyHash::from_bytes(hash)),
                created_at: Timestamp::from_millis(number as i64),
                expires_at: (credential % 3 == 0).then_some(Timestamp::from_millis(number as i64 + 900)),
                revoked_at: (credential % 5 == 0).then_some(Timestamp::from_millis(number as i64)),
            }));
        }
        updates.push(Update::from(AccessRequestRecord {
            app_id: *app,
            version_id: world.versions[0],
            status: AccessRequestStatus::Approved,
        }));
    }
    updates.iter().cloned().for_each(|update| model.apply(update));
    writer.apply(updates).unwrap();
    model.assert_is(&reader.load().unwrap());
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("snapshot");
    let header = crate::snapshot_copy::CopyHeader {
        position: String::new(),
        taken_at: NOW,
    };
    crate::snapshot_copy::write(&path, &header, &reader.load().unwrap()).unwrap();
    model.assert_is(&crate::snapshot_copy::read(&path).unwrap().1);
    let gone: Vec<Update> = apps.iter().step_by(3).map(|app| Update::App(*app, None)).collect();
    gone.iter().cloned().for_each(|update| model.apply(update));
    writer.apply(gone).unwrap();
    model.assert_is(&reader.load().unwrap());
    let gone = Update::Version(world.versions[0], None);
    model.apply(gone.clone());
    writer.apply([gone]).unwrap();
    model.assert_is(&reader.load().unwrap());
}
