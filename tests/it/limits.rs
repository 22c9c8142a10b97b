//! How much a developer and an app may have, configured small, through the SDK.

use futures_util::future::join_all;
use portico_sdk::{
    CreateAppInput, CredentialStatus, Error, GenerateCredentialInput, RejectAccessRequestInput,
    RevokeAccessRequestInput, RotateCredentialInput, UpdateAppInput,
};
use portico_tests::{
    fixture, refusal,
    server::{TestDeveloper, TestServer},
    upstream::Upstream,
};

use crate::gateway_equality::assert_gateway_equals_database;

fn limit_reached(field: &str) -> Vec<(String, String)> {
    vec![("LIMIT_REACHED".to_owned(), field.to_owned())]
}

async fn another_app(developer: &TestDeveloper, reference_id: &str) -> Result<(), Error> {
    let input = CreateAppInput::new(reference_id, reference_id);
    developer.client.apps().create(input).await.map(|_| ())
}

#[tokio::test]
async fn a_developer_has_so_many_apps_and_not_one_more() {
    let server = TestServer::start_with(|options| options.max_apps_per_developer = 2).await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    let first = fixture::app(&dana, "first").await;
    fixture::app(&dana, "second").await;
    assert_eq!(refusal::codes(another_app(&dana, "third").await), limit_reached(""));
    assert_eq!(dana.client.apps().list().page().await.unwrap().nodes.len(), 2);
    // Each developer has their own, a suspended app is still one, and a deleted one makes room.
    let otto = server.developer(&admin, "otto").await;
    another_app(&otto, "of-otto").await.unwrap();
    admin.apps().suspend(&first.id, "misuse").await.unwrap();
    assert_eq!(refusal::codes(another_app(&dana, "third").await), limit_reached(""));
    admin.apps().resume(&first.id).await.unwrap();
    dana.client.apps().delete(&first.id).await.unwrap();
    another_app(&dana, "third").await.unwrap();
    assert_eq!(refusal::codes(another_app(&dana, "fourth").await), limit_reached(""));
    server.stop().await;
}

#[tokio::test]
async fn an_app_has_so_many_live_keys_and_one_in_its_overlap_is_not_counted() {
    let server = TestServer::start_with(|options| options.max_keys_per_app = 2).await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    fixture::request(&dana, &app, &published.version).await;
    let credentials = dana.client.credentials();
    let generate = async || credentials.generate(GenerateCredentialInput::new(&app.id)).await;
    let (first, replaced_key) = fixture::key(&dana, &app).await;
    fixture::key(&dana, &app).await;
    assert_eq!(refusal::codes(generate().await), limit_reached("appId"));

    // Rotating at the limit works, and both keys open the gateway: three live ones, of which two count.
    let rotate = RotateCredentialInput::new(&first.id).overlap_seconds(3600);
    let successor = credentials.rotate(rotate).await.unwrap();
    for key in [replaced_key.as_str(), successor.secret.expose()] {
        assert_eq!(server.verdict("/mock", Some(key)).await, (200, None));
    }
    let listed = credentials.list(&app.id).page().await.unwrap().nodes;
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|one| one.status == CredentialStatus::Active));
    assert_eq!(refusal::codes(generate().await), limit_reached("appId"));

    // Ending one that does not count makes no room; ending one that does makes room for one.
    credentials.revoke(&first.id).await.unwrap();
    assert_eq!(refusal::codes(generate().await), limit_reached("appId"));
    credentials.revoke(&successor.credential.id).await.unwrap();
    generate().await.unwrap();
    assert_eq!(refusal::codes(generate().await), limit_reached("appId"));
    // Another app has its own.
    let other = fixture::app(&dana, "other").await;
    fixture::key(&dana, &other).await;
    assert_gateway_equals_database(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_chain_of_rotations_is_no_way_around_the_limit() {
    let server = TestServer::start_with(|options| options.max_keys_per_app = 2).await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    fixture::request(&dana, &app, &published.version).await;
    let credentials = dana.client.credentials();
    let (first, first_key) = fixture::key(&dana, &app).await;
    let mut keys = vec![first_key];
    let mut newest = first.id.clone();
    let week = |id: &portico_sdk::CredentialId| RotateCredentialInput::new(id).overlap_seconds(604_800);
    for _ in 0..2 {
        let rotated = credentials.rotate(week(&newest)).await.unwrap();
        keys.push(rotated.secret.expose().to_owned());
        newest = rotated.credential.id.clone();
    }
    assert_eq!(
        refusal::codes(credentials.rotate(week(&newest)).await),
        limit_reached("overlapSeconds")
    );
    for key in &keys {
        assert_eq!(server.verdict("/mock", Some(key)).await, (200, None));
    }
    // A key that has leaked can always be replaced; and ending one in its overlap makes room for another.
    let rotated = credentials.rotate(RotateCredentialInput::new(&newest)).await.unwrap();
    let newest = rotated.credential.id.clone();
    assert_eq!(
        refusal::codes(credentials.rotate(week(&newest)).await),
        limit_reached("overlapSeconds")
    );
    credentials.revoke(&first.id).await.unwrap();
    credentials.rotate(week(&newest)).await.unwrap();
    assert_gateway_equals_database(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_developer_holds_so_many_reference_ids_and_freed_ones_are_theirs() {
    let server = TestServer::start_with(|options| options.max_apps_per_developer = 1).await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "id-0").await;
    let apps = dana.client.apps();
    let rename = async |reference_id: &str| {
        let change = UpdateAppInput::new(&app.id).reference_id(reference_id);
        apps.update(change).await.map(|_| ())
    };
    for number in 1..10 {
        rename(&format!("id-{number}")).await.unwrap();
    }
    assert_eq!(refusal::codes(rename("id-10").await), limit_reached("referenceId"));
    // What is refused is not held: others may have it. What is held may be used again.
    let otto = server.developer(&admin, "otto").await;
    another_app(&otto, "id-10").await.unwrap();
    rename("id-0").await.unwrap();
    apps.delete(&app.id).await.unwrap();
    assert_eq!(
        refusal::codes(another_app(&dana, "id-11").await),
        limit_reached("referenceId")
    );
    another_app(&dana, "id-2").await.unwrap();
    server.stop().await;
}

/// Each step of a request is followed, however often the app has asked before.
#[tokio::test]
async fn the_request_that_counts_is_the_open_one_or_the_latest() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", false).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    let (_, key) = fixture::key(&dana, &app).await;
    let requests = dana.client.access_requests();
    let denied = async |denial: &str| {
        let verdict = server.verdict("/mock", Some(key.as_str())).await;
        assert_eq!(verdict, (403, Some(denial.to_owned())));
    };
    for _ in 0..5 {
        let request = fixture::request(&dana, &app, &published.version).await;
        denied("REQUEST_PENDING").await;
        requests.cancel(&request.id).await.unwrap();
        denied("REQUEST_CANCELLED").await;
    }
    let request = fixture::request(&dana, &app, &published.version).await;
    admin
        .access_requests()
        .reject(RejectAccessRequestInput::new(&request.id, "no"))
        .await
        .unwrap();
    denied("REQUEST_REJECTED").await;
    let request = fixture::request(&dana, &app, &published.version).await;
    admin.access_requests().approve(&request.id, None).await.unwrap();
    assert_eq!(server.verdict("/mock", Some(key.as_str())).await, (200, None));
    admin
        .access_requests()
        .revoke(RevokeAccessRequestInput::new(&request.id, "no"))
        .await
        .unwrap();
    denied("REQUEST_REVOKED").await;
    assert_gateway_equals_database(&server).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_free_app_goes_to_one() {
    let server = TestServer::start_with(|options| options.max_apps_per_developer = 2).await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    let mut last = fixture::app(&dana, "stays").await;
    for round in 0..10 {
        let tries = (0..6).map(|number| {
            let (client, reference) = (dana.client.clone(), format!("app-{round}-{number}"));
            async move { client.apps().create(CreateAppInput::new(&reference, &reference)).await }
        });
        let (mut made, refused): (Vec<_>, Vec<_>) = join_all(tries).await.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 1, "round {round}");
        for result in refused {
            assert_eq!(refusal::codes(result), limit_reached(""));
        }
        assert_eq!(dana.client.apps().list().page().await.unwrap().nodes.len(), 2);
        let next = made.remove(0).unwrap().into_inner();
        dana.client.apps().delete(&last.id).await.unwrap();
        last = next;
    }
    server.stop().await;
}
