use domain::{
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    gateway_service::{GatewayService, RouteInput},
};
use proptest::prelude::*;

use super::*;
use crate::record::{AccessRequestRecord, DeveloperRecord};

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
        let mut updates: Vec<Update> = (0..5)
            .flat_map(|kind| (0..2).map(move |which| (kind, which)))
            .map(|(kind, which)| self.update(kind, which, 1))
            .collect();
        updates.extend(self.requests());
        updates
    }

    /// An approved request of each app for each version.
    fn requests(&self) -> Vec<Update> {
        let all = (0..2).flat_map(|which| (1..3).map(move |state| (which, state)));
        all.map(|(which, state)| self.update(5, which, state)).collect()
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
            writer.apply([world.update(kind, 0, 1)]).unwrap();
            if state == 0 {
                // With a version or an app that was gone, its requests were.
                writer.apply(world.requests()).unwrap();
            }
            assert_eq!(grants(&reader), all, "{kind} {state}");
        }
    }
}

#[test]
fn requests_go_with_their_app_and_their_version() {
    let (mut writer, reader) = channel();
    let world = World::new();
    writer.replace(world.everything());
    let requests = || {
        let snapshot = reader.load().unwrap();
        let mut pairs: Vec<(AppId, VersionId)> = Vec::new();
        for (app, by_version) in snapshot.requests.iter() {
            assert!(!by_version.is_empty(), "{app}");
            pairs.extend(by_version.keys().map(|version| (*app, *version)));
        }
        pairs
    };
    assert_eq!(requests().len(), 4);
    writer.apply([Update::Version(world.versions[1], None)]).unwrap();
    let mut left = requests();
    left.sort_unstable_by_key(|(app, _)| world.apps.iter().position(|one| one == app));
    assert_eq!(
        left,
        [(world.apps[0], world.versions[0]), (world.apps[1], world.versions[0])]
    );
    writer.apply([Update::App(world.apps[0], None)]).unwrap();
    assert_eq!(requests(), [(world.apps[1], world.versions[0])]);
    let of_request = Update::AccessRequest(world.apps[1], world.versions[0], None);
    writer.apply([of_request.clone(), of_request]).unwrap();
    assert_eq!(requests(), []);
    assert_eq!(reader.load().unwrap().requests.size(), 0);
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

proptest! {
    /// Changes one by one lead where a fresh load of the last states leads.
    #[test]
    fn following_equals_loading(
        steps in proptest::collection::vec((0_usize..6, 0_usize..2, 0_usize..4), 0..60),
    ) {
        let world = World::new();
        let (mut following, follower) = channel();
        following.replace(world.everything());
        let mut last: std::collections::HashMap<String, Update> = std::collections::HashMap::new();
        let key = |update: &Update| match update {
            Update::Version(id, _) => id.to_string(),
            Update::AuthStrategy(id, _) => id.to_string(),
            Update::Developer(id, _) => id.to_string(),
            Update::App(id, _) => id.to_string(),
            Update::Credential(id, _) => id.to_string(),
            Update::AccessRequest(app, version, _) => format!("{app}{version}"),
        };
        for update in world.everything() {
            last.insert(key(&update), update);
        }
        for (kind, which, state) in steps {
            let update = world.update(kind, which, state);
            match &update {
                Update::App(gone, None) => {
                    last.retain(|_, held| !matches!(held, Update::AccessRequest(app, _, _) if app == gone));
                }
                Update::Version(gone, None) => {
                    last.retain(|_, held| !matches!(held, Update::AccessRequest(_, version, _) if version == gone));
                }
                _ => {}
            }
            last.insert(key(&update), update.clone());
            following.apply([update]).unwrap();
        }
        let (mut loading, loader) = channel();
        let is_there = |update: &Update| !matches!(
            update,
            Update::Version(_, None)
                | Update::AuthStrategy(_, None)
                | Update::Developer(_, None)
                | Update::App(_, None)
                | Update::Credential(_, None)
                | Update::AccessRequest(_, _, None)
        );
        loading.replace(last.into_values().filter(is_there));
        prop_assert_eq!(grants(&follower), grants(&loader));
        let (followed, loaded) = (follower.load().unwrap(), loader.load().unwrap());
        prop_assert_eq!(&followed.key_headers, &loaded.key_headers);
        prop_assert_eq!(followed.keys.size(), loaded.keys.size());
        prop_assert!(followed.requests == loaded.requests);
        let host = domain::gateway_service::CanonicalHost::parse_authority("x").unwrap().0;
        for path in (0..2).flat_map(|which| (0..4).map(move |state| format!("/{which}{state}"))) {
            let path = domain::gateway_service::CanonicalPath::parse(&path).unwrap();
            prop_assert_eq!(followed.routes.find(&host, &path, "GET"), loaded.routes.find(&host, &path, "GET"));
        }
    }
}
