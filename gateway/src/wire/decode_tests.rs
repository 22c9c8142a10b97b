//! What cannot be read closes what it stands for, record kind by record kind.

use std::collections::BTreeSet;

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    developer::DeveloperStatus,
    gateway_service::{GatewayService, RouteInput},
};
use serde_json::json;

use super::*;
use crate::{
    record::{AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord},
    route_table::Found,
    snapshot::Snapshot,
};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// One of everything; together they let a call pass.
fn scene() -> Vec<Update> {
    let (strategy, version, developer) = (AuthStrategyId::new(), VersionId::new(), DeveloperId::new());
    let (app, credential) = (AppId::new(), CredentialId::new());
    let route = RouteInput {
        hosts: vec!["api.example.com".to_owned()],
        paths: vec!["/mock".to_owned()],
        methods: vec!["GET".to_owned()],
        strip_path: true,
    };
    vec![
        AuthStrategyRecord {
            id: strategy,
            kind: AuthStrategyType::KeyAuth,
            key_names: vec!["apikey".to_owned()],
            credential_ttl_days: Some(90),
        }
        .into(),
        VersionRecord {
            id: version,
            lifecycle: VersionLifecycle::Active,
            strategy: Some(strategy),
            service: Some(GatewayService::validate("http://upstream.example/base", &[route]).unwrap()),
        }
        .into(),
        DeveloperRecord {
            id: developer,
            status: DeveloperStatus::Approved,
        }
        .into(),
        AppRecord {
            id: app,
            developer_id: developer,
            status: AppStatus::Active,
            name: "Ünïcode \"app\"".to_owned(),
            reference_id: "app-1".to_owned(),
        }
        .into(),
        CredentialRecord {
            id: credential,
            app_id: app,
            kind: CredentialKind::ApiKey,
            key_hash: Some(ApiKeyHash::from_bytes([7; 32])),
            created_at: NOW,
            expires_at: Some(Timestamp::from_millis(NOW.as_millis() + 1000)),
            revoked_at: None,
        }
        .into(),
        AccessRequestRecord {
            app_id: app,
            version_id: version,
            status: AccessRequestStatus::Approved,
        }
        .into(),
    ]
}

fn gone(update: &Update) -> Update {
    match update {
        Update::Version(id, _) => Update::Version(*id, None),
        Update::AuthStrategy(id, _) => Update::AuthStrategy(*id, None),
        Update::Developer(id, _) => Update::Developer(*id, None),
        Update::App(id, _) => Update::App(*id, None),
        Update::Credential(id, _) => Update::Credential(*id, None),
        Update::AccessRequest(app, version, _) => Update::AccessRequest(*app, *version, None),
        Update::Unreadable(_) => panic!("the scene has changed"),
    }
}

fn written(update: &Update) -> Value {
    serde_json::to_value(Record::from(update.clone())).unwrap()
}

fn snapshot(updates: impl IntoIterator<Item = Update>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.extend(updates);
    snapshot
}

/// Every object inside the value, by its pointer.
fn objects(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(pointer.clone());
            for (name, field) in fields {
                objects(field, format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects(item, format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Checks that the changed record of `scene[index]` closes what it stands for.
fn closes(scene: &[Update], index: usize, changed: &Value) {
    let closing = decode(&changed.to_string()).unwrap_or_else(|error| panic!("{changed}: {error}"));
    match (&closing, &scene[index]) {
        (Update::Version(id, Some(_)), Update::Version(expected, _)) => assert_eq!(id, expected),
        (Update::Unreadable(Unreadable::AuthStrategy { id, .. }), Update::AuthStrategy(expected, _)) => {
            assert_eq!(id, expected);
        }
        (Update::Unreadable(Unreadable::App(id)), Update::App(expected, _)) => assert_eq!(id, expected),
        (_, record) => assert_eq!(closing, gone(record), "{changed}"),
    }
    let mut after = snapshot(scene.iter().cloned());
    let open = after.grants(NOW);
    assert_eq!(open.len(), 1);
    after.extend([closing]);
    assert_eq!(after.grants(NOW), BTreeSet::new(), "{changed}");
    assert!(after.is_key_header("apikey"), "{changed}");
    // Once it can be read again, nothing else has to be told.
    after.extend([scene[index].clone()]);
    assert_eq!(after.grants(NOW), open, "{changed}");
}

#[test]
fn every_record_reads_back() {
    for update in scene() {
        assert_eq!(decode(&written(&update).to_string()).unwrap(), update);
        let gone = gone(&update);
        assert_eq!(decode(&written(&gone).to_string()).unwrap(), gone);
    }
}

#[test]
fn an_unknown_field_anywhere_closes() {
    let scene = scene();
    let mut tried = 0;
    for (index, update) in scene.iter().enumerate() {
        let record = written(update);
        let mut pointers = Vec::new();
        objects(&record, String::new(), &mut pointers);
        // Beside the kind itself, it would be a record of two kinds.
        for pointer in pointers.iter().filter(|pointer| !pointer.is_empty()) {
            for value in [json!(null), json!(true), json!({ "of": ["a", "newer", "version"] })] {
                let mut changed = record.clone();
                let object = changed.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
                object.insert("unknown".to_owned(), value);
                closes(&scene, index, &changed);
                tried += 1;
            }
        }
    }
    assert_eq!(
        tried,
        3 * (6 * 2 + 2),
        "two objects a record, and the version's service and route"
    );
}

#[test]
fn an_unknown_value_of_an_enum_closes() {
    let scene = scene();
    let mut tried = 0;
    for (index, update) in scene.iter().enumerate() {
        let record = written(update);
        let state = record.as_object().unwrap().values().next().unwrap()["state"]
            .as_object()
            .unwrap();
        for field in ["lifecycle", "kind", "status"] {
            if state.contains_key(field) {
                for value in [json!("PAUSED"), json!("active"), json!(""), json!(1), json!(null)] {
                    let mut changed = record.clone();
                    let object = changed.as_object_mut().unwrap().values_mut().next().unwrap();
                    object["state"][field] = value;
                    closes(&scene, index, &changed);
                }
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 6, "each kind of record has one");
}

#[test]
fn a_missing_field_closes() {
    let scene = scene();
    for (index, update) in scene.iter().enumerate() {
        let record = written(update);
        let state = record.as_object().unwrap().values().next().unwrap()["state"]
            .as_object()
            .unwrap();
        for field in state.keys() {
            let mut changed = record.clone();
            let object = changed.as_object_mut().unwrap().values_mut().next().unwrap();
            object["state"].as_object_mut().unwrap().remove(field);
            closes(&scene, index, &changed);
        }
        let mut changed = record.clone();
        let object = changed.as_object_mut().unwrap().values_mut().next().unwrap();
        object.as_object_mut().unwrap().remove("state");
        closes(&scene, index, &changed);
    }
}

#[test]
fn a_field_that_comes_twice_closes() {
    let scene = scene();
    let record = written(&scene[4]).to_string();
    let twice = record.replace("\"expires_at\"", "\"revoked_at\":null,\"expires_at\"");
    assert_eq!(decode(&twice).unwrap(), gone(&scene[4]));
}

#[test]
fn calls_of_a_closed_version_fall_to_no_other_route() {
    let mut scene = scene();
    let Update::Version(id, _) = scene[1] else {
        panic!("the scene has changed");
    };
    let mut record = written(&scene[1]);
    record["version"]["state"]["rate_limit"] = json!(5);
    scene[1] = decode(&record.to_string()).unwrap();
    let after = snapshot(scene.iter().cloned());
    let find = |snapshot: &Snapshot| {
        let host = domain::gateway_service::CanonicalHost::parse_route_host("api.example.com").unwrap();
        let path = domain::gateway_service::CanonicalPath::parse("/mock/x").unwrap();
        snapshot.routes().find(&host, &path, "GET").unwrap()
    };
    assert!(matches!(find(&after), Some(Found::Live { version, .. }) if version == id));
    assert!(after.version(id).is_some_and(|version| version.strategy.is_none()));

    record["version"]["state"]["lifecycle"] = json!("PAUSED");
    let unreadable = decode(&record.to_string()).unwrap();
    let after = snapshot(scene.iter().cloned().chain([unreadable]));
    assert!(matches!(find(&after), Some(Found::Retired { version }) if version == id));

    record["version"]["state"]["service"]["routes"][0]["headers"] = json!(["x"]);
    let unreadable = decode(&record.to_string()).unwrap();
    assert!(matches!(&unreadable, Update::Version(of, Some(version)) if *of == id && version.service.is_none()));
}

#[test]
fn a_service_that_the_domain_refuses_closes() {
    let scene = scene();
    let mut record = written(&scene[1]);
    record["version"]["state"]["service"]["upstream_url"] = json!("ftp://upstream.example");
    closes(&scene, 1, &record);
    let closed = decode(&record.to_string()).unwrap();
    assert!(matches!(closed, Update::Version(_, Some(version)) if version.service.is_none()));
}

#[test]
fn of_a_strategy_that_cannot_be_read_the_key_headers_are_known_where_they_are_told() {
    let scene = scene();
    let names_of = |record: &Value| match decode(&record.to_string()).unwrap() {
        Update::Unreadable(Unreadable::AuthStrategy { key_names, .. }) => key_names,
        other => panic!("{other:?}"),
    };
    let mut record = written(&scene[0]);
    record["auth_strategy"]["state"]["kind"] = json!("MUTUAL_TLS");
    record["auth_strategy"]["state"]["key_names"] = json!(["x-newer", 7, "apikey"]);
    assert_eq!(names_of(&record), ["x-newer", "apikey"]);
    record["auth_strategy"]["state"]["key_names"] = json!({ "in": "x-newer" });
    assert_eq!(names_of(&record), [""; 0]);
    record["auth_strategy"]["state"] = json!("x-newer");
    assert_eq!(names_of(&record), [""; 0]);
}

#[test]
fn what_stands_for_nothing_that_is_known_closes_everything() {
    let app = written(&scene()[3]);
    let mut two_kinds = app.clone();
    two_kinds["developer"] = json!({});
    let mut other_id = app.clone();
    other_id["app"]["id"] = json!("dev_01h455vb4pex5vsknk084sn02q");
    let mut no_id = app;
    no_id["app"].as_object_mut().unwrap().remove("id");
    for record in [
        json!({ "quota": { "id": AppId::new().to_string(), "state": null } }),
        json!({}),
        json!([]),
        json!("app"),
        json!(null),
        json!({ "app": null }),
        json!({ "access_request": { "app": AppId::new().to_string(), "state": null } }),
        two_kinds,
        other_id,
        no_id,
    ] {
        assert!(decode(&record.to_string()).is_err(), "{record}");
    }
}
