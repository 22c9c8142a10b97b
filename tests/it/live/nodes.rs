//! A change on one node is told by the others.

use portico_tests::{
    database::{self, Postgres},
    live::LiveSocket,
    server::TestServer,
};
use serde_json::json;

use super::{REQUEST, REQUESTS, Scene, VIEWER, gone, shown, token};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_another_node_arrives_on_postgres() {
    let postgres = Postgres::any();
    let url = database::new_database(&postgres.server()).await;
    let scene = Scene::on(TestServer::start_on(&url).await).await;
    let second = scene.server.another_node().await;
    let mut dana = LiveSocket::ready(&second, &token(&scene.dana.client)).await;
    let mut other = LiveSocket::ready(&second, &token(&scene.other.client)).await;
    for socket in [&mut dana, &mut other] {
        socket.subscribe("all", REQUESTS, json!({})).await;
        socket.subscribe("me", VIEWER, json!({})).await;
    }
    let (app, id) = scene.request(&scene.dana, "banking").await;
    assert_eq!(dana.next("all").await["data"], shown(&id, "PENDING"));
    let first = dana.subscribe("one", REQUEST, json!({ "id": id })).await;
    assert_eq!(first[0]["payload"]["data"], shown(&id, "PENDING"));
    dana.send(json!({ "type": "complete", "id": "one" })).await;
    scene.approve(&id).await;
    assert_eq!(dana.next("all").await["data"], shown(&id, "APPROVED"));
    scene.dana.client.apps().delete(&app.id).await.unwrap();
    assert_eq!(dana.next("all").await["data"], gone(&id));
    other.nothing_came().await;
    // So does the end of an account's right to act.
    scene.client.developers().revoke(&scene.dana.id, "left").await.unwrap();
    assert_eq!(dana.closed().await.0, 4403);
    other.nothing_came().await;
    second.stop().await;
    scene.server.stop().await;
}
