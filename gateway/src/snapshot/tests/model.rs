//! What a snapshot should hold, by rules that are written for reading.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Timestamp,
    access::{self, Facts},
    api_key::ApiKeyHash,
    gateway_service::{CanonicalHost, CanonicalPath},
    version::VersionLifecycle,
};

use super::NOW;
use crate::{
    record::{CredentialRecord, Unreadable, Update, VersionRecord},
    route_table::{Found, RouteTable},
    snapshot::{Credential, Grant, Snapshot},
    test_updates::{ObjectKey, by_object, object_key},
};

fn key_headers_of(object: &Update) -> BTreeSet<String> {
    match object {
        Update::AuthStrategy(_, Some(record)) => folded(&record.key_names),
        Update::Unreadable(Unreadable::AuthStrategy { key_names, .. }) => folded(key_names),
        _ => BTreeSet::new(),
    }
}

fn folded(names: &[String]) -> BTreeSet<String> {
    let headers = names.iter().filter(|name| !name.contains(' '));
    headers.map(|name| name.to_lowercase().replace('_', "-")).collect()
}

/// The records that there are.
#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) objects: BTreeMap<ObjectKey, Update>,
}

impl Model {
    pub(super) fn apply(&mut self, update: Update) {
        let key = object_key(&update);
        let update = match update {
            // What it was called before, it may still be called.
            Update::Unreadable(Unreadable::AuthStrategy { id, key_names }) => {
                let earlier = self.objects.get(&key).map(key_headers_of).unwrap_or_default();
                let names = earlier.into_iter().chain(folded(&key_names));
                Update::Unreadable(Unreadable::AuthStrategy {
                    id,
                    key_names: names.collect::<BTreeSet<_>>().into_iter().collect(),
                })
            }
            other => other,
        };
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
            Update::Unreadable(Unreadable::AuthStrategy { .. }) => true,
            Update::Unreadable(Unreadable::App(_)) => false,
        };
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
        self.objects.values().flat_map(key_headers_of).collect()
    }

    pub(super) fn assert_is(&self, snapshot: &Snapshot) {
        assert_eq!(by_object(snapshot.updates()), self.objects);
        assert_eq!(snapshot.grants(NOW), self.grants(NOW));
        assert_eq!(*snapshot.strategies.key_headers(), self.key_headers());
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
