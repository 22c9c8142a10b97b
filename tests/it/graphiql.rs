//! GraphiQL in a browser: an admin signs in and does the job there. The steps are in `tests/node/graphiql.mjs`, and a
//! picture of each state is left in `target/screenshots`.

use std::path::Path;

use portico_sdk::AccessRequestStatus;
use portico_tests::{
    fixture::{app, publish, request},
    node::Script,
    server::{ADMIN_PASSWORD, DEVELOPER_PASSWORD, TestServer},
    upstream::Upstream,
};

/// A page in a browser is the same whatever the database is, so it is opened once.
#[tokio::test]
async fn an_admin_does_the_job_in_a_browser_on_sqlite() {
    let server = TestServer::start_with(|options| options.sign_ins_per_account = "5/60".parse().unwrap()).await;
    let admin = server.admin().await;
    let upstream = Upstream::start().await;
    let published = publish(&admin, &upstream, "payments", false).await;
    let developer = server.developer(&admin, "dana").await;
    let mut requests = Vec::new();
    for name in ["first", "second", "third", "fourth", "fifth"] {
        let app = app(&developer, name).await;
        requests.push(request(&developer, &app, &published.version).await);
    }
    for name in ["erin", "finn", "gus"] {
        server.pending_developer(name).await;
    }
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots/graphiql");
    let printed = Script::against(&server, "graphiql.mjs")
        .with_browser()
        .token("ADMIN_TOKEN", &admin)
        .variable("ADMIN_EMAIL", "admin@example.com")
        .variable("ADMIN_PASSWORD", ADMIN_PASSWORD)
        .variable("DEVELOPER_EMAIL", &developer.email)
        .variable("DEVELOPER_PASSWORD", DEVELOPER_PASSWORD)
        .variable("SCREENSHOTS", screenshots)
        .run()
        .await;
    assert!(printed.last().unwrap().ends_with("pictures"), "{printed:?}");
    let decided = developer.client.access_requests().get(&requests[0].id).await.unwrap();
    assert_eq!(decided.unwrap().status, AccessRequestStatus::Approved);
    server.stop().await;
}
