//! The SDK against a real server: what its own tests can only play.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::api_key::{ApiKey, ApiKeyPrefix};
use portico_sdk::{
    AccessRequestStatus, AppFilter, CreateAppInput, Error, GenerateCredentialInput, KeyForm, KeyFormError, Portico,
    Realm, RequestAccessInput, RetryPolicy, RotateCredentialInput, SecretLost, SecretString, SessionTokens,
    StoreFuture, Timestamp, TokenStore, blocking,
};
use portico_tests::{
    fixture,
    server::{ADMIN_PASSWORD, PATIENCE, TestServer},
    upstream::Upstream,
};

#[path = "../../sdk/examples/approve_queue.rs"]
#[allow(dead_code)]
mod approve_queue;
#[path = "../../sdk/examples/register_app.rs"]
#[allow(dead_code)]
mod register_app;
#[path = "../../sdk/examples/rotate_keys.rs"]
#[allow(dead_code)]
mod rotate_keys;

/// A session that outlives its client, as a file would.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Option<SessionTokens>>>);

impl TokenStore for Kept {
    fn load(&self) -> StoreFuture<'_, Option<SessionTokens>> {
        Box::pin(async { Ok(self.0.lock().unwrap().clone()) })
    }

    fn save<'a>(&'a self, tokens: &'a SessionTokens) -> StoreFuture<'a, ()> {
        Box::pin(async {
            *self.0.lock().unwrap() = Some(tokens.clone());
            Ok(())
        })
    }

    fn clear(&self) -> StoreFuture<'_, ()> {
        Box::pin(async {
            *self.0.lock().unwrap() = None;
            Ok(())
        })
    }
}

/// The examples are the flow: a developer registers, an admin works the queue, the developer rotates.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_do_what_they_say() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    fixture::publish(&admin, &upstream, "mock", false).await;
    let dana = server.developer(&admin, "dana").await;

    let registering = register_app::register(&dana.client, "mock", "v1", "mobile-banking");
    let deciding = async {
        // Until the request is there, the queue is empty.
        loop {
            assert_eq!(approve_queue::approve(&admin, "other.org").await.unwrap(), []);
            let approved = approve_queue::approve(&admin, "Example.com").await.unwrap();
            if !approved.is_empty() {
                break approved;
            }
            tokio::task::yield_now().await;
        }
    };
    let both = tokio::time::timeout(PATIENCE, async { tokio::join!(registering, deciding) });
    let (key, approved) = both.await.unwrap();
    let key = key.unwrap();
    assert_eq!(approved.len(), 1);
    assert_eq!(server.verdict("/mock", Some(key.expose())).await, (200, None));

    let apps = dana.client.apps().list().stream().try_collect().await.unwrap();
    let [app] = apps.as_slice() else { panic!("{apps:?}") };
    let none = rotate_keys::rotate(&dana.client, &app.id, app.created_at)
        .await
        .unwrap();
    assert!(none.is_empty(), "none is older than its app");
    let later = Timestamp::from_unix_milliseconds(Timestamp::now().unix_milliseconds() + 1000).unwrap();
    let mut rotated = rotate_keys::rotate(&dana.client, &app.id, later).await.unwrap();
    let (_, new_key) = rotated.remove(0);
    assert!(rotated.is_empty());
    for key in [&key, &new_key] {
        assert_eq!(server.verdict("/mock", Some(key.expose())).await, (200, None));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_a_decision_too() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", false).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    let input = RequestAccessInput::new(&app.id, &published.version.id);
    let submitted = dana.client.access_requests().request(input).await.unwrap();
    let soon = submitted
        .wait_until_decided(Duration::from_millis(100))
        .await
        .unwrap_err();
    assert!(matches!(soon, Error::Undecided { .. }), "{soon:?}");
    let reject = portico_sdk::RejectAccessRequestInput::new(&submitted.id, "not now");
    let rejecting = admin.access_requests().reject(reject);
    let (decided, rejected) = tokio::join!(submitted.wait_until_decided(PATIENCE), rejecting);
    rejected.unwrap();
    let decided = decided.unwrap();
    assert_eq!(decided.status, AccessRequestStatus::Rejected);
    assert_eq!(decided.decision.unwrap().reason.as_deref(), Some("not now"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_to_its_end_over_pages() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    for number in 0..7 {
        fixture::app(&dana, &format!("app-{number}")).await;
    }
    let apps = dana.client.apps();
    let names = async |list: portico_sdk::page::ListStream<portico_sdk::App>| -> Vec<String> {
        list.try_collect()
            .await
            .unwrap()
            .into_iter()
            .map(|app| app.name)
            .collect()
    };
    let newest_first: Vec<_> = (0..7).rev().map(|number| format!("app-{number}")).collect();
    let oldest_first: Vec<_> = newest_first.iter().rev().cloned().collect();
    for size in [1, 2, 3, 7, 100] {
        assert_eq!(names(apps.list().page_size(size).stream()).await, newest_first);
        assert_eq!(names(apps.list().last(size).stream()).await, oldest_first);
    }
    let one = AppFilter::new().reference_id("app-3");
    assert_eq!(names(apps.list().filter(one).stream()).await, ["app-3"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_a_store_outlives_its_client() {
    let server = TestServer::start().await;
    let store = Kept::default();
    let build = || {
        let builder = Portico::builder(server.endpoint()).token_store(store.clone());
        // Renewed with every call: no access token lives for a day.
        builder.renew_ahead(Duration::from_secs(86_400))
    };
    let credentials = |password: &str| build().credentials(Realm::Admin, "admin@example.com", password.into());
    let first = credentials(ADMIN_PASSWORD).build().unwrap();
    assert!(first.viewer().await.unwrap().is_some());
    drop(first);
    // The second has no password, and goes on with what the first one left.
    let second = build().build().unwrap();
    for _ in 0..3 {
        assert!(second.viewer().await.unwrap().is_some());
    }
    // The third has a copy that is older than the store's: a refresh token that was used before would end the session.
    let stale = store.0.lock().unwrap().clone().unwrap();
    assert!(second.viewer().await.unwrap().is_some());
    let third = build().session(stale.clone()).build().unwrap();
    assert!(third.viewer().await.unwrap().is_some());
    assert!(third.viewer().await.unwrap().is_some());

    // Without the store the old copy ends the session, and says so.
    let thief = Portico::builder(server.endpoint())
        .session(stale)
        .renew_ahead(Duration::from_secs(86_400))
        .build()
        .unwrap();
    let ended = |error: &Error| matches!(error, Error::Session { ended: true, .. });
    assert!(ended(&thief.viewer().await.unwrap_err()));
    assert!(ended(&third.viewer().await.unwrap_err()));
    assert!(store.0.lock().unwrap().is_none());
    let wrong = credentials("not the admin's password").build().unwrap();
    assert!(ended(&wrong.viewer().await.unwrap_err()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_answer_was_lost_is_told_and_replaced() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    let credentials = dana.client.credentials();
    let input = GenerateCredentialInput::new(&app.id).idempotency_key("once");
    let first = credentials.generate(input.clone()).await.unwrap();
    let error = credentials.generate(input).await.unwrap_err();
    let Error::SecretLost(SecretLost::Credential(lost)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(lost.id, first.credential.id);
    let rotated = credentials.rotate(RotateCredentialInput::new(&lost.id)).await.unwrap();
    assert_ne!(rotated.secret.expose(), first.secret.expose());

    let made = dana
        .client
        .apps()
        .create(CreateAppInput::new("One", "one"))
        .await
        .unwrap();
    assert!(!made.replayed);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_wait_for_a_server_that_is_on_its_way() {
    let server = TestServer::start().await;
    let listen = server.server().listen();
    let patient = RetryPolicy::new()
        .max_retries(1000)
        .first_delay(Duration::from_millis(10))
        .max_delay(Duration::from_millis(50));
    let portico = Portico::builder(format!("http://{listen}"))
        .retry(patient)
        .credentials(Realm::Admin, "admin@example.com", SecretString::from(ADMIN_PASSWORD))
        .build()
        .unwrap();
    assert!(portico.viewer().await.unwrap().is_some());
    server.stop().await;
    let hasty = Portico::builder(format!("http://{listen}"))
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    assert!(hasty.viewer().await.unwrap_err().is_retryable());
    // The port is free again; the first who listens there is whom the client meets.
    let waiting = tokio::spawn(async move { portico.viewer().await });
    let stand_in = tokio::net::TcpListener::bind(listen).await.unwrap();
    let answer = axum::Router::new().fallback(|| async {
        let nobody = serde_json::json!({"data": {"viewer": null}});
        axum::Json(nobody)
    });
    let serving = tokio::spawn(async move { axum::serve(stand_in, answer).await });
    assert_eq!(waiting.await.unwrap().unwrap(), None);
    serving.abort();
}

#[test]
fn code_that_is_not_async_goes_the_same_way() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, admin) = runtime.block_on(async {
        let server = TestServer::start().await;
        let admin = server.admin().await;
        (server, admin)
    });
    let dana = runtime.block_on(server.developer(&admin, "dana"));
    let settings = Portico::builder(server.endpoint()).session(dana.client.tokens().unwrap());
    let portico = blocking::Client::new(settings).unwrap();
    for name in ["one", "two", "three"] {
        portico
            .wait(portico.apps().create(CreateAppInput::new(name, name)))
            .unwrap();
    }
    let apps = portico.iter(portico.apps().list().page_size(2).stream());
    let names: Vec<_> = apps.map(|app| app.unwrap().name).collect();
    assert_eq!(names, ["three", "two", "one"]);
    runtime.block_on(server.stop());
}

/// The SDK's check is its own, because the SDK depends on nothing of the server's.
#[test]
fn keys_have_the_form_that_the_sdk_checks() {
    let mut random = rand::rng();
    for text in ["ptk_", "acme_live_", "a_"] {
        let prefix = ApiKeyPrefix::new(text).unwrap();
        let form = KeyForm::with_prefix(text);
        for _ in 0..100 {
            let key = ApiKey::generate(&prefix, &mut random);
            assert_eq!(form.check(key.expose()), Ok(()));
            let other = key.expose().replacen('_', "x", 1);
            assert_eq!(form.check(&other), Err(KeyFormError::Prefix));
        }
    }
}
