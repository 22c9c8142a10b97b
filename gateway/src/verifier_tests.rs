//! What a service is told to answer, and what it gets to see.

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::{ApiKey, ApiKeyPrefix},
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    contact::Contact,
    credential::CredentialKind,
    developer::DeveloperStatus,
    gateway_service::{GatewayService, RouteInput},
    id::{AuthStrategyId, DeveloperId},
    version::VersionLifecycle,
};
use http::Request;

use super::*;
use crate::{
    DENIAL_HEADER, SnapshotWriter,
    record::{AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord, VersionRecord},
};

/// An app whose key opens a version, served below `/mock`.
struct Scene {
    writer: SnapshotWriter,
    decisions: Decisions,
    version: VersionRecord,
    app: AppId,
    credential: CredentialRecord,
    key: ApiKey,
}

impl Scene {
    fn new() -> Self {
        let (mut writer, reader) = snapshot::channel();
        let (developer, app) = (DeveloperId::new(), AppId::new());
        let key = ApiKey::generate(&ApiKeyPrefix::default(), &mut rand::rng());
        let route = RouteInput {
            hosts: Vec::new(),
            paths: vec!["/mock".to_owned()],
            methods: vec!["GET".to_owned()],
            strip_path: true,
        };
        let strategy = AuthStrategyRecord {
            id: AuthStrategyId::new(),
            kind: AuthStrategyType::KeyAuth,
            key_names: vec!["apikey".to_owned()],
            credential_ttl_days: None,
        };
        let version = VersionRecord {
            id: VersionId::new(),
            lifecycle: VersionLifecycle::Active,
            strategy: Some(strategy.id),
            service: Some(GatewayService::validate("http://upstream.example", &[route]).unwrap()),
        };
        let credential = CredentialRecord {
            id: CredentialId::new(),
            app_id: app,
            kind: CredentialKind::ApiKey,
            key_hash: Some(key.hash()),
            created_at: Timestamp::now(),
            expires_at: None,
            revoked_at: None,
        };
        let developer = DeveloperRecord {
            id: developer,
            status: DeveloperStatus::Approved,
        };
        let app_record = AppRecord {
            id: app,
            developer_id: developer.id,
            status: AppStatus::Active,
            name: "Zürich 100%".to_owned(),
            reference_id: "mobile-1".to_owned(),
        };
        let request = AccessRequestRecord {
            app_id: app,
            version_id: version.id,
            status: AccessRequestStatus::Approved,
        };
        writer.replace([
            strategy.into(),
            version.clone().into(),
            developer.into(),
            app_record.into(),
            credential.clone().into(),
            request.into(),
        ]);
        let decisions = Decisions {
            reader,
            usage: Arc::new(Usage::new()),
            max_staleness: MaxStaleness::default(),
            is_stopped: AtomicBool::new(false),
        };
        Self {
            writer,
            decisions,
            version,
            app,
            credential,
            key,
        }
    }

    /// A request with the key.
    fn request(&self, target: &str) -> Parts {
        let request = Request::get(target)
            .header("host", "a.example")
            .header("apikey", self.key.expose());
        request.body(()).unwrap().into_parts().0
    }

    fn version_becomes(&mut self, lifecycle: VersionLifecycle) {
        self.version.lifecycle = lifecycle;
        self.writer.apply([self.version.clone().into()]).unwrap();
    }
}

fn parts(target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::get(target).header("host", "a.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn who_may_pass_is_told_and_the_service_sees_no_key() {
    let scene = Scene::new();
    for version in [None, Some(scene.version.id)] {
        let mut request = scene.request("/mock/accounts?a=b");
        for forged in ["x-consumer-id", "X_Consumer_Username", "x-portico-denial"] {
            request.headers.insert(
                http::HeaderName::try_from(forged).unwrap(),
                http::HeaderValue::from_static("forged"),
            );
        }
        let caller = scene.decisions.verify(&mut request, version).unwrap();
        assert_eq!(
            caller,
            VerifiedCaller {
                app_id: scene.app,
                app_name: "Zürich 100%".to_owned(),
                reference_id: "mobile-1".to_owned(),
                credential_id: scene.credential.id,
                version_id: scene.version.id,
            }
        );
        let left: Vec<&str> = request.headers.keys().map(http::HeaderName::as_str).collect();
        assert_eq!(left, ["host"]);
        let used = scene.decisions.usage.drain();
        assert_eq!(used.len(), 1);
        assert_eq!(used[0].0, scene.credential.id);
    }
}

#[test]
fn refusals_are_the_gateways() {
    let mut scene = Scene::new();
    let id = scene.version.id;
    let other_key = ApiKey::generate(&ApiKeyPrefix::default(), &mut rand::rng());
    let refused =
        |scene: &Scene, mut request: Parts, version| scene.decisions.verify(&mut request, version).unwrap_err();
    for version in [None, Some(id)] {
        assert_eq!(refused(&scene, parts("/mock", &[]), version), Refused::NoKey);
        for wrong in ["nonsense", other_key.expose()] {
            let request = parts("/mock", &[("apikey", wrong)]);
            assert_eq!(refused(&scene, request, version), Refused::Unauthorized);
        }
        let twice = parts("/mock", &[("apikey", "a"), ("apikey", "b")]);
        assert_eq!(refused(&scene, twice, version), Refused::DuplicateKey);
    }
    // Nobody's route, another spelling than the one decided on, and hosts in two readings: without a version alone.
    for (target, answer) in [
        ("/nowhere", Refused::NoRoute),
        ("//mock", Refused::BadRequest("The path is not in its canonical form")),
        ("/m%6fck", Refused::BadRequest("The path is not in its canonical form")),
        ("/mock/../mock", Refused::BadRequest("The path is malformed")),
        (
            "http://b.example/mock",
            Refused::BadRequest("The Host header is not that of the request target"),
        ),
    ] {
        assert_eq!(refused(&scene, scene.request(target), None), answer, "{target}");
        assert!(
            scene.decisions.verify(&mut scene.request(target), Some(id)).is_ok(),
            "{target}"
        );
    }
    let mut post = scene.request("/mock");
    post.method = http::Method::POST;
    assert_eq!(refused(&scene, post, None), Refused::NoRoute);
    assert_eq!(
        refused(&scene, scene.request("/mock"), Some(VersionId::new())),
        Refused::NoRoute
    );
    assert!(
        scene
            .decisions
            .usage
            .drain()
            .iter()
            .all(|(used, _)| *used == scene.credential.id)
    );

    let revoked = CredentialRecord {
        revoked_at: Some(Timestamp::from_millis(1)),
        ..scene.credential.clone()
    };
    scene.writer.apply([revoked.into()]).unwrap();
    for version in [None, Some(id)] {
        let denied = Denied(refused(&scene, scene.request("/mock"), version));
        assert_eq!(denied.reason(), Some("CREDENTIAL_REVOKED"));
        let response: Response<String> = denied.response();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Key");
        assert_eq!(response.headers()[DENIAL_HEADER], "CREDENTIAL_REVOKED");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.body(), r#"{"message":"Unauthorized"}"#);
    }
    assert_eq!(scene.decisions.usage.drain(), []);
}

#[test]
fn a_service_that_is_one_version_goes_by_its_lifecycle() {
    let mut scene = Scene::new();
    // A version without routes is called by nobody through a gateway, and may be a service all the same.
    scene.version.service = None;
    for (lifecycle, with_key, without) in [
        (VersionLifecycle::Active, None, 401),
        (VersionLifecycle::Deprecated, None, 401),
        (VersionLifecycle::Draft, Some((404, None)), 404),
        (VersionLifecycle::Retired, Some((410, Some("VERSION_RETIRED"))), 410),
    ] {
        scene.version_becomes(lifecycle);
        let version = Some(scene.version.id);
        let answer = scene.decisions.verify(&mut scene.request("/anywhere"), version).err();
        let answer = answer.map(|refused| (refused.status().as_u16(), refused.denial()));
        assert_eq!(answer, with_key, "{lifecycle}");
        let refused = scene
            .decisions
            .verify(&mut parts("/anywhere", &[]), version)
            .unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.denial()),
            (without, None),
            "{lifecycle}"
        );
    }
}

#[test]
fn without_a_state_that_is_young_enough_nothing_passes() {
    let mut scene = Scene::new();
    let version = Some(scene.version.id);
    assert!(scene.decisions.verify(&mut scene.request("/"), version).is_ok());
    // As when nobody has looked at its age for more than a day.
    let clock = scene.writer.clock().clone();
    let long_ago = Timestamp::now().saturating_sub(Duration::from_secs(2 * 24 * 60 * 60));
    clock.note(Contact::of_copy(long_ago, clock.reading()));
    let stale = scene.decisions.verify(&mut scene.request("/"), version);
    assert_eq!(stale, Err(Refused::NotReady));
    clock.note(Contact::live(Timestamp::now(), clock.reading()));
    assert!(scene.decisions.verify(&mut scene.request("/"), version).is_ok());
    scene.writer.withdraw();
    let withdrawn = scene.decisions.verify(&mut scene.request("/"), version);
    assert_eq!(withdrawn, Err(Refused::NotReady));
}
