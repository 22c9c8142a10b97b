//! A client that does not read is dropped with a code, and nothing is kept for it.

use std::time::Duration;

use portico::config::GatewayListen;
use portico_tests::{
    live::{Handshake, LiveSocket},
    server::TestServer,
};
use serde_json::json;

use super::{Scene, token};

async fn dropped(server: &TestServer) -> bool {
    let address = server.server().metrics_listen().unwrap();
    let metrics = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let line = metrics
        .lines()
        .find(|line| line.starts_with("portico_live_slow_readers_dropped_total "));
    line.unwrap().ends_with(" 1")
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_dropped_and_told_why() {
    let server = TestServer::start_with(|options| {
        options.metrics.metrics_listen = GatewayListen::On("127.0.0.1:0".parse().unwrap());
        options.live.waiting_bytes = 256 * 1024;
        // Only what waits counts here.
        options.live.send_timeout = Duration::from_secs(600);
        options.live.keep_alive = Duration::from_secs(600);
    })
    .await;
    let scene = Scene::on(server).await;
    let mut ids = Vec::new();
    for name in ["one", "two", "three", "four"] {
        ids.push(scene.request(&scene.dana, name).await.1);
    }
    // An update of this has some 300 KB.
    let description = json!({ "id": scene.version.product.id.to_string(), "description": "x".repeat(10_000) });
    scene.admin.done("updateProduct", "", description).await;
    let fields: String = (0..30).map(|n| format!("d{n}: description ")).collect();
    let document = format!(
        "subscription {{ accessRequestChanged {{ accessRequest {{ id version {{ product {{ {fields} }} }} }} }} }}"
    );
    let handshake = Handshake {
        receive_buffer: Some(4096),
        ..Handshake::default()
    };
    let mut slow = LiveSocket::ready_with(&scene.server, &token(&scene.dana.client), handshake).await;
    slow.subscribe("1", &document, json!({})).await;
    let mut well = LiveSocket::ready(&scene.server, &token(&scene.client)).await;
    well.subscribe("1", super::REQUESTS, json!({})).await;

    // Until the system's buffers are full, and then what may wait here.
    let mut is_approved = false;
    let mut changes = 0;
    while !dropped(&scene.server).await {
        assert!(changes < 200, "it is never dropped");
        changes += 1;
        for id in &ids {
            if is_approved {
                scene.decide("revokeAccessRequest", id).await;
            } else {
                scene.approve(id).await;
            }
            well.next("1").await;
        }
        is_approved = !is_approved;
    }
    // As soon as it reads, it learns why nothing more comes.
    let (code, reason) = slow.closed().await;
    assert_eq!(code, 4410, "{reason}");
    well.nothing_came().await;
    scene.server.stop().await;
}
