//! Who changes the catalog, and who sees what of it.

use super::*;

#[tokio::test]
async fn only_admins_change_the_catalog() {
    let fixture = Fixture::new().await;
    let id = fixture.product("mock").await.to_string();
    let developer = Viewer::Developer {
        id: fixture.developer("d@example.com").await,
        status: DeveloperStatus::Approved,
    };
    for (document, input) in [
        (CREATE, json!({ "name": "Mine" })),
        (UPDATE, json!({ "id": id, "name": "Mine" })),
        (PUBLISH, json!({ "id": id })),
        (UNPUBLISH, json!({ "id": id })),
        (DELETE, json!({ "id": id, "force": true })),
    ] {
        for (viewer, code) in [(developer, "FORBIDDEN"), (Viewer::Anonymous, "UNAUTHENTICATED")] {
            let response = fixture.execute(viewer, document, json!({ "input": input })).await;
            assert_eq!(response["errors"][0]["extensions"]["code"], code, "{response:#}");
        }
    }
    assert_eq!(slugs(&fixture, fixture.admin, json!({})).await, ["mock"]);
}

#[tokio::test]
async fn one_product_is_found_by_id_or_slug_or_node() {
    let fixture = Fixture::new().await;
    let id = fixture.product("mock").await.to_string();
    let data = fixture
        .query(
            "query ($id: ID!) { byId: product(id: $id) { slug } bySlug: product(slug: \"mock\", id: null) { id }
            none: product(slug: \"other\") { id } odd: product(slug: \"\\u0000\") { id }
            node(id: $id) { ... on Product { slug document(slug: \"x\") { body } } } }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(
        data,
        json!({ "byId": { "slug": "mock" }, "bySlug": { "id": id }, "none": null, "odd": null,
            "node": { "slug": "mock", "document": null } })
    );
    let version = VersionId::new();
    for arguments in [
        "",
        "(id: null)",
        "(id: \"x\", slug: \"mock\")",
        "(id: \"mock\")",
        &format!("(id: \"{version}\")"),
    ] {
        let response = fixture
            .execute(fixture.admin, &format!("{{ product{arguments} {{ id }} }}"), json!({}))
            .await;
        assert_eq!(
            response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
            "{arguments}"
        );
        assert_eq!(response["data"], json!({ "product": null }));
    }
}

/// One of each: every pair of a product's publication and a version's lifecycle, with a request of the developer or
/// without.
struct Catalog {
    entries: Vec<Entry>,
    developer: DeveloperId,
}

struct Entry {
    product: ProductId,
    version: VersionId,
    facts: Visibility,
}

impl Catalog {
    async fn new(fixture: &Fixture) -> Self {
        let developer = fixture.developer("own@example.com").await;
        let app: AppId = fixture.app(developer, "own").await;
        let stranger = fixture.developer("other@example.com").await;
        let strange_app = fixture.app(stranger, "other").await;
        let mut entries = Vec::new();
        for product_published in [false, true] {
            for lifecycle in VersionLifecycle::iter() {
                for has_own_request in [false, true] {
                    let number = entries.len();
                    let product = fixture.product(&format!("p{number}")).await;
                    if !product_published {
                        set_published(fixture, product, None).await;
                    }
                    let version = fixture.version(product, "v1", lifecycle).await;
                    let status = AccessRequestStatus::iter().cycle().nth(number).unwrap();
                    fixture.access_request((stranger, strange_app), version, status).await;
                    if has_own_request {
                        fixture.access_request((developer, app), version, status).await;
                    }
                    entries.push(Entry {
                        product,
                        version,
                        facts: Visibility {
                            portal_is_public: false,
                            product_published,
                            lifecycle,
                            has_own_request,
                        },
                    });
                }
            }
        }
        Self { entries, developer }
    }
}

#[tokio::test]
async fn statements_and_rules_agree_on_who_sees_what() {
    let fixture = Fixture::new().await;
    let catalog = Catalog::new(&fixture).await;
    let statuses = DeveloperStatus::iter();
    let viewers: Vec<(Viewer, bool)> = statuses
        .map(|status| {
            let id = catalog.developer;
            (Viewer::Developer { id, status }, true)
        })
        .chain([(Viewer::Anonymous, false), (fixture.admin, false)])
        .collect();
    let connection = fixture.plane.database.read();
    let mut compared = 0;
    for portal_is_public in [false, true] {
        set_public(&fixture, portal_is_public).await;
        for (viewer, may_own) in &viewers {
            let products = catalog.entries.iter().map(|entry| entry.product);
            let products = product_store::find_for(connection, viewer, products).await.unwrap();
            let products: BTreeSet<ProductId> = products.into_iter().map(|product| product.id).collect();
            let versions = catalog.entries.iter().map(|entry| entry.version);
            let versions = version_store::find_for(connection, viewer, versions).await.unwrap();
            let versions: BTreeSet<VersionId> = versions.into_iter().map(|version| version.id).collect();
            let listed = slugs(&fixture, *viewer, json!({ "first": 100 })).await.len();
            for entry in &catalog.entries {
                let facts = Visibility {
                    portal_is_public,
                    has_own_request: entry.facts.has_own_request && *may_own,
                    ..entry.facts
                };
                assert_eq!(
                    versions.contains(&entry.version),
                    domain::version::is_visible(viewer, &facts),
                    "{viewer:?} {facts:?}"
                );
                assert_eq!(
                    products.contains(&entry.product),
                    domain::product::is_visible(
                        viewer,
                        portal_is_public,
                        facts.product_published,
                        facts.has_own_request
                    ),
                    "{viewer:?} {facts:?}"
                );
                compared += 1;
            }
            let expected = match viewer {
                Viewer::Admin { .. } => 16,
                Viewer::Developer { .. } | Viewer::Anonymous if viewer.sees_catalog(portal_is_public) => 8,
                Viewer::Developer { .. } | Viewer::Anonymous => 0,
            };
            assert_eq!(listed, expected, "a list shows what is published: {viewer:?}");
        }
    }
    assert_eq!(compared, 2 * 6 * 16);
}
