//! What changes is told while it changes.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use portico_tests::{fixture, server::TestServer, upstream::Upstream};
use serde_json::Value;

use crate::porticoctl::Porticoctl;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_told_to_who_watches_the_request() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", false).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    let request = fixture::request(&dana, &app, &published.version).await;

    let watching = Porticoctl::of_admin(&server).await;
    let arguments = ["watch", "requests", request.id.as_str(), "--count", "2"];
    let mut command = watching.command(&[], &arguments);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = async || {
        let read = tokio::task::block_in_place(|| lines.next().unwrap().unwrap());
        serde_json::from_str::<Value>(&read).unwrap()
    };
    assert_eq!(next().await["status"], "PENDING");
    admin
        .access_requests()
        .approve(&request.id, Some("welcome"))
        .await
        .unwrap();
    let decided = next().await;
    assert_eq!(decided["status"], "APPROVED", "{decided}");
    assert_eq!(decided["decision"]["reason"], "welcome");
    let ended = tokio::task::spawn_blocking(move || child.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(ended.success());
}
