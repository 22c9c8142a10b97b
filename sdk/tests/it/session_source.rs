//! Where a session comes from: a store, or credentials that the client holds.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures_util::future::join_all;
use portico_sdk::{
    Error, ExposeSecret, Portico, Realm, SecretString, SessionTokens, StoreFuture, StoreLock, TokenStore,
};
use serde_json::json;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

use crate::server::{admin, bearer, builder, count, operation_name, session_answer, tokens};

/// A store that the test holds, too.
#[derive(Clone, Default)]
struct Shared(Arc<Inner>);

#[derive(Default)]
struct Inner {
    kept: Mutex<Option<SessionTokens>>,
    fails: AtomicBool,
    loads: AtomicUsize,
    saves: AtomicUsize,
    locked: Arc<AtomicUsize>,
}

impl Shared {
    fn holding(tokens: SessionTokens) -> Self {
        let store = Self::default();
        *store.0.kept.lock().unwrap() = Some(tokens);
        store
    }

    fn refresh_token(&self) -> Option<String> {
        let kept = self.0.kept.lock().unwrap();
        kept.as_ref()
            .map(|tokens| tokens.refresh_token.expose_secret().to_owned())
    }

    fn check(&self) -> Result<(), portico_sdk::StoreError> {
        match self.0.fails.load(Ordering::SeqCst) {
            true => Err("the disk is full".into()),
            false => Ok(()),
        }
    }
}

/// Counts those that hold the lock.
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl TokenStore for Shared {
    fn load(&self) -> StoreFuture<'_, Option<SessionTokens>> {
        Box::pin(async {
            self.0.loads.fetch_add(1, Ordering::SeqCst);
            Ok(self.0.kept.lock().unwrap().clone())
        })
    }

    fn save<'a>(&'a self, tokens: &'a SessionTokens) -> StoreFuture<'a, ()> {
        Box::pin(async {
            self.check()?;
            assert_eq!(self.0.locked.load(Ordering::SeqCst), 1, "saved under the lock");
            self.0.saves.fetch_add(1, Ordering::SeqCst);
            *self.0.kept.lock().unwrap() = Some(tokens.clone());
            Ok(())
        })
    }

    fn clear(&self) -> StoreFuture<'_, ()> {
        Box::pin(async {
            *self.0.kept.lock().unwrap() = None;
            Ok(())
        })
    }

    fn lock(&self) -> StoreFuture<'_, StoreLock> {
        Box::pin(async {
            self.0.locked.fetch_add(1, Ordering::SeqCst);
            Ok(StoreLock::holding(Held(Arc::clone(&self.0.locked))))
        })
    }
}

/// A server that gives `signed-in` for the right password and `renewed` for the refresh token `good`, and takes both,
/// and `good` as well.
async fn server() -> MockServer {
    let server = MockServer::start().await;
    let refusal = |root: &str| {
        json!({"data": {root: {"session": null, "userErrors": [
            {"field": null, "message": "no", "code": "INVALID_CREDENTIALS"},
        ]}}})
    };
    Mock::given(method("POST"))
        .respond_with(move |request: &Request| {
            let input = request.body_json::<serde_json::Value>().unwrap()["variables"]["input"].clone();
            let answer = match operation_name(request).as_str() {
                "SignIn" if input["password"] == "right" => session_answer("signIn", "signed-in", "next"),
                "SignIn" => refusal("signIn"),
                "SignOut" => json!({"data": {"signOut": {"userErrors": []}}}),
                "RefreshSession" if input["refreshToken"] == "good" => {
                    session_answer("refreshSession", "renewed", "next")
                }
                "RefreshSession" => refusal("refreshSession"),
                _ => match bearer(request).as_deref() {
                    Some("signed-in" | "renewed" | "kept") => json!({"data": {"viewer": admin()}}),
                    None => json!({"data": {"viewer": null}}),
                    Some(_) => json!({"errors": [{"message": "sign in", "extensions": {"code": "UNAUTHENTICATED"}}]}),
                },
            };
            ResponseTemplate::new(200).set_body_json(answer)
        })
        .mount(&server)
        .await;
    server
}

fn with_credentials(server: &MockServer, password: &str) -> portico_sdk::Builder {
    builder(server).credentials(Realm::Admin, "admin@example.com", SecretString::from(password))
}

async fn signed_in(portico: &Portico) -> bool {
    portico.viewer().await.unwrap().is_some()
}

#[tokio::test]
async fn a_client_with_credentials_signs_in_by_itself_once() {
    let server = server().await;
    let portico = with_credentials(&server, "right").build().unwrap();
    assert!(portico.tokens().is_none());
    let answers = join_all((0..20).map(|_| portico.viewer())).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().is_some()));
    assert_eq!(count(&server, "SignIn").await, 1);
    assert!(!signed_in(&portico.without_session()).await);

    portico.sign_out().await.unwrap();
    assert!(signed_in(&portico).await, "it signs in again");
    assert_eq!(count(&server, "SignIn").await, 2);
}

#[tokio::test]
async fn a_session_that_ended_is_begun_anew_with_credentials() {
    let server = server().await;
    let portico = with_credentials(&server, "right")
        .session(tokens("old", "used before", 0))
        .build()
        .unwrap();
    let answers = join_all((0..20).map(|_| portico.viewer())).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().is_some()));
    assert_eq!(count(&server, "RefreshSession").await, 1);
    assert_eq!(count(&server, "SignIn").await, 1);
}

#[tokio::test]
async fn a_refused_password_is_not_tried_again() {
    let server = server().await;
    let portico = with_credentials(&server, "wrong").build().unwrap();
    for _ in 0..3 {
        let error = portico.viewer().await.unwrap_err();
        assert!(matches!(error, Error::Session { ended: true, .. }), "{error:?}");
        assert_eq!(error.code(), Some("INVALID_CREDENTIALS"));
    }
    assert_eq!(count(&server, "SignIn").await, 1);
    let right = SecretString::from("right");
    portico.sign_in(Realm::Admin, "admin@example.com", right).await.unwrap();
    assert!(signed_in(&portico).await);
}

#[tokio::test]
async fn a_session_is_taken_from_the_store_and_kept_there() {
    let server = server().await;
    let store = Shared::holding(tokens("kept", "good", 3600));
    let portico = builder(&server).token_store(store.clone()).build().unwrap();
    assert!(signed_in(&portico).await && signed_in(&portico).await);
    assert_eq!(store.0.loads.load(Ordering::SeqCst), 1);
    assert_eq!(store.0.saves.load(Ordering::SeqCst), 0);

    let store = Shared::holding(tokens("old", "good", 0));
    let portico = builder(&server).token_store(store.clone()).build().unwrap();
    assert!(signed_in(&portico).await);
    assert_eq!(store.refresh_token().as_deref(), Some("next"), "renewed and kept");
    portico.sign_out().await.unwrap();
    assert_eq!(store.refresh_token(), None);
    assert!(!signed_in(&portico).await);

    let right = SecretString::from("right");
    portico.sign_in(Realm::Admin, "admin@example.com", right).await.unwrap();
    assert_eq!(store.refresh_token().as_deref(), Some("next"));
    assert_eq!(store.0.locked.load(Ordering::SeqCst), 0, "no lock is left behind");
}

#[tokio::test]
async fn an_empty_store_is_nobody_and_fills_with_credentials() {
    let server = server().await;
    let store = Shared::default();
    let portico = builder(&server).token_store(store.clone()).build().unwrap();
    assert!(!signed_in(&portico).await);
    let portico = with_credentials(&server, "right")
        .token_store(store.clone())
        .build()
        .unwrap();
    assert!(signed_in(&portico).await);
    assert_eq!(store.refresh_token().as_deref(), Some("next"));
}

/// Two processes share a store; a refresh token counts once.
#[tokio::test]
async fn what_another_process_has_renewed_is_taken_over() {
    let server = server().await;
    let store = Shared::holding(tokens("old", "good", 0));
    let ours = builder(&server)
        .session(tokens("older", "used before", 0))
        .token_store(store.clone());
    let ours = ours.build().unwrap();
    let theirs = builder(&server).token_store(store.clone()).build().unwrap();
    assert!(signed_in(&theirs).await);
    assert!(signed_in(&ours).await);
    assert_eq!(count(&server, "RefreshSession").await, 1);
}

#[tokio::test]
async fn a_session_that_ended_is_cleared_from_the_store() {
    let server = server().await;
    let store = Shared::holding(tokens("old", "used before", 0));
    let portico = builder(&server).token_store(store.clone()).build().unwrap();
    let error = portico.viewer().await.unwrap_err();
    assert!(matches!(error, Error::Session { ended: true, .. }), "{error:?}");
    assert_eq!(store.refresh_token(), None);
}

#[tokio::test]
async fn a_store_that_fails_is_told_once_and_costs_no_session() {
    let server = server().await;
    let store = Shared::holding(tokens("old", "good", 0));
    store.0.fails.store(true, Ordering::SeqCst);
    let portico = builder(&server).token_store(store.clone()).build().unwrap();
    let error = portico.viewer().await.unwrap_err();
    let Error::Session {
        ended: false, source, ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert!(matches!(**source, Error::TokenStore(_)), "{error:?}");
    assert!(!error.is_retryable());
    assert!(signed_in(&portico).await, "the renewed session goes on in memory");
    assert_eq!(count(&server, "RefreshSession").await, 1);

    let portico = builder(&server).token_store(store).build().unwrap();
    let right = SecretString::from("right");
    let error = portico
        .sign_in(Realm::Admin, "admin@example.com", right)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TokenStore(_)), "{error:?}");
    assert!(signed_in(&portico).await);
}
