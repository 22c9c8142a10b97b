//! The clients that frontend teams use, from npm.

use portico_tests::node::Script;

use super::Scene;

async fn receives_updates(script: &str) {
    let scene = Scene::new().await;
    let (app, id) = scene.request(&scene.dana, "banking").await;
    let mut client = Script::against(&scene.server, script)
        .token("TOKEN", &scene.dana.client)
        .variable("REQUEST", &id)
        .start();
    client.wait_for_line("PENDING").await;
    scene.approve(&id).await;
    client.wait_for_line("APPROVED").await;
    scene.client.apps().delete(&app.id).await.unwrap();
    client.wait_for_line("gone").await;
    client.wait_for_line("complete").await;
    client.finished().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn graphql_ws_receives_updates() {
    receives_updates("graphql-ws.mjs").await;
}

#[tokio::test]
async fn graphql_sse_receives_updates() {
    receives_updates("graphql-sse.mjs").await;
}
