//! For whom apps exist, who may make them, and what lists of them show.

use super::*;

#[tokio::test]
async fn an_app_exists_for_its_developer_and_for_admins() {
    let fixture = Fixture::new().await;
    let ada = fixture.developer("ada@example.com").await;
    let own = as_developer(ada, DeveloperStatus::Approved);
    let bob = approved(&fixture, "bob@example.com").await;
    let id = create(&fixture, own, "adas").await;
    create(&fixture, bob, "bobs").await;
    let node = "query ($id: ID!) { node(id: $id) { ... on App { referenceId } } }";
    let waiting = as_developer(ada, DeveloperStatus::Pending);
    for (viewer, sees) in [
        (own, true),
        (fixture.admin, true),
        (bob, false),
        (waiting, false),
        (Viewer::Anonymous, false),
    ] {
        let response = fixture.execute(viewer, node, json!({ "id": id })).await;
        assert_eq!(response["errors"], Value::Null);
        assert_eq!(!response["data"]["node"].is_null(), sees, "{viewer:?}");
    }
    let listed = |response: Value| -> Vec<String> {
        let nodes = response["data"]["apps"]["nodes"].as_array().unwrap();
        let ids = nodes
            .iter()
            .map(|node| node["referenceId"].as_str().unwrap().to_owned());
        ids.collect()
    };
    assert_eq!(listed(fixture.execute(own, LIST, json!({})).await), ["adas"]);
    assert_eq!(
        listed(fixture.execute(fixture.admin, LIST, json!({})).await),
        ["bobs", "adas"]
    );
    assert!(listed(fixture.execute(waiting, LIST, json!({})).await).is_empty());
    let anonymous = fixture.execute(Viewer::Anonymous, LIST, json!({})).await;
    assert_eq!(top_level_code(&anonymous), "UNAUTHENTICATED");
    assert_eq!(anonymous["data"]["apps"], Value::Null);

    let not_found = refused(json!(["id"]), "NOT_FOUND");
    for viewer in [bob, waiting] {
        let payload = fixture
            .mutate_as(viewer, UPDATE, json!({ "id": id, "name": "Mine" }))
            .await;
        assert_eq!(payload["userErrors"], not_found, "{viewer:?}");
        let payload = fixture.mutate_as(viewer, DELETE, json!({ "id": id })).await;
        assert_eq!(payload["userErrors"], not_found, "{viewer:?}");
    }
    for (viewer, document, input, code) in [
        (
            fixture.admin,
            CREATE,
            json!({ "name": "a", "referenceId": "a" }),
            "FORBIDDEN",
        ),
        (fixture.admin, UPDATE, json!({ "id": id }), "FORBIDDEN"),
        (own, SUSPEND, json!({ "id": id, "reason": "r" }), "FORBIDDEN"),
        (own, RESUME, json!({ "id": id }), "FORBIDDEN"),
        (Viewer::Anonymous, DELETE, json!({ "id": id }), "UNAUTHENTICATED"),
    ] {
        let response = fixture.execute(viewer, document, json!({ "input": input })).await;
        assert_eq!(top_level_code(&response), code, "{document}");
    }
}

#[tokio::test]
async fn only_approved_developers_make_apps() {
    let fixture = Fixture::new().await;
    let ada = fixture.developer("ada@example.com").await;
    let mut row: entity::developer::ActiveModel = entity::developer::Entity::find_by_id(ada.uuid())
        .one(fixture.plane.database.read())
        .await
        .unwrap()
        .unwrap()
        .into();
    row.status = sea_orm::ActiveValue::Set(entity::developer::Status::Revoked);
    entity::developer::Entity::update(row)
        .exec(fixture.plane.database.read())
        .await
        .unwrap();
    // The token was checked before the account was revoked: the row decides.
    let viewer = as_developer(ada, DeveloperStatus::Approved);
    let payload = fixture
        .mutate_as(viewer, CREATE, json!({ "name": "a", "referenceId": "a" }))
        .await;
    assert_eq!(payload["userErrors"], refused(Value::Null, "DEVELOPER_NOT_APPROVED"));
    assert_eq!(
        app::Entity::find().count(fixture.plane.database.read()).await.unwrap(),
        0
    );
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_paged() {
    let fixture = Fixture::new().await;
    let ada = fixture.developer("ada@example.com").await;
    let viewer = as_developer(ada, DeveloperStatus::Approved);
    let bob = approved(&fixture, "bob@example.com").await;
    for (name, reference_id) in [("Éclair", "zz-1"), ("apple", "Fruit-1"), ("Banana", "Fruit-2")] {
        let input = json!({ "name": name, "referenceId": reference_id });
        assert!(fixture.mutate_as(viewer, CREATE, input).await["app"].is_object());
    }
    create(&fixture, bob, "fruit-3").await;
    let suspended = fixture.query(LIST, json!({ "filter": { "search": "FRUIT-3" } })).await;
    assert_eq!(suspended["apps"]["totalCount"], 1);
    let names = |data: &Value| -> Vec<String> {
        let nodes = data["apps"]["nodes"].as_array().unwrap();
        nodes
            .iter()
            .map(|node| node["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let by_name = json!({ "field": "NAME", "direction": "ASC" });
    for (filter, expected) in [
        (json!({}), vec!["apple", "Banana", "fruit-3", "Éclair"]),
        (json!({ "search": "fru" }), vec!["apple", "Banana", "fruit-3"]),
        (json!({ "search": "éC" }), vec!["Éclair"]),
        (json!({ "search": "ana" }), vec![]),
        (json!({ "referenceId": "Fruit-1" }), vec!["apple"]),
        (json!({ "referenceId": "fruit-1" }), vec![]),
        (
            json!({ "developerId": ada.to_string() }),
            vec!["apple", "Banana", "Éclair"],
        ),
        (json!({ "status": ["SUSPENDED"] }), vec![]),
        (
            json!({ "status": ["ACTIVE", "SUSPENDED"], "search": "b" }),
            vec!["Banana"],
        ),
    ] {
        let data = fixture
            .query(LIST, json!({ "filter": filter, "orderBy": by_name }))
            .await;
        assert_eq!(names(&data), expected, "{filter}");
        assert_eq!(data["apps"]["totalCount"], expected.len(), "{filter}");
    }

    let mut paged = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = json!({ "first": 3, "after": after, "orderBy": by_name });
        let data = fixture.query(LIST, page).await;
        paged.extend(names(&data));
        after = data["apps"]["pageInfo"]["endCursor"].clone();
        if data["apps"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(paged, ["apple", "Banana", "fruit-3", "Éclair"]);
    let bad = json!({ "filter": { "developerId": "nobody" } });
    assert_eq!(
        top_level_code(&fixture.execute(fixture.admin, LIST, bad).await),
        "BAD_USER_INPUT"
    );

    let nested = "{ developers(orderBy: { field: EMAIL, direction: ASC }) { nodes {
        apps(first: 2) { nodes { name } totalCount } } } }";
    let data = fixture.query(nested, json!({})).await;
    let expected = json!([
        { "apps": { "nodes": [{ "name": "Banana" }, { "name": "apple" }], "totalCount": 3 } },
        { "apps": { "nodes": [{ "name": "fruit-3" }], "totalCount": 1 } },
    ]);
    assert_eq!(data["developers"]["nodes"], expected);
}
