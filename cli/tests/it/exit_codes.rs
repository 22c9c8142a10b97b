//! What a script goes by: one number for each thing to do next.

use portico_tests::server::{ADMIN_PASSWORD, TestServer};
use serde_json::Value;

use crate::porticoctl::Porticoctl;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_failure_has_its_number() {
    let server = TestServer::start().await;
    let nobody = Porticoctl::of(&server);
    nobody.run(&["portal", "show"]).await.with_code(0);
    let signed_out = nobody.run(&["apps", "list"]).await.with_code(4);
    assert!(
        signed_out.stderr.contains("porticoctl sign-in"),
        "{}",
        signed_out.stderr
    );
    nobody.run(&["apps", "create"]).await.with_code(2);
    nobody.run(&["apps", "list", "--status", "SLEEPING"]).await.with_code(2);
    nobody
        .with(&[("PORTICO_EMAIL", "a@example.com")], &["apps", "list"])
        .await
        .with_code(2);
    let wrong = [("PORTICO_PASSWORD", "not the password at all")];
    nobody
        .with(&wrong, &["sign-in", "--email", "admin@example.com", "--realm", "ADMIN"])
        .await
        .with_code(3);

    let admin = Porticoctl::of_admin(&server).await;
    admin
        .run(&["apps", "show", "app_01m85k8mavejhsxvr9npk256sz"])
        .await
        .with_code(5);
    admin.run(&["apps", "show", "no id"]).await.with_code(2);
    admin
        .run(&["products", "create", "--name", "One", "--slug", "one"])
        .await
        .with_code(0);
    let taken = admin
        .run(&["products", "create", "--name", "Two", "--slug", "one", "-o", "json"])
        .await
        .with_code(3);
    let error: Value = serde_json::from_str(&taken.stderr).unwrap();
    assert_eq!(error["error"]["code"], "TAKEN");
    assert_eq!(error["error"]["exitCode"], 3);
    assert_eq!(error["error"]["userErrors"][0]["code"], "TAKEN");
    assert_eq!(taken.stdout, "");

    // Nobody listens there any more.
    let endpoint = server.endpoint();
    server.stop().await;
    let away = Porticoctl::at(endpoint);
    let account = [
        ("PORTICO_EMAIL", "admin@example.com"),
        ("PORTICO_PASSWORD", ADMIN_PASSWORD),
    ];
    let unreachable = away.with(&account, &["apps", "list"]).await.with_code(6);
    assert!(!unreachable.stderr.contains(ADMIN_PASSWORD), "{}", unreachable.stderr);
}
