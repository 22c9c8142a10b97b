mod model;
mod world;

use domain::{access_request::AccessRequestStatus, app::AppStatus, credential::CredentialKind};
use proptest::prelude::*;

use self::{model::Model, world::World};
use super::*;
use crate::{
    record::{AccessRequestRecord, AppRecord, CredentialRecord, Unreadable},
    test_updates::{by_object, update},
};

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

#[test]
fn key_headers_are_forgotten_with_their_strategy_alone() {
    let (mut writer, reader) = channel();
    let world = World::new();
    let unreadable = |names: &[&str]| {
        Update::Unreadable(Unreadable::AuthStrategy {
            id: world.strategies[0],
            key_names: names.iter().map(|name| (*name).to_owned()).collect(),
        })
    };
    let known = |names: &[&str]| {
        let snapshot = reader.load().unwrap();
        let is_known = |name: &&str| snapshot.is_key_header(name);
        assert!(names.iter().all(is_known), "{names:?}");
        snapshot.knows_all_key_headers()
    };
    writer.replace(world.everything());
    assert!(known(&["key-0-1"]));
    writer.apply([unreadable(&[])]).unwrap();
    assert!(!known(&["key-0-1"]));
    assert_eq!(grants(&reader).len(), 2, "its own version is closed, and no other");
    writer
        .apply([unreadable(&["X_New"]), unreadable(&["no header"])])
        .unwrap();
    assert!(!known(&["key-0-1", "x-new"]));

    // Of a full load, what was there before is told apart.
    let mut fresh = Snapshot::of([unreadable(&["x-newer"])]);
    assert!(!fresh.is_key_header("key-0-1"));
    fresh.remember_key_headers(reader.load().unwrap().strategies());
    writer.restore(fresh);
    assert!(!known(&["key-0-1", "x-new", "x-newer"]));

    // Once it can be read, it says itself what it is called; once it is gone, nothing is.
    writer.apply([world.update(1, 0, 2)]).unwrap();
    assert!(known(&["key-0-2"]));
    assert!(!reader.load().unwrap().is_key_header("key-0-1"));
    writer.apply([unreadable(&[]), world.update(1, 0, 0)]).unwrap();
    assert!(known(&[]));
    assert!(!reader.load().unwrap().is_key_header("key-0-2"));
    let mut fresh = Snapshot::of([]);
    fresh.remember_key_headers(Snapshot::of([unreadable(&["x-gone"])]).strategies());
    assert!(!fresh.is_key_header("x-gone") && fresh.knows_all_key_headers());
}

#[test]
fn what_is_an_apps_outlasts_what_can_be_read_of_it() {
    let (mut writer, reader) = channel();
    let world = World::new();
    writer.replace(world.everything());
    let all = grants(&reader);
    let unreadable = Update::Unreadable(Unreadable::App(world.apps[0]));
    writer.apply([unreadable.clone()]).unwrap();
    assert_eq!(grants(&reader).len(), 2);
    // What changes meanwhile is followed.
    writer.apply([world.update(4, 0, 2)]).unwrap();
    writer.apply([world.update(3, 0, 1)]).unwrap();
    assert_eq!(grants(&reader).len(), 2);
    writer.apply([world.update(4, 0, 1)]).unwrap();
    assert_eq!(grants(&reader), all);
    // A full load in which it cannot be read.
    let others = world
        .everything()
        .into_iter()
        .filter(|update| !matches!(update, Update::App(id, _) if *id == world.apps[0]));
    writer.replace(others.chain([unreadable]));
    assert_eq!(grants(&reader).len(), 2);
    writer.apply([world.update(3, 0, 1)]).unwrap();
    assert_eq!(grants(&reader), all);
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
