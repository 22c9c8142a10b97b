//! Who is told of what.

use portico_tests::{fixture, live::LiveSocket};
use serde_json::{Value, json};

use super::{CREDENTIALS, REQUEST, REQUESTS, Scene, VIEWER, gone, shown, token};

#[tokio::test]
async fn requests_are_told_to_their_developer_and_to_admins() {
    let scene = Scene::new().await;
    let mut admin = LiveSocket::ready(&scene.server, &token(&scene.client)).await;
    let mut dana = LiveSocket::ready(&scene.server, &token(&scene.dana.client)).await;
    let mut other = LiveSocket::ready(&scene.server, &token(&scene.other.client)).await;
    for socket in [&mut admin, &mut dana, &mut other] {
        assert!(socket.subscribe("1", REQUESTS, json!({})).await.is_empty());
    }
    let (app, id) = scene.request(&scene.dana, "banking").await;
    for socket in [&mut admin, &mut dana] {
        assert_eq!(socket.next("1").await["data"], shown(&id, "PENDING"));
    }
    scene.approve(&id).await;
    for socket in [&mut admin, &mut dana] {
        assert_eq!(socket.next("1").await["data"], shown(&id, "APPROVED"));
    }
    scene.dana.client.apps().delete(&app.id).await.unwrap();
    for socket in [&mut admin, &mut dana] {
        assert_eq!(socket.next("1").await["data"], gone(&id));
        socket.nothing_came().await;
    }
    other.nothing_came().await;
    // Whose subscription was ended hears no more.
    dana.send(json!({ "type": "complete", "id": "1" })).await;
    dana.nothing_came().await;
    let (_, id) = scene.request(&scene.dana, "savings").await;
    assert_eq!(admin.next("1").await["data"], shown(&id, "PENDING"));
    dana.nothing_came().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn what_was_there_before_is_known_to_be_ones_own_when_it_goes() {
    let scene = Scene::new().await;
    let (app, id) = scene.request(&scene.dana, "banking").await;
    let mut dana = LiveSocket::ready(&scene.server, &token(&scene.dana.client)).await;
    let mut other = LiveSocket::ready(&scene.server, &token(&scene.other.client)).await;
    for socket in [&mut dana, &mut other] {
        socket.subscribe("1", REQUESTS, json!({})).await;
        socket
            .subscribe("2", CREDENTIALS, json!({ "app": app.id.to_string() }))
            .await;
    }
    scene.client.apps().delete(&app.id).await.unwrap();
    assert_eq!(dana.next("1").await["data"], gone(&id));
    other.nothing_came().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn one_request_is_told_from_its_present_state_to_its_end() {
    let scene = Scene::new().await;
    let (app, id) = scene.request(&scene.dana, "banking").await;
    let mut dana = LiveSocket::ready(&scene.server, &token(&scene.dana.client)).await;
    let first = dana.subscribe("1", REQUEST, json!({ "id": id })).await;
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0]["payload"]["data"], shown(&id, "PENDING"));
    // Another's, and what was submitted besides, is not for it.
    scene.request(&scene.dana, "savings").await;
    scene.approve(&id).await;
    assert_eq!(dana.next("1").await["data"], shown(&id, "APPROVED"));
    scene.dana.client.apps().delete(&app.id).await.unwrap();
    assert_eq!(dana.next("1").await["data"], gone(&id));
    assert_eq!(dana.message().await, json!({ "type": "complete", "id": "1" }));

    // What is not there, or not for them, looks alike.
    let (_, others) = scene.request(&scene.other, "others").await;
    for (name, id) in [("gone", &id), ("others", &others)] {
        let told: Vec<Value> = dana.subscribe(name, REQUEST, json!({ "id": id })).await.into();
        assert_eq!(told[0]["payload"]["data"], gone(id));
        let complete = json!({ "type": "complete", "id": name });
        assert!(told.get(1).is_none_or(|message| *message == complete), "{told:?}");
        if told.len() == 1 {
            assert_eq!(dana.message().await, complete);
        }
    }
    dana.nothing_came().await;
    scene.server.stop().await;
}

/// However a first state and changes fall together, states come in their order and none twice.
#[tokio::test]
async fn between_the_first_state_and_the_changes_nothing_is_missed_or_repeated() {
    let scene = Scene::new().await;
    let (_, id) = scene.request(&scene.dana, "banking").await;
    scene.approve(&id).await;
    for round in 0..10 {
        let mut dana = LiveSocket::ready(&scene.server, &token(&scene.dana.client)).await;
        dana.begin("1", REQUEST, json!({ "id": id })).await;
        scene.decide("revokeAccessRequest", &id).await;
        let mut states = vec![dana.next("1").await["data"].clone()];
        if states[0] == shown(&id, "APPROVED") {
            states.push(dana.next("1").await["data"].clone());
        }
        assert_eq!(states.last(), Some(&shown(&id, "REVOKED")), "{round}: {states:?}");
        dana.nothing_came().await;
        scene.approve(&id).await;
        assert_eq!(dana.next("1").await["data"], shown(&id, "APPROVED"));
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn whoever_keeps_a_list_of_what_waits_learns_what_waits_no_longer() {
    let scene = Scene::new().await;
    let mut admin = LiveSocket::ready(&scene.server, &token(&scene.client)).await;
    let document = "subscription($filter: AccessRequestFilter) {
        accessRequestChanged(filter: $filter) { accessRequest { id status } deletedId } }";
    let of_dana = json!({ "filter": { "status": ["PENDING"], "developerId": scene.dana.id.to_string() } });
    admin.subscribe("waiting", document, of_dana).await;
    scene.request(&scene.other, "others").await;
    let (_, id) = scene.request(&scene.dana, "banking").await;
    assert_eq!(admin.next("waiting").await["data"], shown(&id, "PENDING"));
    scene.decide("rejectAccessRequest", &id).await;
    assert_eq!(admin.next("waiting").await["data"], shown(&id, "REJECTED"));
    admin.nothing_came().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn credentials_are_told_to_their_developer_and_to_admins() {
    let scene = Scene::new().await;
    let app = fixture::app(&scene.dana, "banking").await;
    let another = fixture::app(&scene.dana, "savings").await;
    let of = |app: &portico_sdk::App| json!({ "app": app.id.to_string() });
    let mut admin = LiveSocket::ready(&scene.server, &token(&scene.client)).await;
    let mut dana = LiveSocket::ready(&scene.server, &token(&scene.dana.client)).await;
    let mut other = LiveSocket::ready(&scene.server, &token(&scene.other.client)).await;
    admin.subscribe("1", CREDENTIALS, json!({})).await;
    dana.subscribe("1", CREDENTIALS, of(&app)).await;
    dana.subscribe("2", CREDENTIALS, of(&another)).await;
    other.subscribe("1", CREDENTIALS, json!({})).await;
    other.subscribe("2", CREDENTIALS, of(&app)).await;

    let (credential, _) = fixture::key(&scene.dana, &app).await;
    let id = credential.id.to_string();
    let shown = |status: &str| json!({ "credentialChanged": { "credential": { "id": id, "status": status }, "deletedId": null } });
    for socket in [&mut admin, &mut dana] {
        assert_eq!(socket.next("1").await["data"], shown("ACTIVE"));
    }
    scene.dana.client.credentials().revoke(&credential.id).await.unwrap();
    for socket in [&mut admin, &mut dana] {
        assert_eq!(socket.next("1").await["data"], shown("REVOKED"));
    }
    scene.dana.client.apps().delete(&app.id).await.unwrap();
    let gone = json!({ "credentialChanged": { "credential": null, "deletedId": id } });
    for socket in [&mut admin, &mut dana] {
        assert_eq!(socket.next("1").await["data"], gone);
        socket.nothing_came().await;
    }
    other.nothing_came().await;
    scene.server.stop().await;
}

#[tokio::test]
async fn a_developer_learns_that_they_were_approved() {
    let scene = Scene::new().await;
    let pia = scene.server.pending_developer("pia").await;
    let mut socket = LiveSocket::ready(&scene.server, &token(&pia.client)).await;
    assert!(socket.subscribe("me", VIEWER, json!({})).await.is_empty());
    socket.subscribe("requests", REQUESTS, json!({})).await;
    scene.client.developers().approve(&pia.id, None).await.unwrap();
    let account = json!({ "__typename": "Developer", "id": pia.id.to_string(), "status": "APPROVED" });
    assert_eq!(socket.next("me").await["data"]["viewerChanged"], account);
    // With the eyes of one who is approved, on the same connection.
    let (_, id) = scene.request(&pia, "banking").await;
    assert_eq!(socket.next("requests").await["data"], shown(&id, "PENDING"));
    scene.server.stop().await;
}
