use std::collections::BTreeSet;

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    developer::DeveloperStatus,
    id::{AppId, DeveloperId, ProductId, VersionId},
    version::{VersionLifecycle, Visibility},
    viewer::Viewer,
};
use entity::{portal, product};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use crate::{product::store as product_store, test_fixture::Fixture, version::store as version_store};

mod visibility;

const CREATE: &str = "mutation ($input: CreateProductInput!) { createProduct(input: $input) {
    product { id slug name description isPublished publishedAt labels { key value } documents { slug title body } }
    replayed userErrors { field code } } }";
const UPDATE: &str = "mutation ($input: UpdateProductInput!) { updateProduct(input: $input) {
    product { id slug name description labels { key value } documents { slug title body } }
    userErrors { field code } } }";
const PUBLISH: &str = "mutation ($input: PublishProductInput!) { publishProduct(input: $input) {
    product { isPublished publishedAt updatedAt } userErrors { field code } } }";
const UNPUBLISH: &str = "mutation ($input: UnpublishProductInput!) { unpublishProduct(input: $input) {
    product { isPublished publishedAt } userErrors { field code } } }";
const DELETE: &str = "mutation ($input: DeleteProductInput!) { deleteProduct(input: $input) {
    deletedId userErrors { field code } } }";
const LIST: &str = "query ($first: Int, $after: String, $filter: ProductFilter, $orderBy: ProductOrder) {
    products(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
        nodes { slug } totalCount pageInfo { hasNextPage endCursor } } }";

async fn create(fixture: &Fixture, input: Value) -> Value {
    let payload = fixture.mutate(CREATE, input).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["product"].clone()
}

/// The slugs that the list shows, and its count, which must agree.
async fn slugs(fixture: &Fixture, viewer: Viewer, variables: Value) -> Vec<String> {
    let response = fixture.execute(viewer, LIST, variables).await;
    assert!(response.get("errors").is_none(), "{response:#}");
    let list = &response["data"]["products"];
    let nodes = list["nodes"].as_array().unwrap().iter();
    let slugs: Vec<String> = nodes.map(|node| node["slug"].as_str().unwrap().to_owned()).collect();
    assert_eq!(list["totalCount"], json!(slugs.len()));
    slugs
}

async fn set_public(fixture: &Fixture, is_public: bool) {
    let row = portal::Entity::find()
        .one(fixture.plane.database.read())
        .await
        .unwrap()
        .unwrap();
    let mut row = row.into_active_model();
    row.is_public = Set(is_public);
    row.update(fixture.plane.database.read()).await.unwrap();
}

async fn set_published(fixture: &Fixture, id: ProductId, at: Option<Timestamp>) {
    let row = product::ActiveModel {
        id: Set(id.uuid()),
        published_at: Set(at.map(|at| at.as_millis())),
        ..Default::default()
    };
    row.update(fixture.plane.database.read()).await.unwrap();
}

#[tokio::test]
async fn a_product_is_made_changed_published_and_deleted() {
    let fixture = Fixture::new().await;
    let made = create(
        &fixture,
        json!({
            "name": " Zürich Weather ",
            "description": "Sun\r\nand rain",
            "labels": [{ "key": "team", "value": "sky" }, { "key": "area", "value": "eu" }],
            "documents": [
                { "slug": "start", "title": "Start", "body": "# Start\n" },
                { "slug": "about", "title": "About", "body": "" },
            ],
        }),
    )
    .await;
    let id = made["id"].clone();
    let documents = json!([
        { "slug": "start", "title": "Start", "body": "# Start\n" },
        { "slug": "about", "title": "About", "body": "" },
    ]);
    assert_eq!(
        made,
        json!({
            "id": id, "slug": "zurich-weather", "name": "Zürich Weather", "description": "Sun\nand rain",
            "isPublished": false, "publishedAt": null,
            "labels": [{ "key": "area", "value": "eu" }, { "key": "team", "value": "sky" }],
            "documents": documents,
        })
    );

    let changed = fixture.mutate(UPDATE, json!({ "id": id, "name": "Weather" })).await;
    assert_eq!(changed["product"]["name"], "Weather");
    assert_eq!(
        changed["product"]["slug"], "zurich-weather",
        "a new name leaves the slug alone"
    );
    assert_eq!(changed["product"]["documents"], documents, "what is left out stays");
    let cleared = fixture
        .mutate(
            UPDATE,
            json!({ "id": id, "slug": "weather", "description": null, "labels": null,
                "documents": [{ "slug": "about", "title": "About us", "body": "B" }] }),
        )
        .await;
    assert_eq!(
        cleared["product"],
        json!({ "id": id, "slug": "weather", "name": "Weather", "description": null, "labels": [],
            "documents": [{ "slug": "about", "title": "About us", "body": "B" }] })
    );

    let published = fixture.mutate(PUBLISH, json!({ "id": id })).await;
    assert_eq!(published["product"]["isPublished"], true);
    let again = fixture.mutate(PUBLISH, json!({ "id": id })).await;
    assert_eq!(again, published, "publishing again changes nothing");
    let nothing = json!({ "product": { "isPublished": false, "publishedAt": null }, "userErrors": [] });
    assert_eq!(fixture.mutate(UNPUBLISH, json!({ "id": id })).await, nothing);
    assert_eq!(fixture.mutate(UNPUBLISH, json!({ "id": id })).await, nothing);

    let deleted = fixture.mutate(DELETE, json!({ "id": id })).await;
    assert_eq!(deleted, json!({ "deletedId": id, "userErrors": [] }));
    let gone = json!([{ "field": ["id"], "code": "NOT_FOUND" }]);
    for document in [UPDATE, PUBLISH, UNPUBLISH, DELETE] {
        assert_eq!(fixture.mutate(document, json!({ "id": id })).await["userErrors"], gone);
    }
    let again = create(&fixture, json!({ "name": "Weather" })).await;
    assert_eq!(again["slug"], "weather", "deletion frees the slug");

    let audited = fixture.audited().await;
    let count = |action: &str| audited.get(&format!("product.{action}")).copied().unwrap_or_default();
    assert_eq!(
        ["create", "update", "publish", "unpublish", "delete"].map(count),
        [2, 2, 1, 1, 1]
    );
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let fixture = Fixture::new().await;
    let input = json!({
        "name": "x".repeat(101),
        "slug": "Not a slug",
        "description": "x".repeat(10_001),
        "labels": [{ "key": "a", "value": "1" }, { "key": "a", "value": "" }],
        "documents": [{ "slug": "a", "title": "", "body": "\u{0}" }],
    });
    let refused = fixture.mutate(CREATE, input.clone()).await;
    let told = json!([
        { "field": ["name"], "code": "TOO_LONG" },
        { "field": ["slug"], "code": "INVALID" },
        { "field": ["description"], "code": "TOO_LONG" },
        { "field": ["labels", "1", "key"], "code": "TAKEN" },
        { "field": ["labels", "1", "value"], "code": "REQUIRED" },
        { "field": ["documents", "0", "title"], "code": "REQUIRED" },
        { "field": ["documents", "0", "body"], "code": "INVALID" },
    ]);
    assert_eq!(
        refused,
        json!({ "product": null, "replayed": false, "userErrors": told })
    );
    let made = create(&fixture, json!({ "name": "Mock" })).await;
    let mut patch = input;
    patch["id"] = made["id"].clone();
    assert_eq!(
        fixture.mutate(UPDATE, patch).await,
        json!({ "product": null, "userErrors": told })
    );
    let nulls = fixture
        .mutate(UPDATE, json!({ "id": made["id"], "name": null, "slug": null }))
        .await;
    assert_eq!(
        nulls["userErrors"],
        json!([{ "field": ["name"], "code": "REQUIRED" }, { "field": ["slug"], "code": "REQUIRED" }])
    );
    assert_eq!(
        fixture.audited().await.get("product.update"),
        None,
        "what is refused is not recorded"
    );
}

#[tokio::test]
async fn a_slug_is_made_free_or_refused_as_taken() {
    let fixture = Fixture::new().await;
    for expected in ["mock", "mock-2", "mock-3"] {
        assert_eq!(create(&fixture, json!({ "name": "Mock!" })).await["slug"], expected);
    }
    let taken = json!([{ "field": ["slug"], "code": "TAKEN" }]);
    let refused = fixture
        .mutate(CREATE, json!({ "name": "Other", "slug": "mock-2" }))
        .await;
    assert_eq!(refused["userErrors"], taken);
    let other = create(&fixture, json!({ "name": "Other" })).await;
    let refused = fixture
        .mutate(UPDATE, json!({ "id": other["id"], "slug": "mock" }))
        .await;
    assert_eq!(refused["userErrors"], taken);
    let kept = fixture
        .mutate(UPDATE, json!({ "id": other["id"], "slug": "other" }))
        .await;
    assert_eq!(kept["userErrors"], json!([]), "its own slug is not taken");
    let nameless = fixture.mutate(CREATE, json!({ "name": "!?" })).await;
    assert_eq!(
        nameless["userErrors"],
        json!([{ "field": ["slug"], "code": "REQUIRED" }])
    );
    let long = "x".repeat(100);
    create(&fixture, json!({ "name": long })).await;
    let cut = create(&fixture, json!({ "name": long })).await;
    assert_eq!(cut["slug"], format!("{}-2", "x".repeat(98)));

    for number in 4..=60 {
        fixture.product(&format!("mock-{number}")).await;
    }
    assert_eq!(create(&fixture, json!({ "name": "Mock" })).await["slug"], "mock-61");
}

#[tokio::test]
async fn creating_again_with_the_same_key_makes_nothing_again() {
    let fixture = Fixture::new().await;
    let input = json!({ "name": "Mock", "idempotencyKey": "k", "labels": [{ "key": "a", "value": "b" }] });
    let first = fixture.mutate(CREATE, input.clone()).await;
    assert_eq!(first["replayed"], false);
    let id = first["product"]["id"].clone();
    fixture.mutate(UPDATE, json!({ "id": id, "name": "Renamed" })).await;
    let second = fixture.mutate(CREATE, input.clone()).await;
    assert_eq!(second["replayed"], true);
    assert_eq!(second["product"]["id"], id);
    assert_eq!(second["product"]["name"], "Renamed", "the present state");
    let other = fixture
        .mutate(CREATE, json!({ "name": "Other", "idempotencyKey": "k" }))
        .await;
    assert_eq!(
        other["userErrors"],
        json!([{ "field": ["idempotencyKey"], "code": "IDEMPOTENCY_MISMATCH" }])
    );
    fixture.mutate(DELETE, json!({ "id": id })).await;
    let gone = fixture.mutate(CREATE, input).await;
    assert_eq!(
        gone["userErrors"],
        json!([{ "field": ["idempotencyKey"], "code": "NOT_FOUND" }])
    );
    assert_eq!(fixture.audited().await["product.create"], 1);
}

#[tokio::test]
async fn the_list_is_filtered_and_ordered() {
    let fixture = Fixture::new().await;
    let label = |key: &str, value: &str| json!({ "key": key, "value": value });
    for (name, slug, labels) in [
        ("beta", "zeta-1", vec![label("team", "a"), label("tier", "gold")]),
        ("Alpha", "alpha", vec![label("team", "a")]),
        ("Ökonomie", "eco", vec![label("tier", "gold")]),
        ("alpine", "b", vec![]),
    ] {
        create(&fixture, json!({ "name": name, "slug": slug, "labels": labels })).await;
    }
    let by = |field: &str, direction: &str| json!({ "orderBy": { "field": field, "direction": direction } });
    let admin = fixture.admin;
    let by_name = ["alpha", "b", "zeta-1", "eco"];
    assert_eq!(slugs(&fixture, admin, by("NAME", "ASC")).await, by_name);
    let reversed: Vec<_> = by_name.into_iter().rev().collect();
    assert_eq!(slugs(&fixture, admin, by("NAME", "DESC")).await, reversed);

    let filtered = async |filter: Value| -> BTreeSet<String> {
        let slugs = slugs(&fixture, admin, json!({ "filter": filter })).await;
        slugs.into_iter().collect()
    };
    let set = |slugs: &[&str]| -> BTreeSet<String> { slugs.iter().map(|&slug| slug.to_owned()).collect() };
    assert_eq!(filtered(json!({ "search": "ALP" })).await, set(&["alpha", "b"]));
    assert_eq!(filtered(json!({ "search": "ökon" })).await, set(&["eco"]));
    assert_eq!(filtered(json!({ "search": "Zeta" })).await, set(&["zeta-1"]), "by slug");
    assert_eq!(
        filtered(json!({ "search": "lpha" })).await,
        set(&[]),
        "a prefix, no infix"
    );
    assert_eq!(filtered(json!({ "search": "%" })).await, set(&[]));
    assert_eq!(filtered(json!({ "search": "\u{0}" })).await, set(&[]));
    assert_eq!(filtered(json!({ "search": "" })).await.len(), 4);
    assert_eq!(
        filtered(json!({ "labels": [label("team", "a")] })).await,
        set(&["alpha", "zeta-1"])
    );
    let both = [label("team", "a"), label("tier", "gold"), label("team", "a")];
    assert_eq!(
        filtered(json!({ "labels": both })).await,
        set(&["zeta-1"]),
        "all of them"
    );
    assert_eq!(
        filtered(json!({ "labels": [label("team", "a"), label("team", "b")] })).await,
        set(&[])
    );
    assert_eq!(filtered(json!({ "labels": [label("", "")] })).await, set(&[]));
    let many: Vec<_> = (0..60).map(|number| label(&format!("k{number}"), "v")).collect();
    assert_eq!(filtered(json!({ "labels": many })).await, set(&[]));
    assert_eq!(filtered(json!({ "isPublished": true })).await, set(&[]));
    assert_eq!(filtered(json!({ "isPublished": false })).await.len(), 4);
}

#[tokio::test]
async fn what_is_not_published_comes_last_both_ways() {
    let fixture = Fixture::new().await;
    for (slug, at) in [
        ("first", Some(1)),
        ("never", None),
        ("second", Some(2)),
        ("nowhere", None),
    ] {
        let id = fixture.product(slug).await;
        set_published(&fixture, id, at.map(Timestamp::from_millis)).await;
    }
    for (direction, expected) in [
        ("ASC", ["first", "second", "never", "nowhere"]),
        ("DESC", ["second", "first", "nowhere", "never"]),
    ] {
        let (mut walked, mut after) = (Vec::new(), Value::Null);
        loop {
            let order = json!({ "field": "PUBLISHED_AT", "direction": direction });
            let page = fixture
                .query(LIST, json!({ "first": 1, "after": after, "orderBy": order }))
                .await;
            let list = &page["products"];
            walked.push(list["nodes"][0]["slug"].as_str().unwrap().to_owned());
            after = list["pageInfo"]["endCursor"].clone();
            if list["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(walked, expected, "{direction}");
    }
}
