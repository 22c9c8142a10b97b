use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{Timestamp, api_key::ApiKey};
use entity::credential;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};

use super::test_scene::{Scene, id_of, instant, one, refused};

#[tokio::test]
async fn a_rotated_key_goes_on_for_its_overlap() {
    let scene = Scene::new().await;
    let old = id_of(&scene.generate(json!({ "name": "Live key" })).await);
    let rotated = scene
        .rotate(&old, json!({ "overlapSeconds": 3600, "idempotencyKey": "r1" }))
        .await;
    let new = id_of(&rotated);
    assert_eq!(rotated["credential"]["name"], "Live key");
    assert_eq!(rotated["credential"]["authStrategy"]["id"], scene.built_in.to_string());
    assert_eq!(
        rotated["credential"]["expiresAt"],
        Value::Null,
        "the old one had no end"
    );
    assert!(ApiKey::parse(rotated["secret"].as_str().unwrap().as_bytes()).is_ok());
    let shown = scene.node(&old).await;
    let made_at = instant(&rotated["credential"]["createdAt"]);
    assert_eq!(shown["status"], "ACTIVE");
    assert_eq!(shown["replacedBy"]["id"], new);
    assert_eq!(
        instant(&shown["expiresAt"]),
        made_at.saturating_add(Duration::from_secs(3600))
    );
    assert_eq!(shown["allowedActions"], json!(["REVOKE"]));
    assert_eq!(scene.open_now(), BTreeSet::from([old.clone(), new.clone()]));
    assert_eq!(scene.open_after(Duration::from_secs(3601)), one(&new));

    let again = scene
        .rotate(&old, json!({ "overlapSeconds": 3600, "idempotencyKey": "r1" }))
        .await;
    assert_eq!((&again["secret"], &again["replayed"]), (&Value::Null, &json!(true)));
    assert_eq!(id_of(&again), new);
    let replaced = scene.rotate(&old, json!({})).await;
    assert_eq!(replaced["userErrors"], refused(json!(["id"]), "INVALID_TRANSITION"));

    // Without an overlap the old one ends with the answer.
    let newest = id_of(&scene.rotate(&new, json!({})).await);
    assert_eq!(scene.node(&new).await["status"], "EXPIRED");
    assert_eq!(scene.open_after(Duration::from_secs(3601)), one(&newest));
    let expired = scene.rotate(&new, json!({})).await;
    assert_eq!(expired["userErrors"], refused(json!(["id"]), "INVALID_TRANSITION"));
    assert_eq!(scene.fixture.audited().await["credential.rotate"], 2);
}

#[tokio::test]
async fn a_rotated_key_hands_on_the_life_it_was_given() {
    let scene = Scene::new().await;
    let hour = Duration::from_secs(3600);
    let in_an_hour = Timestamp::now().saturating_add(hour).to_string();
    let old = id_of(&scene.generate(json!({ "expiresAt": in_an_hour })).await);
    let before = scene.node(&old).await;
    let life = instant(&before["expiresAt"]).saturating_duration_since(instant(&before["createdAt"]));
    // The overlap is longer than the old key's own life: it keeps its end.
    let rotated = scene.rotate(&old, json!({ "overlapSeconds": 604_800 })).await;
    assert_eq!(scene.node(&old).await["expiresAt"], before["expiresAt"]);
    let new = &rotated["credential"];
    assert_eq!(
        instant(&new["expiresAt"]),
        instant(&new["createdAt"]).saturating_add(life)
    );

    let sooner = Timestamp::now().saturating_add(hour / 2).to_string();
    let newer = scene.rotate(&id_of(&rotated), json!({ "expiresAt": sooner })).await;
    assert_eq!(newer["credential"]["expiresAt"], sooner);
    let later = Timestamp::now().saturating_add(hour * 5).to_string();
    let newest = scene.rotate(&id_of(&newer), json!({ "expiresAt": later })).await;
    assert!(
        instant(&newest["credential"]["expiresAt"]) < instant(&json!(later)),
        "no longer life than was given"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_rotations_at_once_one_wins() {
    let scene = Arc::new(Scene::new().await);
    let old = id_of(&scene.generate(json!({})).await);
    let rotations = (0..10).map(|_| {
        let (scene, old) = (Arc::clone(&scene), old.clone());
        tokio::spawn(async move { scene.rotate(&old, json!({ "overlapSeconds": 60 })).await })
    });
    let payloads = futures_util::future::join_all(rotations.collect::<Vec<_>>()).await;
    let lost = payloads
        .into_iter()
        .map(Result::unwrap)
        .filter(|payload| payload["credential"].is_null());
    let lost: Vec<Value> = lost.map(|payload| payload["userErrors"].clone()).collect();
    assert_eq!(lost, vec![refused(json!(["id"]), "INVALID_TRANSITION"); 9]);
    let rows = credential::Entity::find()
        .count(scene.fixture.plane.database.read())
        .await
        .unwrap();
    assert_eq!(rows, 2);
}
