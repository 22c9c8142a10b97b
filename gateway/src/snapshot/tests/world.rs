//! A world small enough that a test can say what becomes of each object in it.

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    developer::DeveloperStatus,
    gateway_service::{GatewayService, RouteInput},
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
    version::VersionLifecycle,
};

use crate::record::{
    AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord, Update, VersionRecord,
};

/// Two of each kind of object, whose states the tests choose.
pub(super) struct World {
    pub(super) versions: [VersionId; 2],
    pub(super) strategies: [AuthStrategyId; 2],
    pub(super) developers: [DeveloperId; 2],
    pub(super) apps: [AppId; 2],
    pub(super) credentials: [CredentialId; 2],
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            versions: [VersionId::new(), VersionId::new()],
            strategies: [AuthStrategyId::new(), AuthStrategyId::new()],
            developers: [DeveloperId::new(), DeveloperId::new()],
            apps: [AppId::new(), AppId::new()],
            credentials: [CredentialId::new(), CredentialId::new()],
        }
    }

    /// What object `which` of kind `kind` is in state `state`; state 0: gone, 1: all that lets calls pass.
    pub(super) fn update(&self, kind: usize, which: usize, state: usize) -> Update {
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

    pub(super) fn everything(&self) -> Vec<Update> {
        let mut updates: Vec<Update> = (0..6)
            .flat_map(|kind| (0..2).map(move |which| (kind, which)))
            .map(|(kind, which)| self.update(kind, which, 1))
            .collect();
        updates.extend((0..2).map(|which| self.update(5, which, 2)));
        updates
    }
}
