use domain::{
    access_request::AccessRequestStatus,
    developer::DeveloperStatus,
    id::{ProductId, VersionId},
    version::VersionLifecycle,
    viewer::Viewer,
};
use entity::{access_request, access_request_hold, change, route, route_path, version, version_specification};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _,
};
use serde_json::{Value, json};

use crate::test_fixture::Fixture;

const CREATE: &str = "mutation ($input: CreateVersionInput!) { createVersion(input: $input) {
    version { id name lifecycle specification product { slug } } replayed userErrors { field code } } }";
const UPDATE: &str = "mutation ($input: UpdateVersionInput!) { updateVersion(input: $input) {
    version { id name lifecycle specification } userErrors { field code } } }";
const SET_LIFECYCLE: &str = "mutation ($input: SetVersionLifecycleInput!) { setVersionLifecycle(input: $input) {
    version { lifecycle } userErrors { field code } } }";
const DELETE: &str = "mutation ($input: DeleteVersionInput!) { deleteVersion(input: $input) {
    deletedId userErrors { field code } } }";
const DELETE_PRODUCT: &str = "mutation ($input: DeleteProductInput!) { deleteProduct(input: $input) {
    deletedId userErrors { field code } } }";

async fn create(fixture: &Fixture, product: ProductId, name: &str) -> VersionId {
    let payload = fixture
        .mutate(CREATE, json!({ "productId": product.to_string(), "name": name }))
        .await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["version"]["id"].as_str().unwrap().parse().unwrap()
}

async fn claim_route(fixture: &Fixture, version: VersionId, path: &str) {
    let connection = fixture.plane.database.read();
    let mut row: version::ActiveModel = fixture.version_row(version).await.into_active_model();
    row.upstream_url = Set(Some("http://upstream.example".to_owned()));
    row.update(connection).await.unwrap();
    let row = route::ActiveModel {
        version_id: Set(version.uuid()),
        position: Set(0),
        hosts: Set("[]".to_owned()),
        paths: Set(json!([path]).to_string()),
        methods: Set("[]".to_owned()),
        strip_path: Set(true),
    };
    row.insert(connection).await.unwrap();
    let row = route_path::ActiveModel {
        path: Set(path.to_owned()),
        version_id: Set(version.uuid()),
    };
    row.insert(connection).await.unwrap();
}

#[tokio::test]
async fn a_version_is_made_changed_and_deleted() {
    let fixture = Fixture::new().await;
    let product = fixture.product("mock").await;
    let specification = "openapi: 3.1.0\n";
    let made = fixture
        .mutate(
            CREATE,
            json!({ "productId": product.to_string(), "name": " v1 ", "specification": specification }),
        )
        .await;
    let id = made["version"]["id"].clone();
    assert_eq!(
        made,
        json!({
            "version": { "id": id, "name": "v1", "lifecycle": "ACTIVE", "specification": specification,
                "product": { "slug": "mock" } },
            "replayed": false,
            "userErrors": [],
        })
    );
    let renamed = fixture.mutate(UPDATE, json!({ "id": id, "name": "v1.1" })).await;
    assert_eq!(
        renamed["version"],
        json!({ "id": id, "name": "v1.1", "lifecycle": "ACTIVE", "specification": specification })
    );
    let changed = fixture.mutate(UPDATE, json!({ "id": id, "specification": "{}" })).await;
    assert_eq!(changed["version"]["specification"], "{}");
    let cleared = fixture.mutate(UPDATE, json!({ "id": id, "specification": null })).await;
    assert_eq!(cleared["version"]["specification"], Value::Null);
    assert_eq!(cleared["version"]["name"], "v1.1");

    let deleted = fixture.mutate(DELETE, json!({ "id": id })).await;
    assert_eq!(deleted, json!({ "deletedId": id, "userErrors": [] }));
    let gone = json!([{ "field": ["id"], "code": "NOT_FOUND" }]);
    assert_eq!(fixture.mutate(UPDATE, json!({ "id": id })).await["userErrors"], gone);
    assert_eq!(fixture.mutate(DELETE, json!({ "id": id })).await["userErrors"], gone);
    let audited = fixture.audited().await;
    assert_eq!(audited["version.create"], 1);
    assert_eq!(audited["version.update"], 3);
    assert_eq!(audited["version.delete"], 1);
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let fixture = Fixture::new().await;
    let product = fixture.product("mock").await;
    let limit = fixture.plane.limits.specification_bytes;
    assert_eq!(limit, 5 * 1024 * 1024);
    let id = product.to_string();
    let refused = async |input: Value| fixture.mutate(CREATE, input).await["userErrors"].clone();
    let unknown = ProductId::new().to_string();
    assert_eq!(
        refused(json!({ "productId": unknown, "name": "v1" })).await,
        json!([{ "field": ["productId"], "code": "NOT_FOUND" }])
    );
    assert_eq!(
        refused(json!({ "productId": id, "name": "", "specification": "x".repeat(limit + 1) })).await,
        json!([{ "field": ["name"], "code": "REQUIRED" }, { "field": ["specification"], "code": "TOO_LONG" }])
    );
    let first = create(&fixture, product, "v1").await.to_string();
    assert_eq!(
        refused(json!({ "productId": id, "name": "v1" })).await,
        json!([{ "field": ["name"], "code": "TAKEN" }])
    );
    let large = json!({ "id": first, "specification": "x".repeat(limit) });
    assert_eq!(
        fixture.mutate(UPDATE, large).await["userErrors"],
        json!([]),
        "the limit itself is allowed"
    );
    let second = create(&fixture, product, "v2").await.to_string();
    let taken = fixture.mutate(UPDATE, json!({ "id": second, "name": "v1" })).await;
    assert_eq!(taken["userErrors"], json!([{ "field": ["name"], "code": "TAKEN" }]));
    let null = fixture
        .mutate(UPDATE, json!({ "id": second, "name": null, "specification": " " }))
        .await;
    assert_eq!(
        null["userErrors"],
        json!([{ "field": ["name"], "code": "REQUIRED" }, { "field": ["specification"], "code": "REQUIRED" }])
    );
    let elsewhere = fixture.product("other").await;
    create(&fixture, elsewhere, "v1").await;
}

#[tokio::test]
async fn creating_again_with_the_same_key_makes_nothing_again() {
    let fixture = Fixture::new().await;
    let product = fixture.product("mock").await.to_string();
    let input = json!({ "productId": product, "name": "v1", "lifecycle": "DRAFT", "idempotencyKey": "k" });
    let first = fixture.mutate(CREATE, input.clone()).await;
    let second = fixture.mutate(CREATE, input).await;
    assert_eq!(first["replayed"], false);
    assert_eq!(second["replayed"], true);
    assert_eq!(first["version"], second["version"]);
    let other = json!({ "productId": product, "name": "v1", "lifecycle": "ACTIVE", "idempotencyKey": "k" });
    assert_eq!(
        fixture.mutate(CREATE, other).await["userErrors"],
        json!([{ "field": ["idempotencyKey"], "code": "IDEMPOTENCY_MISMATCH" }])
    );
}

#[tokio::test]
async fn a_version_goes_through_its_life_and_its_traffic_follows() {
    let fixture = Fixture::new().await;
    let product = fixture.product("mock").await;
    let version = fixture.version(product, "v1", VersionLifecycle::Draft).await;
    claim_route(&fixture, version, "/mock").await;
    let other = fixture.version(product, "v2", VersionLifecycle::Draft).await;
    claim_route(&fixture, other, "/mock").await;
    let set = async |version: VersionId, lifecycle: &str| {
        let input = json!({ "id": version.to_string(), "lifecycle": lifecycle });
        fixture.mutate(SET_LIFECYCLE, input).await
    };
    let became = |lifecycle: &str| json!({ "version": { "lifecycle": lifecycle }, "userErrors": [] });
    let refused = |code: &str| json!({ "version": null, "userErrors": [{ "field": ["lifecycle"], "code": code }] });
    assert_eq!(set(version, "RETIRED").await, refused("INVALID_TRANSITION"));
    assert_eq!(set(version, "ACTIVE").await, became("ACTIVE"));
    assert_eq!(set(version, "ACTIVE").await, refused("INVALID_TRANSITION"));
    assert_eq!(set(version, "DRAFT").await, refused("INVALID_TRANSITION"));
    assert_eq!(set(other, "ACTIVE").await, refused("ROUTE_CONFLICT"));
    assert_eq!(set(version, "DEPRECATED").await, became("DEPRECATED"));
    assert_eq!(
        set(other, "ACTIVE").await,
        refused("ROUTE_CONFLICT"),
        "a deprecated version is live"
    );
    assert_eq!(set(version, "RETIRED").await, became("RETIRED"));
    assert_eq!(
        set(other, "ACTIVE").await,
        became("ACTIVE"),
        "a retired version gives its routes up"
    );
    assert_eq!(set(version, "DEPRECATED").await, refused("ROUTE_CONFLICT"));
    assert_eq!(set(other, "RETIRED").await, became("RETIRED"));
    assert_eq!(set(version, "DEPRECATED").await, became("DEPRECATED"));
    assert_eq!(set(version, "ACTIVE").await, became("ACTIVE"));
    assert_eq!(fixture.version_row(version).await.lifecycle, version::Lifecycle::Active);
    assert_eq!(fixture.audited().await["version.set_lifecycle"], 7);
}

/// Two versions of a product; the first has an approved request, the second a pending one.
async fn requested(fixture: &Fixture) -> (ProductId, [VersionId; 2]) {
    let product = fixture.product("mock").await;
    let developer = fixture.developer("d@example.com").await;
    let app = fixture.app(developer, "app").await;
    let approved = create(fixture, product, "v1").await;
    let pending = create(fixture, product, "v2").await;
    fixture
        .access_request((developer, app), approved, AccessRequestStatus::Approved)
        .await;
    fixture
        .access_request((developer, app), approved, AccessRequestStatus::Rejected)
        .await;
    fixture
        .access_request((developer, app), pending, AccessRequestStatus::Pending)
        .await;
    for version in [approved, pending] {
        let hold = access_request_hold::ActiveModel {
            email_normalised: Set("d@example.com".to_owned()),
            version_id: Set(version.uuid()),
            held_at: Set(0),
        };
        hold.insert(fixture.plane.database.read()).await.unwrap();
    }
    (product, [approved, pending])
}

async fn logged(fixture: &Fixture, subject: change::Subject) -> u64 {
    let rows = change::Entity::find().filter(change::Column::Subject.eq(subject));
    rows.count(fixture.plane.database.read()).await.unwrap()
}

#[tokio::test]
async fn a_version_in_use_is_deleted_by_force_with_all_that_is_its_own() {
    let fixture = Fixture::new().await;
    let (_, [approved, pending]) = requested(&fixture).await;
    let in_use = json!({ "deletedId": null, "userErrors": [{ "field": ["id"], "code": "IN_USE" }] });
    let id = approved.to_string();
    assert_eq!(fixture.mutate(DELETE, json!({ "id": id })).await, in_use);
    assert_eq!(
        fixture.mutate(DELETE, json!({ "id": id, "force": false })).await,
        in_use
    );
    let before = logged(&fixture, change::Subject::AccessRequest).await;
    let deleted = fixture.mutate(DELETE, json!({ "id": id, "force": true })).await;
    assert_eq!(deleted, json!({ "deletedId": id, "userErrors": [] }));
    assert_eq!(logged(&fixture, change::Subject::AccessRequest).await, before + 2);
    let connection = fixture.plane.database.read();
    let requests = access_request::Entity::find().all(connection).await.unwrap();
    assert_eq!(
        requests.iter().map(|row| row.version_id).collect::<Vec<_>>(),
        [pending.uuid()]
    );
    let holds = access_request_hold::Entity::find().all(connection).await.unwrap();
    assert_eq!(
        holds.iter().map(|row| row.version_id).collect::<Vec<_>>(),
        [pending.uuid()]
    );
    let unforced = fixture.mutate(DELETE, json!({ "id": pending.to_string() })).await;
    assert_eq!(
        unforced["userErrors"],
        json!([]),
        "a pending request is in nobody's way"
    );
}

#[tokio::test]
async fn a_product_in_use_is_deleted_by_force_with_its_versions() {
    let fixture = Fixture::new().await;
    let (product, _) = requested(&fixture).await;
    let id = product.to_string();
    let refused = fixture.mutate(DELETE_PRODUCT, json!({ "id": id })).await;
    assert_eq!(
        refused,
        json!({ "deletedId": null, "userErrors": [{ "field": ["id"], "code": "IN_USE" }] })
    );
    let versions_logged = logged(&fixture, change::Subject::Version).await;
    let deleted = fixture.mutate(DELETE_PRODUCT, json!({ "id": id, "force": true })).await;
    assert_eq!(deleted["deletedId"], json!(id));
    assert_eq!(logged(&fixture, change::Subject::Version).await, versions_logged + 2);
    assert_eq!(logged(&fixture, change::Subject::AccessRequest).await, 3);
    let connection = fixture.plane.database.read();
    assert_eq!(version::Entity::find().count(connection).await.unwrap(), 0);
    assert_eq!(
        version_specification::Entity::find().count(connection).await.unwrap(),
        0
    );
    assert_eq!(access_request::Entity::find().count(connection).await.unwrap(), 0);
    assert_eq!(access_request_hold::Entity::find().count(connection).await.unwrap(), 0);
    assert_eq!(
        fixture.audited().await["version.delete"],
        2,
        "each of its versions is recorded"
    );
}

#[tokio::test]
async fn a_product_with_very_many_requests_can_be_deleted() {
    let fixture = Fixture::new().await;
    let product = fixture.product("mock").await;
    let version = create(&fixture, product, "v1").await;
    let developer = fixture.developer("d@example.com").await;
    let app = fixture.app(developer, "app").await;
    let model = access_request::ActiveModel {
        id: Set(fixture
            .access_request((developer, app), version, AccessRequestStatus::Rejected)
            .await
            .uuid()),
        ..Default::default()
    };
    let template = access_request::Entity::find_by_id(model.id.unwrap());
    let template = template.one(fixture.plane.database.read()).await.unwrap().unwrap();
    for _ in 0..12 {
        let rows = (0..1000).map(|_| access_request::ActiveModel {
            id: Set(uuid::Uuid::now_v7()),
            ..template.clone().into_active_model()
        });
        access_request::Entity::insert_many(rows)
            .exec_without_returning(fixture.plane.database.read())
            .await
            .unwrap();
    }
    let deleted = fixture
        .mutate(DELETE_PRODUCT, json!({ "id": product.to_string() }))
        .await;
    assert_eq!(deleted["userErrors"], json!([]));
    assert_eq!(logged(&fixture, change::Subject::AccessRequest).await, 12_001);
}

#[tokio::test]
async fn only_admins_change_versions() {
    let fixture = Fixture::new().await;
    let product = fixture.product("mock").await;
    let id = create(&fixture, product, "v1").await.to_string();
    let developer = Viewer::Developer {
        id: fixture.developer("d@example.com").await,
        status: DeveloperStatus::Approved,
    };
    for (document, input) in [
        (CREATE, json!({ "productId": product.to_string(), "name": "v2" })),
        (UPDATE, json!({ "id": id, "name": "v2" })),
        (SET_LIFECYCLE, json!({ "id": id, "lifecycle": "RETIRED" })),
        (DELETE, json!({ "id": id, "force": true })),
    ] {
        for (viewer, code) in [(developer, "FORBIDDEN"), (Viewer::Anonymous, "UNAUTHENTICATED")] {
            let response = fixture.execute(viewer, document, json!({ "input": input })).await;
            assert_eq!(response["errors"][0]["extensions"]["code"], code, "{response:#}");
        }
    }
    let row = fixture.version_row(id.parse().unwrap()).await;
    assert_eq!((row.name.as_str(), row.lifecycle), ("v1", version::Lifecycle::Active));
}

#[tokio::test]
async fn versions_are_paged_and_filtered_below_their_products() {
    let fixture = Fixture::new().await;
    for slug in ["a", "b"] {
        let product = fixture.product(slug).await;
        for (name, lifecycle) in [
            ("v1", VersionLifecycle::Retired),
            ("v2", VersionLifecycle::Deprecated),
            ("v3", VersionLifecycle::Active),
            ("v4", VersionLifecycle::Draft),
        ] {
            fixture.version(product, name, lifecycle).await;
        }
    }
    fixture.product("empty").await;
    let document = "{ products(orderBy: { field: NAME, direction: ASC }) { nodes {
        slug version(name: \"v4\") { name }
        two: versions(first: 2) { nodes { name product { slug } } totalCount pageInfo { hasNextPage } }
        live: versions(last: 1, filter: { lifecycle: [ACTIVE, DEPRECATED], registrationEnabled: false }) {
            edges { node { name } } totalCount pageInfo { hasPreviousPage } } } } }";
    let admin = fixture.query(document, json!({})).await;
    let shown = |slug: &str| {
        json!({
            "slug": slug, "version": { "name": "v4" },
            "two": {
                "nodes": [{ "name": "v4", "product": { "slug": slug } }, { "name": "v3", "product": { "slug": slug } }],
                "totalCount": 4, "pageInfo": { "hasNextPage": true },
            },
            "live": { "edges": [{ "node": { "name": "v2" } }], "totalCount": 2, "pageInfo": { "hasPreviousPage": true } },
        })
    };
    let nodes = &admin["products"]["nodes"];
    assert_eq!(nodes[0], shown("a"));
    assert_eq!(nodes[1], shown("b"));
    assert_eq!(
        nodes[2]["two"],
        json!({ "nodes": [], "totalCount": 0, "pageInfo": { "hasNextPage": false } })
    );

    let developer = Viewer::Developer {
        id: fixture.developer("d@example.com").await,
        status: DeveloperStatus::Approved,
    };
    let seen = fixture.execute(developer, document, json!({})).await;
    let first = &seen["data"]["products"]["nodes"][0];
    assert_eq!(first["version"], Value::Null, "no draft");
    let names = first["two"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| &node["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["v3", "v2"]);
    assert_eq!(first["two"]["totalCount"], 2);

    let bad = "{ products { nodes { versions(filter: { authStrategyId: \"app_1\" }) { totalCount } } } }";
    let response = fixture.execute(fixture.admin, bad, json!({})).await;
    assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    let strategy = domain::id::AuthStrategyId::new();
    let none = format!(
        "{{ products {{ nodes {{ versions(filter: {{ authStrategyId: \"{strategy}\" }}) {{ totalCount }} }} }} }}"
    );
    let none = fixture.query(&none, json!({})).await;
    assert_eq!(none["products"]["nodes"][0]["versions"]["totalCount"], 0);
}

#[tokio::test]
async fn through_ones_own_request_a_retired_version_stays_readable() {
    let fixture = Fixture::new().await;
    let product = fixture.product("mock").await;
    let [own, other] = [
        fixture.version(product, "v1", VersionLifecycle::Retired).await,
        fixture.version(product, "v2", VersionLifecycle::Retired).await,
    ];
    let developer = fixture.developer("d@example.com").await;
    let app = fixture.app(developer, "app").await;
    fixture
        .access_request((developer, app), own, AccessRequestStatus::Cancelled)
        .await;
    let viewer = Viewer::Developer {
        id: developer,
        status: DeveloperStatus::Approved,
    };
    let ids = [own.to_string(), other.to_string(), product.to_string()];
    let document = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename
        ... on Product { versions { nodes { name } totalCount } }
        ... on ProductVersion { name product { slug } } } }";
    let seen = fixture.execute(viewer, document, json!({ "ids": ids })).await;
    assert_eq!(
        seen["data"]["nodes"],
        json!([
            { "__typename": "ProductVersion", "name": "v1", "product": { "slug": "mock" } },
            null,
            { "__typename": "Product", "versions": { "nodes": [{ "name": "v1" }], "totalCount": 1 } },
        ])
    );
    let nobody = fixture
        .execute(Viewer::Anonymous, document, json!({ "ids": ids }))
        .await;
    assert_eq!(nobody["data"]["nodes"], json!([null, null, null]));
}
