//! Where a sign-in is kept, and where it is not.

use std::{fs, os::unix::fs::PermissionsExt};

use portico_tests::server::{ADMIN_PASSWORD, TestServer};

use crate::porticoctl::Porticoctl;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_kept_for_its_owner_alone_until_they_sign_out() {
    let server = TestServer::start().await;
    let admin = Porticoctl::of_admin(&server).await;
    let file = admin.folder().join("default.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert!(kept["tokens"]["refreshToken"].is_string());
    assert!(!kept.to_string().contains(ADMIN_PASSWORD));
    let whoami = admin.run(&["whoami"]).await.succeeded();
    assert!(!whoami.stdout.contains(kept["tokens"]["accessToken"].as_str().unwrap()));

    admin.run(&["sign-out"]).await.succeeded();
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert!(kept["tokens"].is_null(), "{kept}");
    admin.run(&["whoami"]).await.with_code(4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_signs_in_for_one_command_and_nothing_is_kept() {
    let server = TestServer::start().await;
    let script = Porticoctl::of(&server);
    let account = [
        ("PORTICO_EMAIL", "admin@example.com"),
        ("PORTICO_PASSWORD", ADMIN_PASSWORD),
        ("PORTICO_REALM", "ADMIN"),
    ];
    let whoami = script.with(&account, &["whoami"]).await.succeeded();
    assert!(whoami.stdout.contains("admin@example.com"), "{}", whoami.stdout);
    assert_eq!(fs::read_dir(script.folder()).unwrap().count(), 0);
    script.run(&["whoami"]).await.with_code(4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_not_sent_to_another_server_than_the_one_that_gave_them() {
    let (one, other) = (TestServer::start().await, TestServer::start().await);
    let admin = Porticoctl::of_admin(&one).await;
    let elsewhere = other.endpoint();
    admin
        .with(&[("PORTICO_ENDPOINT", &elsewhere)], &["apps", "list"])
        .await
        .with_code(4);
    // Nor is what was kept for the one forgotten at the other.
    admin
        .with(&[("PORTICO_ENDPOINT", &elsewhere)], &["sign-out"])
        .await
        .with_code(4);
    admin.run(&["apps", "list"]).await.succeeded();
}
