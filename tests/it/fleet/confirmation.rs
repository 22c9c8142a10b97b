//! Waiting until every gateway enforces what stops traffic.

use portico_sdk::{AppStatus, RevokeAccessRequestInput, UserErrorCode};

use super::*;

#[tokio::test]
async fn revoking_reaches_five_gateways_before_it_answers() {
    let scene = Scene::new().await;
    let mut gateways = Vec::new();
    for number in 1..=5 {
        gateways.push(scene.gateway(&format!("edge-{number}")).await);
    }
    let all_answer = async |status: u16| {
        for gateway in &gateways {
            assert_eq!(gateway.status("/mock", &scene.key).await, status);
        }
    };
    all_answer(200).await;
    for number in 1..=5 {
        wait_for_node(&scene.client, &format!("edge-{number}"), |node| node.is_confirmed).await;
    }
    let request = scene
        .client
        .access_requests()
        .list()
        .page()
        .await
        .unwrap()
        .nodes
        .remove(0);
    let all_pass_again = async || {
        for gateway in &gateways {
            gateway.wait_for_status("/mock", &scene.key, 200).await;
        }
    };
    let (apps, requests) = (scene.client.apps(), scene.client.access_requests());
    let developers = scene.client.developers();

    // At once, without waiting for anything: what the gateways answer is looked at first.
    let suspended = apps.suspend_and_wait(&scene.app.id, "misuse").await.unwrap();
    all_answer(403).await;
    assert_confirmed(&suspended);
    apps.resume(&scene.app.id).await.unwrap();
    all_pass_again().await;

    let input = RevokeAccessRequestInput::new(&request.id, "misuse");
    let revoked = requests.revoke_and_wait(input).await.unwrap();
    all_answer(403).await;
    assert_confirmed(&revoked);
    requests.approve(&request.id, None).await.unwrap();
    all_pass_again().await;

    let revoked = developers.revoke_and_wait(&scene.dana.id, "misuse").await.unwrap();
    all_answer(403).await;
    assert_confirmed(&revoked);
    developers.approve(&scene.dana.id, None).await.unwrap();
    all_pass_again().await;

    let credentials = scene.client.credentials();
    let revoked = credentials.revoke_and_wait(&scene.credential.id).await.unwrap();
    all_answer(401).await;
    assert_confirmed(&revoked);
    for gateway in gateways {
        gateway.stop().await;
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn who_does_not_wait_is_told_nothing() {
    let scene = Scene::new().await;
    let input = json!({ "id": scene.app.id.to_string(), "reason": "misuse" });
    let done = scene
        .admin
        .done("suspendApp", "gatewaysConfirmed unconfirmedGateways { name }", input)
        .await;
    assert_eq!(done["gatewaysConfirmed"], Value::Null);
    assert_eq!(done["unconfirmedGateways"], json!([]));
    scene.server.stop().await;
}

#[tokio::test]
async fn a_gateway_that_is_cut_off_is_named_and_catches_up() {
    let scene = Scene::new().await;
    let near = scene.gateway("near").await;
    let (far, relay) = scene.gateway_behind_relay("far").await;
    for name in ["near", "far"] {
        wait_for_node(&scene.client, name, |node| node.is_confirmed).await;
    }
    relay.cut();
    far.wait_until_ready(|status, body| status == 200 && body["controlPlane"] == "away")
        .await;

    let suspended = scene.app_suspended().await;
    assert!(!suspended.gateways_confirmed);
    let [unconfirmed] = suspended.unconfirmed_gateways.as_slice() else {
        panic!("{suspended:?}")
    };
    assert_eq!((unconfirmed.name.as_str(), unconfirmed.is_confirmed), ("far", false));
    assert_eq!(suspended.into_object().unwrap().status, AppStatus::Suspended);
    assert_eq!(near.status("/mock", &scene.key).await, 403);
    assert_eq!(far.status("/mock", &scene.key).await, 200, "it cannot know");
    let node = wait_for_node(&scene.client, "far", |node| !node.is_confirmed).await;
    assert!(node.lag_milliseconds > Some(0));
    // The key's own developer learns that not all have, and not which.
    let credentials = scene.dana.client.credentials();
    let revoked = credentials.revoke_and_wait(&scene.credential.id).await.unwrap();
    assert!(!revoked.gateways_confirmed);
    assert_eq!(revoked.unconfirmed_gateways, []);

    relay.mend(scene.address());
    // Repeated, it waits again.
    let repeated = scene.app_suspended().await;
    assert!(repeated.gateways_confirmed, "{repeated:?}");
    let refused = repeated.into_object().unwrap_err();
    assert!(refused.has_user_code(&UserErrorCode::InvalidTransition), "{refused:?}");
    assert_eq!(far.status("/mock", &scene.key).await, 401, "the key is revoked by now");

    // Who has stopped is not waited for.
    far.stop().await;
    wait_for_node(&scene.client, "far", |node| node.stopped_at.is_some()).await;
    let repeated = scene.app_suspended().await;
    assert!(repeated.gateways_confirmed, "{repeated:?}");
    near.stop().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn a_step_that_is_refused_for_another_reason_does_not_wait() {
    let scene = Scene::new().await;
    let (far, relay) = scene.gateway_behind_relay("far").await;
    wait_for_node(&scene.client, "far", |node| node.is_confirmed).await;
    relay.cut();
    let input = json!({ "id": scene.app.id.to_string(), "reason": " ", "waitForGateways": true });
    let refused = scene.admin.mutate("suspendApp", "gatewaysConfirmed", input).await;
    assert_eq!(
        refused["data"]["suspendApp"]["gatewaysConfirmed"],
        Value::Null,
        "{refused}"
    );
    far.stop().await;
    scene.server.stop().await;
}
