//! Updates for property tests: of few objects, so that they meet, and with values of every kind.

use std::collections::BTreeMap;

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
use proptest::{collection::vec, option, prelude::*, sample::select};
use uuid::Uuid;

use crate::record::{
    AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord, Unreadable, Update,
    VersionRecord,
};

/// Some of the ids differ in their first bits alone, some in their last.
fn uuid(of: u128) -> impl Strategy<Value = Uuid> {
    (0..of).prop_map(|number| Uuid::from_u128(if number % 2 == 0 { number << 120 } else { number }))
}

fn app_id() -> impl Strategy<Value = AppId> {
    uuid(5).prop_map(AppId::from_uuid)
}

fn version_id() -> impl Strategy<Value = VersionId> {
    uuid(3).prop_map(VersionId::from_uuid)
}

fn strategy_id() -> impl Strategy<Value = AuthStrategyId> {
    uuid(3).prop_map(AuthStrategyId::from_uuid)
}

fn developer_id() -> impl Strategy<Value = DeveloperId> {
    uuid(3).prop_map(DeveloperId::from_uuid)
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        3 => (0_i64..2_000).prop_map(Timestamp::from_millis),
        1 => any::<i64>().prop_map(Timestamp::from_millis),
    ]
}

fn key_hash() -> impl Strategy<Value = ApiKeyHash> {
    // Hashes that differ in one place alone, so that no part of them stands for the whole.
    (0_usize..32, 0_u8..3).prop_map(|(place, value)| {
        let mut bytes = [0xa5; 32];
        bytes[place / 8 * 8] = value;
        ApiKeyHash::from_bytes(bytes)
    })
}

fn version() -> impl Strategy<Value = Update> {
    let route = (
        vec(select(vec!["a.example", "B.example", "[::1]"]), 0..2),
        vec(select(vec!["/", "/a", "/a/b%20c", "/d/"]), 1..3),
        vec(select(vec!["GET", "POST"]), 0..2),
        any::<bool>(),
    );
    let service = (
        select(vec!["http://localhost", "https://Upstream.example:8443/base/"]),
        vec(route, 1..3),
    );
    let service = service.prop_map(|(upstream_url, routes)| {
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        let routes: Vec<RouteInput> = routes
            .into_iter()
            .map(|(hosts, paths, methods, strip_path)| RouteInput {
                hosts: owned(hosts),
                paths: owned(paths),
                methods: owned(methods),
                strip_path,
            })
            .collect();
        // Routes that repeat each other are not valid: then there is no service.
        GatewayService::validate(upstream_url, &routes).ok()
    });
    let lifecycle = select(vec![
        VersionLifecycle::Draft,
        VersionLifecycle::Active,
        VersionLifecycle::Deprecated,
        VersionLifecycle::Retired,
    ]);
    (
        version_id(),
        option::of((lifecycle, option::of(strategy_id()), service)),
    )
        .prop_map(|(id, record)| {
            let record = record.map(|(lifecycle, strategy, service)| VersionRecord {
                id,
                lifecycle,
                strategy,
                service,
            });
            Update::Version(id, record)
        })
}

fn auth_strategy() -> impl Strategy<Value = Update> {
    let record = (
        select(vec![AuthStrategyType::KeyAuth, AuthStrategyType::OpenidConnect]),
        vec(select(vec!["apikey", "X_Key", "no header"]), 0..3),
        option::of(any::<u32>()),
    );
    (strategy_id(), option::of(record)).prop_map(|(id, record)| {
        let record = record.map(|(kind, key_names, credential_ttl_days)| AuthStrategyRecord {
            id,
            kind,
            key_names: key_names.into_iter().map(str::to_owned).collect(),
            credential_ttl_days,
        });
        Update::AuthStrategy(id, record)
    })
}

fn unreadable() -> impl Strategy<Value = Update> {
    let key_names = vec(select(vec!["X-Api_Key", "x-other", "no header"]), 0..3);
    let strategy = (strategy_id(), key_names).prop_map(|(id, key_names)| Unreadable::AuthStrategy {
        id,
        key_names: key_names.into_iter().map(str::to_owned).collect(),
    });
    prop_oneof![strategy, app_id().prop_map(Unreadable::App)].prop_map(Update::Unreadable)
}

fn developer() -> impl Strategy<Value = Update> {
    let status = select(vec![
        DeveloperStatus::Pending,
        DeveloperStatus::Approved,
        DeveloperStatus::Approved,
        DeveloperStatus::Rejected,
        DeveloperStatus::Revoked,
    ]);
    (developer_id(), option::of(status))
        .prop_map(|(id, status)| Update::Developer(id, status.map(|status| DeveloperRecord { id, status })))
}

fn app() -> impl Strategy<Value = Update> {
    let record = (
        developer_id(),
        select(vec![AppStatus::Active, AppStatus::Suspended]),
        "\\PC{0,12}",
        "[a-z]{0,300}",
    );
    (app_id(), option::weighted(0.8, record)).prop_map(|(id, record)| {
        let record = record.map(|(developer_id, status, name, reference_id)| AppRecord {
            id,
            developer_id,
            status,
            name,
            reference_id,
        });
        Update::App(id, record)
    })
}

fn credential() -> impl Strategy<Value = Update> {
    let record = (
        app_id(),
        select(vec![CredentialKind::ApiKey, CredentialKind::OauthClient]),
        option::weighted(0.8, key_hash()),
        timestamp(),
        option::of(timestamp()),
        option::of(timestamp()),
    );
    (uuid(12), option::weighted(0.8, record)).prop_map(|(id, record)| {
        let id = CredentialId::from_uuid(id);
        let record = record.map(
            |(app_id, kind, key_hash, created_at, expires_at, revoked_at)| CredentialRecord {
                id,
                app_id,
                kind,
                key_hash,
                created_at,
                expires_at,
                revoked_at,
            },
        );
        Update::Credential(id, record)
    })
}

fn access_request() -> impl Strategy<Value = Update> {
    let status = select(vec![
        AccessRequestStatus::Pending,
        AccessRequestStatus::Approved,
        AccessRequestStatus::Approved,
        AccessRequestStatus::Rejected,
        AccessRequestStatus::Revoked,
        AccessRequestStatus::Cancelled,
    ]);
    (app_id(), version_id(), option::weighted(0.8, status)).prop_map(|(app_id, version_id, status)| {
        let record = status.map(|status| AccessRequestRecord {
            app_id,
            version_id,
            status,
        });
        Update::AccessRequest(app_id, version_id, record)
    })
}

/// Any update of a small world.
pub(crate) fn update() -> impl Strategy<Value = Update> {
    prop_oneof![
        2 => version(),
        2 => auth_strategy(),
        2 => developer(),
        4 => app(),
        6 => credential(),
        4 => access_request(),
        2 => unreadable(),
    ]
}

/// What an update is about.
pub(crate) type ObjectKey = (u8, Uuid, Uuid);

pub(crate) fn object_key(update: &Update) -> ObjectKey {
    match update {
        Update::Version(id, _) => (0, id.uuid(), Uuid::nil()),
        Update::AuthStrategy(id, _) | Update::Unreadable(Unreadable::AuthStrategy { id, .. }) => {
            (1, id.uuid(), Uuid::nil())
        }
        Update::Developer(id, _) => (2, id.uuid(), Uuid::nil()),
        Update::App(id, _) | Update::Unreadable(Unreadable::App(id)) => (3, id.uuid(), Uuid::nil()),
        Update::Credential(id, _) => (4, id.uuid(), Uuid::nil()),
        Update::AccessRequest(app, version, _) => (5, app.uuid(), version.uuid()),
    }
}

/// The updates by what they are about: two lists of the same objects are then equal whatever their order.
pub(crate) fn by_object(updates: impl IntoIterator<Item = Update>) -> BTreeMap<ObjectKey, Update> {
    let mut objects = BTreeMap::new();
    for update in updates {
        let twice = objects.insert(object_key(&update), update);
        assert_eq!(twice, None, "an object is listed twice");
    }
    objects
}
