//! A gateway without its control plane: from the copy on disk, until that is too old, and never open without one.

use std::{fs, time::Duration};

use ::gateway::snapshot_copy::{self, CopyHeader};

use super::*;

/// Waits until the copy holds what the gateway enforces.
async fn wait_for_copy(gateway: &TestGateway) {
    let waiting = async {
        while !gateway.copy().exists() {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(portico_tests::server::PATIENCE, waiting)
        .await
        .expect("the copy must be written");
}

#[tokio::test]
async fn it_starts_from_its_copy_and_never_opens_without_one() {
    let scene = Scene::new().await;
    let (mut gateway, relay) = scene.gateway_behind_relay("edge").await;
    assert_eq!(gateway.status("/mock", &scene.key).await, 200);
    wait_for_copy(&gateway).await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(gateway.copy()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    gateway.pause().await;
    relay.cut();

    gateway.resume().await;
    assert_eq!(gateway.status("/mock", &scene.key).await, 200);
    assert_eq!(gateway.status("/mock", "ptk_wrong").await, 401);
    let (status, ready) = gateway.readyz().await;
    assert_eq!((status, &ready["controlPlane"]), (200, &json!("away")), "{ready}");
    gateway.pause().await;

    // One byte changed, cut short, empty, something else, missing: 503, and never open.
    let copy = fs::read(gateway.copy()).unwrap();
    let mut changed = copy.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for damaged in [changed, copy[..copy.len() - 1].to_vec(), Vec::new(), b"{}".to_vec()] {
        fs::write(gateway.copy(), damaged).unwrap();
        gateway.resume().await;
        assert_eq!(gateway.status("/mock", &scene.key).await, 503);
        let (status, ready) = gateway.readyz().await;
        assert_eq!((status, &ready["status"]), (503, &json!("no snapshot")));
        gateway.pause().await;
    }
    fs::remove_file(gateway.copy()).unwrap();
    gateway.resume().await;
    assert_eq!(gateway.status("/mock", &scene.key).await, 503);

    // It comes to itself when the control plane does.
    relay.mend(scene.address());
    gateway.wait_for_status("/mock", &scene.key, 200).await;
    gateway.stop().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn it_does_not_start_from_a_copy_when_the_control_plane_is_there() {
    let scene = Scene::new().await;
    let mut gateway = scene.gateway("edge").await;
    wait_for_copy(&gateway).await;
    gateway.pause().await;
    scene.client.apps().suspend(&scene.app.id, "misuse").await.unwrap();
    gateway.resume().await;
    assert_eq!(gateway.status("/mock", &scene.key).await, 403);
    gateway.stop().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn a_copy_is_good_as_long_as_it_is_young_enough() {
    let scene = Scene::new().await;
    let (mut gateway, relay) = scene.gateway_behind_relay("edge").await;
    wait_for_copy(&gateway).await;
    gateway.pause().await;
    relay.cut();
    let (header, snapshot) = snapshot_copy::read(&gateway.copy()).unwrap();
    let hour = Duration::from_secs(60 * 60);
    for (age, status) in [(hour * 23, 200), (hour * 25, 503)] {
        let header = CopyHeader {
            taken_at: domain::Timestamp::now().saturating_sub(age),
            ..header.clone()
        };
        snapshot_copy::write(&gateway.copy(), &header, &snapshot).unwrap();
        gateway.resume().await;
        assert_eq!(gateway.status("/mock", &scene.key).await, status, "{age:?}");
        gateway.pause().await;
    }
    // Without a limit, any copy will do.
    let forever = TestGateway::start_with(&relay.url(), &scene.token, |options| {
        options.max_staleness = 0;
        options.data_dir = gateway.copy().parent().unwrap().to_owned();
    })
    .await;
    assert_eq!(forever.status("/mock", &scene.key).await, 200);
    forever.stop().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn too_long_without_contact_closes_until_there_is_contact() {
    let scene = Scene::new().await;
    let relay = Relay::to(scene.address()).await;
    let gateway = TestGateway::start_with(&relay.url(), &scene.token, |options| options.max_staleness = 3).await;
    assert_eq!(gateway.status("/mock", &scene.key).await, 200);
    // With contact it never becomes stale: for more than the limit.
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        assert_eq!(gateway.status("/mock", &scene.key).await, 200);
    }
    relay.cut();
    gateway.wait_for_status("/mock", &scene.key, 503).await;
    gateway
        .wait_until_ready(|status, body| status == 503 && body["status"] == "no snapshot")
        .await;
    relay.mend(scene.address());
    gateway.wait_for_status("/mock", &scene.key, 200).await;
    gateway.stop().await;
    scene.server.stop().await;
}

/// Nothing can take the place of a directory, whoever writes: as on a full disk, the copy cannot be replaced.
#[tokio::test]
async fn a_copy_that_cannot_be_written_is_told_and_stops_nothing() {
    let scene = Scene::new().await;
    let gateway = TestGateway::start_with(&format!("http://{}", scene.address()), &scene.token, |options| {
        fs::create_dir_all(options.data_dir.join("snapshot.copy/full")).unwrap();
        options.name = Some("full".to_owned());
    })
    .await;
    gateway
        .wait_until_ready(|status, body| status == 200 && body["copyFailure"].is_string())
        .await;
    assert_eq!(gateway.status("/mock", &scene.key).await, 200);
    wait_for_node(&scene.client, "full", |node| node.copy_failure.is_some()).await;
    scene.client.apps().suspend(&scene.app.id, "misuse").await.unwrap();
    gateway.wait_for_status("/mock", &scene.key, 403).await;

    fs::remove_dir_all(gateway.copy()).unwrap();
    gateway
        .wait_until_ready(|status, body| status == 200 && body["copyFailure"].is_null())
        .await;
    let (_, snapshot) = snapshot_copy::read(&gateway.copy()).unwrap();
    assert!(
        snapshot.grants(domain::Timestamp::now()).is_empty(),
        "it holds the suspension"
    );
    gateway.stop().await;
    scene.server.stop().await;
}
