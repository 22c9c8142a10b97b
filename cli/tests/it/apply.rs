//! A portal that matches a file.

use std::fs;

use portico_tests::server::TestServer;

use crate::porticoctl::Porticoctl;

const FILE: &str = r#"
portal:
  name: Acme
  autoApproveDevelopers: true
authStrategies:
  - name: partners
    keyNames: [x-partner-key]
    credentialTtlDays: 90
products:
  - slug: mock-api
    name: Mock API
    description: For trying things out.
    labels: {team: payments}
    documents:
      - {slug: start, title: Start, bodyFile: start.md}
    published: true
    versions:
      - name: v1
        specificationFile: openapi.yaml
        gatewayService:
          upstreamUrl: http://127.0.0.1:9
          routes:
            - paths: [/mock]
              methods: [GET]
        registration: {enabled: true, autoApprove: true, authStrategy: partners}
      - name: v2
        lifecycle: DRAFT
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_file_says_is_made_once_and_told_before() {
    let server = TestServer::start().await;
    let admin = Porticoctl::of_admin(&server).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("start.md"), "# Start\n").unwrap();
    fs::write(folder.path().join("openapi.yaml"), "openapi: 3.1.0\n").unwrap();
    let file = folder.path().join("portal.yaml");
    fs::write(&file, FILE).unwrap();
    let file = file.to_str().unwrap();

    let told = admin.run(&["apply", "-f", file, "--dry-run"]).await.with_code(7);
    assert!(told.stdout.contains("+ product mock-api\n"), "{}", told.stdout);
    assert!(told.stdout.contains("~ portal\n    name: "), "{}", told.stdout);
    assert!(admin.json(&["products", "list"]).await.as_array().unwrap().is_empty());

    let applied = admin.run(&["apply", "-f", file]).await.succeeded();
    assert!(applied.stderr.contains("+ version mock-api/v1\n"), "{}", applied.stderr);
    let versions = admin.json(&["versions", "list", "mock-api"]).await;
    let one = versions
        .as_array()
        .unwrap()
        .iter()
        .find(|version| version["name"] == "v1")
        .unwrap();
    assert_eq!(one["registration"]["authStrategy"]["name"], "partners");
    assert_eq!(one["registration"]["autoApprove"], true);
    assert_eq!(one["gatewayService"]["routes"][0]["methods"][0], "GET");
    let id = one["id"].as_str().unwrap();
    let specification = admin.run(&["versions", "specification", id]).await.succeeded();
    assert_eq!(specification.stdout, "openapi: 3.1.0\n");
    let start = admin
        .run(&["products", "document", "mock-api", "start"])
        .await
        .succeeded();
    assert_eq!(start.stdout, "# Start\n");

    // Nothing is done twice.
    let again = admin.run(&["apply", "-f", file]).await.succeeded();
    assert!(
        again.stdout.starts_with("Nothing to change"),
        "{}{}",
        again.stdout,
        again.stderr
    );
    admin.run(&["apply", "-f", file, "--dry-run"]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_differs_changes_and_null_takes_away() {
    let server = TestServer::start().await;
    let admin = Porticoctl::of_admin(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portal.yaml");
    let path = file.to_str().unwrap();
    let plain = FILE
        .replace("bodyFile: start.md", "body: Hello")
        .replace("specificationFile: openapi.yaml", "specification: a");
    fs::write(&file, &plain).unwrap();
    admin.run(&["apply", "-f", path]).await.succeeded();

    let edited = plain
        .replace("    description: For trying things out.\n", "    description: null\n")
        .replace("lifecycle: DRAFT", "lifecycle: ACTIVE")
        .replace("autoApprove: true,", "autoApprove: false,");
    fs::write(&file, edited).unwrap();
    let told = admin.run(&["apply", "-f", path, "--dry-run"]).await.with_code(7);
    assert_eq!(
        told.stdout,
        "~ product mock-api\n    description: \"For trying things out.\" → none\n\
         ~ version mock-api/v1\n    registration.autoApprove: true → false\n\
         ~ version mock-api/v2\n    lifecycle: \"DRAFT\" → \"ACTIVE\"\n"
    );
    admin.run(&["apply", "-f", path]).await.succeeded();
    let product = admin.json(&["products", "show", "mock-api"]).await;
    assert!(product["description"].is_null(), "{product}");
    admin.run(&["apply", "-f", path, "--dry-run"]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_wrong_changes_nothing_and_says_where() {
    let server = TestServer::start().await;
    let admin = Porticoctl::of_admin(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portal.yaml");
    fs::write(&file, "products:\n  - slug: mock-api\n    descripton: typo\n").unwrap();
    let refused = admin.run(&["apply", "-f", file.to_str().unwrap()]).await.with_code(2);
    assert!(refused.stderr.contains("descripton"), "{}", refused.stderr);
    assert!(admin.json(&["products", "list"]).await.as_array().unwrap().is_empty());
    admin.run(&["apply", "-f", "no-such-file.yaml"]).await.with_code(1);
}
