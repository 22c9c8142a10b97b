//! Whatever comes at once: never a state that the rules forbid, in the API or at the gateway.

use futures_util::future::join_all;
use portico_sdk::{
    AccessRequestStatus, AppFilter, CreateAppInput, CreateVersionInput, CredentialStatus, DeveloperStatus,
    EnableRegistrationInput, Error, GenerateCredentialInput, Realm, RejectAccessRequestInput, RequestAccessInput,
    RouteInput, SecretLost, SecretString, SetGatewayServiceInput, SignUpInput, UpdatePortalInput,
};
use portico_tests::{
    fixture, refusal,
    server::{DEVELOPER_PASSWORD, TestServer},
    upstream::Upstream,
};

use crate::gateway_equality::assert_gateway_equals_database;

const ROUNDS: usize = 10;

fn denied(reason: &str) -> (u16, Option<String>) {
    (403, Some(reason.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_apps_of_one_reference_id_leave_one() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    let creates = (0..50).map(|number| {
        let client = dana.client.clone();
        async move {
            client
                .apps()
                .create(CreateAppInput::new(format!("App {number}"), "wanted"))
                .await
        }
    });
    let (made, refused): (Vec<_>, Vec<_>) = join_all(creates).await.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for result in refused {
        assert_eq!(refusal::codes(result), [("TAKEN".to_owned(), "referenceId".to_owned())]);
    }
    let filter = AppFilter::new().reference_id("wanted");
    let listed = admin.apps().list().filter(filter).page().await.unwrap().nodes;
    assert_eq!(listed.len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_approve_and_reject_one_wins() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", false).await;
    let dana = server.developer(&admin, "dana").await;
    for round in 0..ROUNDS {
        let app = fixture::app(&dana, &format!("app-{round}")).await;
        let request = fixture::request(&dana, &app, &published.version).await;
        let (_, key) = fixture::key(&dana, &app).await;
        let requests = admin.access_requests();
        let (approved, rejected) = tokio::join!(
            requests.approve(&request.id, None),
            requests.reject(RejectAccessRequestInput::new(&request.id, "no"))
        );
        let (won, loser, status, verdict) = match (approved, rejected) {
            (Ok(won), Err(lost)) => (won, lost, AccessRequestStatus::Approved, (200, None)),
            (Err(lost), Ok(won)) => (won, lost, AccessRequestStatus::Rejected, denied("REQUEST_REJECTED")),
            other => panic!("one of the two must win: {other:?}"),
        };
        assert_eq!(refusal::code(Err::<(), _>(loser)), "INVALID_TRANSITION");
        assert_eq!(won.status, status);
        assert_eq!(requests.get(&request.id).await.unwrap().unwrap().status, status);
        assert_eq!(server.verdict("/mock", Some(&key)).await, verdict);
        assert_gateway_equals_database(&server).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_who_is_revoked_while_asking_may_call_nothing() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    // As many as an account may sign in without being slowed down.
    for round in 0..8 {
        let app = fixture::app(&dana, &format!("app-{round}")).await;
        let (_, key) = fixture::key(&dana, &app).await;
        let (developers, requests) = (admin.developers(), dana.client.access_requests());
        let (revoked, requested) = tokio::join!(
            developers.revoke(&dana.id, "left"),
            requests.request(RequestAccessInput::new(&app.id, &published.version.id))
        );
        revoked.unwrap();
        let asked = match requested {
            Ok(request) => {
                assert_eq!(request.status, AccessRequestStatus::Approved);
                true
            }
            Err(Error::Session { ended: true, .. }) => false,
            Err(error) => {
                let code = refusal::code(Err::<(), _>(error));
                // To somebody who is not approved, the version does not exist.
                assert!(
                    ["NOT_FOUND", "DEVELOPER_NOT_APPROVED", "UNAUTHENTICATED"].contains(&code.as_str()),
                    "{code}"
                );
                false
            }
        };
        assert_eq!(server.verdict("/mock", Some(&key)).await, denied("DEVELOPER_REVOKED"));
        assert!(assert_gateway_equals_database(&server).await.is_empty());
        admin.developers().approve(&dana.id, None).await.unwrap();
        let verdict = if asked { (200, None) } else { denied("NOT_REQUESTED") };
        assert_eq!(server.verdict("/mock", Some(&key)).await, verdict, "round {round}");
        assert_gateway_equals_database(&server).await;
        let password = SecretString::from(DEVELOPER_PASSWORD);
        dana.client.sign_in(Realm::Portal, &dana.email, password).await.unwrap();
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_comes_before_registration_is_disabled_or_not_at_all() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let version = &published.version.id;
    let dana = server.developer(&admin, "dana").await;
    for round in 0..ROUNDS {
        let app = fixture::app(&dana, &format!("app-{round}")).await;
        let (_, key) = fixture::key(&dana, &app).await;
        let (registrations, requests) = (admin.registrations(), dana.client.access_requests());
        let (disabled, requested) = tokio::join!(
            registrations.disable(version),
            requests.request(RequestAccessInput::new(&app.id, version))
        );
        disabled.unwrap();
        let verdict = match requested {
            Ok(request) => {
                assert_eq!(request.status, AccessRequestStatus::Approved);
                (200, None)
            }
            Err(error) => {
                assert_eq!(refusal::code(Err::<(), _>(error)), "REGISTRATION_DISABLED");
                denied("NOT_REQUESTED")
            }
        };
        assert_eq!(server.verdict("/mock", Some(&key)).await, verdict, "round {round}");
        assert_gateway_equals_database(&server).await;
        let late = fixture::app(&dana, &format!("late-{round}")).await;
        let refused = requests.request(RequestAccessInput::new(&late.id, version)).await;
        assert_eq!(refusal::code(refused), "REGISTRATION_DISABLED");
        admin
            .registrations()
            .enable(EnableRegistrationInput::new(version))
            .await
            .unwrap();
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_versions_one_gets_the_path() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    let (_, key) = fixture::key(&dana, &app).await;
    for round in 0..ROUNDS {
        let mut versions = Vec::new();
        for side in ["left", "right"] {
            let input = CreateVersionInput::new(&published.product.id, format!("{side}-{round}"));
            let version = admin.versions().create(input).await.unwrap().into_inner();
            let enable = EnableRegistrationInput::new(&version.id).auto_approve(true);
            admin.registrations().enable(enable).await.unwrap();
            fixture::request(&dana, &app, &version).await;
            versions.push(version);
        }
        let path = format!("/contested-{round}");
        let claim = |version: usize, side: &str| {
            let url = format!("{}/{side}", upstream.url());
            let input = SetGatewayServiceInput::new(&versions[version].id, url, [RouteInput::path(&path)]);
            let admin = admin.clone();
            async move { admin.gateway_services().set(input).await }
        };
        let (winner, lost) = match tokio::join!(claim(0, "left"), claim(1, "right")) {
            (Ok(_), Err(lost)) => ("/left", lost),
            (Err(lost), Ok(_)) => ("/right", lost),
            other => panic!("one of the two must get the path: {other:?}"),
        };
        assert_eq!(refusal::code(Err::<(), _>(lost)), "ROUTE_CONFLICT");
        let seen: serde_json::Value = server.call(&path, Some(&key)).await.json().await.unwrap();
        assert!(seen["path"].as_str().unwrap().starts_with(winner), "{seen} {winner}");
        assert_gateway_equals_database(&server).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_free_key_goes_to_one() {
    let server = TestServer::start_with(|options| options.max_keys_per_app = 2).await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    for round in 0..ROUNDS {
        let app = fixture::app(&dana, &format!("app-{round}")).await;
        fixture::request(&dana, &app, &published.version).await;
        let (_, first) = fixture::key(&dana, &app).await;
        let tries = (0..6).map(|_| {
            let (client, input) = (dana.client.clone(), GenerateCredentialInput::new(&app.id));
            async move { client.credentials().generate(input).await }
        });
        let (mut made, refused): (Vec<_>, Vec<_>) = join_all(tries).await.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 1, "round {round}");
        for result in refused {
            assert_eq!(refusal::code(result), "LIMIT_REACHED");
        }
        let last = made.remove(0).unwrap().secret;
        for key in [first.as_str(), last.expose()] {
            assert_eq!(server.verdict("/mock", Some(key)).await.0, 200);
        }
        let listed = dana.client.credentials().list(&app.id).page().await.unwrap().nodes;
        assert_eq!(listed.len(), 2);
        assert!(
            listed
                .iter()
                .all(|credential| credential.status == CredentialStatus::Active)
        );
    }
    assert_eq!(assert_gateway_equals_database(&server).await.len(), 2 * ROUNDS);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_idempotency_key_makes_one_object() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    let creates = (0..20).map(|_| {
        let client = dana.client.clone();
        let input = CreateAppInput::new("Banking", "banking").idempotency_key("create-banking");
        async move { client.apps().create(input).await.unwrap() }
    });
    let made = join_all(creates).await;
    assert_eq!(made.iter().filter(|app| !app.replayed).count(), 1);
    assert!(made.iter().all(|app| app.id == made[0].id));
    assert_eq!(dana.client.apps().list().page().await.unwrap().nodes.len(), 1);

    let generates = (0..20).map(|_| {
        let client = dana.client.clone();
        let input = GenerateCredentialInput::new(&made[0].id).idempotency_key("the-first-key");
        async move { client.credentials().generate(input).await }
    });
    // Whoever was first has the secret, nobody else; the others learn which credential it was.
    let mut shown = Vec::new();
    let mut lost = Vec::new();
    for generated in join_all(generates).await {
        match generated {
            Ok(generated) => shown.push(generated.credential.id),
            Err(Error::SecretLost(SecretLost::Credential(credential))) => lost.push(credential.id),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!((shown.len(), lost.len()), (1, 19));
    assert!(lost.iter().all(|id| *id == shown[0]));
    let listed = dana.client.credentials().list(&made[0].id).page().await.unwrap().nodes;
    assert_eq!(listed.len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_up_while_the_account_is_deleted_is_approved_by_nobody_but_a_person() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let automatic = UpdatePortalInput::new().auto_approve_developers(true);
    admin.portal().update(automatic).await.unwrap();
    let anonymous = server.anonymous();
    for round in 0..ROUNDS {
        let input = || {
            let email = format!("dana-{round}@example.com");
            SignUpInput::new(email, SecretString::from(DEVELOPER_PASSWORD), "Dana")
        };
        let first = anonymous.sign_up(input()).await.unwrap();
        assert_eq!(first.status, DeveloperStatus::Approved);
        let developers = admin.developers();
        let (deleted, again) = tokio::join!(developers.delete(&first.id), anonymous.sign_up(input()));
        deleted.unwrap();
        match again {
            Ok(second) => assert_eq!(second.status, DeveloperStatus::Pending, "round {round}"),
            Err(error) => assert_eq!(refusal::code(Err::<(), _>(error)), "TAKEN"),
        }
    }
    server.stop().await;
}
