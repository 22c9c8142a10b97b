//! Sessions over HTTP: what a token is worth, for how long, and after what it is worth nothing.

use std::collections::BTreeSet;

use domain::Timestamp;
use portico_sdk::{Account, Portico, Realm, SecretString, SignUpInput};
use portico_tests::{
    graphql::{code, post},
    refusal,
    server::{ADMIN_PASSWORD, DEVELOPER_PASSWORD, TestServer},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const VIEWER: &str = "{ viewer { email } }";
const REFRESH: &str = "mutation ($token: String!) { refreshSession(input: { refreshToken: $token }) {
    session { accessToken refreshToken } userErrors { code field } } }";

fn access_token(client: &Portico) -> String {
    client.tokens().unwrap().access_token.expose_secret().to_owned()
}

fn refresh_token(client: &Portico) -> String {
    client.tokens().unwrap().refresh_token.expose_secret().to_owned()
}

/// The e-mail of whoever bears the token, or the code that it is refused with.
async fn bearer(server: &TestServer, token: &str) -> Result<String, String> {
    let answer = post(&server.endpoint(), Some(token), VIEWER, json!({})).await;
    match answer["data"]["viewer"]["email"].as_str() {
        Some(email) => Ok(email.to_owned()),
        None => Err(code(&answer).unwrap_or_default().to_owned()),
    }
}

fn unauthenticated() -> Result<String, String> {
    Err("UNAUTHENTICATED".to_owned())
}

#[tokio::test]
async fn a_revoked_developers_live_token_stops_at_once() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let developer = server.developer(&admin, "dana").await;
    let token = access_token(&developer.client);
    assert_eq!(bearer(&server, &token).await, Ok(developer.email.clone()));
    admin.developers().revoke(&developer.id, "left").await.unwrap();
    assert_eq!(bearer(&server, &token).await, unauthenticated());
    let again = server.anonymous();
    let sign_in = again.sign_in(Realm::Portal, &developer.email, SecretString::from(DEVELOPER_PASSWORD));
    assert_eq!(refusal::code(sign_in.await), "DEVELOPER_NOT_APPROVED");
    admin.developers().approve(&developer.id, None).await.unwrap();
    assert_eq!(bearer(&server, &token).await, unauthenticated());
    let sign_in = again.sign_in(Realm::Portal, &developer.email, SecretString::from(DEVELOPER_PASSWORD));
    assert_eq!(sign_in.await.unwrap().email(), developer.email);
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_developers_live_token_stops_at_once() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let developer = server.developer(&admin, "dana").await;
    let token = access_token(&developer.client);
    admin.developers().delete(&developer.id).await.unwrap();
    assert_eq!(bearer(&server, &token).await, unauthenticated());
    server.stop().await;
}

#[tokio::test]
async fn signing_out_ends_the_access_token_too() {
    let server = TestServer::start().await;
    let developer = server.pending_developer("dana").await;
    let token = access_token(&developer.client);
    let other = server.anonymous();
    let sign_in = other.sign_in(Realm::Portal, &developer.email, SecretString::from(DEVELOPER_PASSWORD));
    sign_in.await.unwrap();
    developer.client.sign_out().await.unwrap();
    assert_eq!(bearer(&server, &token).await, unauthenticated());
    assert_eq!(bearer(&server, &access_token(&other)).await, Ok(developer.email));
    server.stop().await;
}

#[tokio::test]
async fn sessions_outlive_a_restart() {
    let mut server = TestServer::start().await;
    let developer = server.pending_developer("dana").await;
    let (access, refresh) = (access_token(&developer.client), refresh_token(&developer.client));
    server.restart().await;
    assert_eq!(bearer(&server, &access).await, Ok(developer.email));
    let refreshed = post(&server.endpoint(), None, REFRESH, json!({ "token": refresh })).await;
    let next = refreshed["data"]["refreshSession"]["session"]["accessToken"].as_str();
    assert!(bearer(&server, next.unwrap()).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_the_session() {
    let server = TestServer::start().await;
    let developer = server.pending_developer("dana").await;
    let access = access_token(&developer.client);
    let first = json!({ "token": refresh_token(&developer.client) });
    let refreshed = post(&server.endpoint(), None, REFRESH, first.clone()).await;
    let session = &refreshed["data"]["refreshSession"]["session"];
    let next = session["accessToken"].as_str().unwrap();
    assert_eq!(bearer(&server, next).await, Ok(developer.email));
    let refused = json!([{"code": "INVALID_CREDENTIALS", "field": ["refreshToken"]}]);
    let reused = post(&server.endpoint(), None, REFRESH, first).await;
    assert_eq!(
        reused["data"]["refreshSession"],
        json!({"session": null, "userErrors": refused})
    );
    for token in [&access, next] {
        assert_eq!(bearer(&server, token).await, unauthenticated());
    }
    let last = json!({ "token": session["refreshToken"] });
    let over = post(&server.endpoint(), None, REFRESH, last).await;
    assert_eq!(over["data"]["refreshSession"]["userErrors"], refused);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_token_of_this_server_is_refused() {
    let server = TestServer::start().await;
    let elsewhere = TestServer::start().await;
    let own = access_token(&server.pending_developer("dana").await.client);
    let foreign = access_token(&elsewhere.pending_developer("dana").await.client);
    let refresh = refresh_token(&server.pending_developer("eve").await.client);
    let parts: Vec<&str> = own.split('.').collect();
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    let of_two = format!("{}.{}.{}", parts[0], foreign.split('.').nth(1).unwrap(), parts[2]);
    for token in [
        foreign.as_str(),
        &refresh,
        &unsigned,
        &of_two,
        "a.b.c",
        "junk",
        &own[1..],
    ] {
        assert_eq!(bearer(&server, token).await, unauthenticated(), "{token}");
    }
    assert!(bearer(&server, &own).await.is_ok());
    let nobody = post(&server.endpoint(), None, VIEWER, json!({})).await;
    assert_eq!(nobody["data"], json!({"viewer": null}));
    server.stop().await;
    elsewhere.stop().await;
}

#[tokio::test]
async fn the_realms_share_neither_accounts_nor_keys() {
    let server = TestServer::start().await;
    let developer = server.pending_developer("dana").await;
    let sign_in = |realm, email: &str, password: &str| {
        let (client, email, password) = (server.anonymous(), email.to_owned(), SecretString::from(password));
        async move { client.sign_in(realm, email, password).await }
    };
    for (realm, email, password) in [
        (Realm::Admin, developer.email.as_str(), DEVELOPER_PASSWORD),
        (Realm::Portal, "admin@example.com", ADMIN_PASSWORD),
    ] {
        assert_eq!(
            refusal::code(sign_in(realm, email, password).await),
            "INVALID_CREDENTIALS"
        );
    }
    // An admin's e-mail is free in the portal, and the account there is another.
    let input = SignUpInput::new(
        "admin@example.com",
        SecretString::from(DEVELOPER_PASSWORD),
        "Not the admin",
    );
    server.anonymous().sign_up(input).await.unwrap();
    let account = sign_in(Realm::Portal, "admin@example.com", DEVELOPER_PASSWORD)
        .await
        .unwrap();
    assert!(matches!(account, Account::Developer(_)));

    let mut sets = Vec::new();
    for realm in ["portal", "admin"] {
        let set = reqwest::get(server.api(&format!("/.well-known/{realm}/jwks.json")))
            .await
            .unwrap();
        let set: Value = set.json().await.unwrap();
        let keys = set["keys"].as_array().unwrap();
        assert!(keys.iter().all(|key| key["kty"] == "OKP" && key.get("d").is_none()));
        let kids = keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned());
        sets.push(kids.collect::<BTreeSet<String>>());
    }
    assert!(!sets[0].is_empty() && !sets[1].is_empty() && sets[0].is_disjoint(&sets[1]));
    server.stop().await;
}

#[tokio::test]
async fn guesses_are_slowed_down_and_say_when_to_come_back() {
    let server = TestServer::start().await;
    let mut tries = 0;
    let refused = loop {
        let guess = format!(
            "mutation {{ signIn(input: {{ email: \"eve@example.com\", password: \"{tries}\" }}) {{
            userErrors {{ code }} }} }}"
        );
        let answer = post(&server.endpoint(), None, &guess, json!({})).await;
        if code(&answer).is_some() {
            break answer;
        }
        assert_eq!(
            answer["data"]["signIn"]["userErrors"],
            json!([{"code": "INVALID_CREDENTIALS"}])
        );
        tries += 1;
        assert!(tries < 100, "never slowed down");
    };
    assert!(tries >= 10, "{tries}");
    assert_eq!(code(&refused), Some("RATE_LIMITED"));
    assert!(
        refused["errors"][0]["extensions"]["retryAfterSeconds"]
            .as_u64()
            .unwrap()
            >= 1
    );
    server.stop().await;
}

#[tokio::test]
async fn a_password_is_reset_by_a_token_that_an_admin_hands_over() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let developer = server.pending_developer("dana").await;
    let before = access_token(&developer.client);
    let issued = admin.developers().issue_password_reset(&developer.id).await.unwrap();
    let expires_at: Timestamp = issued.expires_at.to_string().parse().unwrap();
    let lasts = expires_at.saturating_duration_since(Timestamp::now()).as_secs();
    assert!((3_000..=3_600).contains(&lasts), "{lasts}");
    let reset = |password: &str| {
        let (client, token, password) = (server.anonymous(), issued.token.clone(), SecretString::from(password));
        async move { client.reset_password(token, password).await }
    };
    assert_eq!(
        refusal::codes(reset("short").await),
        [("INVALID".to_owned(), "newPassword".to_owned())]
    );
    reset("notes upon the memoir").await.unwrap();
    assert_eq!(bearer(&server, &before).await, unauthenticated());
    assert_eq!(
        refusal::code(reset("another good password").await),
        "INVALID_CREDENTIALS"
    );
    let client = server.anonymous();
    let sign_in = client.sign_in(
        Realm::Portal,
        &developer.email,
        SecretString::from("notes upon the memoir"),
    );
    sign_in.await.unwrap();
    let change = client.change_password(
        SecretString::from("notes upon the memoir"),
        SecretString::from(DEVELOPER_PASSWORD),
    );
    change.await.unwrap();
    assert_eq!(bearer(&server, &access_token(&client)).await, Ok(developer.email));
    server.stop().await;
}

#[tokio::test]
async fn the_first_admin_finds_the_password_in_a_file() {
    let mut server = TestServer::start_with(|options| {
        options.admin_email = None;
        options.admin_password = None;
    })
    .await;
    let path = server.server().first_admin_password_file().unwrap().to_owned();
    let password = std::fs::read_to_string(&path).unwrap();
    let sign_in = |server: &TestServer| {
        let (client, password) = (server.anonymous(), SecretString::from(password.trim_end()));
        async move { client.sign_in(Realm::Admin, "admin@localhost", password).await }
    };
    assert_eq!(sign_in(&server).await.unwrap().email(), "admin@localhost");
    server.restart().await;
    assert_eq!(server.server().first_admin_password_file(), None);
    assert_eq!(sign_in(&server).await.unwrap().email(), "admin@localhost");
    server.stop().await;
}

#[tokio::test]
async fn changing_the_password_ends_the_other_sessions() {
    let server = TestServer::start().await;
    let developer = server.pending_developer("dana").await;
    let other = server.anonymous();
    let sign_in = other.sign_in(Realm::Portal, &developer.email, SecretString::from(DEVELOPER_PASSWORD));
    sign_in.await.unwrap();
    let (elsewhere, renewal) = (access_token(&other), refresh_token(&other));
    assert_eq!(bearer(&server, &elsewhere).await, Ok(developer.email.clone()));
    let change = |current: &str| {
        let (client, current) = (developer.client.clone(), SecretString::from(current));
        async move {
            client
                .change_password(current, SecretString::from("notes upon the memoir"))
                .await
        }
    };
    assert_eq!(refusal::code(change("not the password").await), "INVALID_CREDENTIALS");
    assert_eq!(bearer(&server, &elsewhere).await, Ok(developer.email.clone()));
    change(DEVELOPER_PASSWORD).await.unwrap();
    assert_eq!(bearer(&server, &elsewhere).await, unauthenticated());
    let renewed = post(&server.endpoint(), None, REFRESH, json!({ "token": renewal })).await;
    let refused = &renewed["data"]["refreshSession"]["userErrors"][0]["code"];
    assert_eq!(refused, "INVALID_CREDENTIALS");
    assert_eq!(
        bearer(&server, &access_token(&developer.client)).await,
        Ok(developer.email)
    );
    server.stop().await;
}

#[tokio::test]
async fn a_token_of_one_realm_is_nothing_in_the_other() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let developer = server.developer(&admin, "dana").await;
    let approved = developer.client.developers().approve(&developer.id, None).await;
    assert_eq!(refusal::code(approved), "FORBIDDEN");
    let input = portico_sdk::CreateAppInput::new("Banking", "banking");
    assert_eq!(refusal::code(admin.apps().create(input).await), "FORBIDDEN");
    server.stop().await;
}
