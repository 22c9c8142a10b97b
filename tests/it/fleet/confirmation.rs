//! Waiting until every gateway enforces what stops traffic.

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
    let with_reason = |id: String| json!({ "id": id, "reason": "misuse", "waitForGateways": true });
    let steps = [
        ("suspendApp", with_reason(scene.app.id.to_string()), Some("resumeApp")),
        (
            "revokeAccessRequest",
            with_reason(request.id.to_string()),
            Some("approveAccessRequest"),
        ),
        (
            "revokeDeveloper",
            with_reason(scene.dana.id.to_string()),
            Some("approveDeveloper"),
        ),
        (
            "revokeCredential",
            json!({ "id": scene.credential.id.to_string(), "waitForGateways": true }),
            None,
        ),
    ];
    for (mutation, input, undo) in steps {
        let selection = "gatewaysConfirmed unconfirmedGateways { name }";
        let done = scene.admin.done(mutation, selection, input.clone()).await;
        // At once, without waiting for anything.
        all_answer(if mutation == "revokeCredential" { 401 } else { 403 }).await;
        assert_eq!(done["gatewaysConfirmed"], true, "{mutation}");
        assert_eq!(done["unconfirmedGateways"], json!([]), "{mutation}");
        if let Some(undo) = undo {
            scene.admin.done(undo, "", json!({ "id": input["id"] })).await;
            for gateway in &gateways {
                gateway.wait_for_status("/mock", &scene.key, 200).await;
            }
        }
    }
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
    assert_eq!(suspended["userErrors"], json!([]));
    assert_eq!(suspended["gatewaysConfirmed"], false);
    assert_eq!(
        suspended["unconfirmedGateways"],
        json!([{ "name": "far", "isConfirmed": false }])
    );
    assert_eq!(near.status("/mock", &scene.key).await, 403);
    assert_eq!(far.status("/mock", &scene.key).await, 200, "it cannot know");
    let node = wait_for_node(&scene.client, "far", |node| !node.is_confirmed).await;
    assert!(node.lag_milliseconds > Some(0));
    // The key's own developer learns that not all have, and not which.
    let input = json!({ "id": scene.credential.id.to_string(), "waitForGateways": true });
    let dana = Caller::of(&scene.server, "dana", &scene.dana.client);
    let selection = "gatewaysConfirmed unconfirmedGateways { name }";
    let revoked = dana.mutate("revokeCredential", selection, input).await;
    let revoked = &revoked["data"]["revokeCredential"];
    assert_eq!(
        (&revoked["gatewaysConfirmed"], &revoked["unconfirmedGateways"]),
        (&json!(false), &json!([]))
    );

    relay.mend(scene.address());
    // Repeated, it waits again.
    let repeated = scene.app_suspended().await;
    assert_eq!(repeated["userErrors"][0]["code"], "INVALID_TRANSITION");
    assert_eq!(repeated["gatewaysConfirmed"], true, "{repeated}");
    assert_eq!(far.status("/mock", &scene.key).await, 401, "the key is revoked by now");

    // Who has stopped is not waited for.
    far.stop().await;
    wait_for_node(&scene.client, "far", |node| node.stopped_at.is_some()).await;
    let repeated = scene.app_suspended().await;
    assert_eq!(repeated["gatewaysConfirmed"], true, "{repeated}");
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
