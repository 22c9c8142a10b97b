//! Every operation of the schema by every kind of caller. An operation that is missing here fails the test.

mod fields;
mod not_approved;
mod world;

use std::collections::BTreeSet;

use async_graphql_parser::types::{TypeDefinition, TypeKind, TypeSystemDefinition};
use portico_tests::{
    caller::{Caller, outcome},
    fixture,
    server::{ADMIN_PASSWORD, DEVELOPER_PASSWORD},
};
use serde_json::{Value, json};

use self::world::World;

/// What each caller gets: nobody, a developer who waits, the developer whose objects are named, another one, an admin.
type Outcomes = [&'static str; 5];

/// A refused token refuses the whole request, even what anyone may read.
const REFUSED_TOKEN: &str = "!UNAUTHENTICATED";

/// What every caller of [`World`] gets: a developer who was rejected what one who waits gets, and one who was revoked
/// `revoked`.
fn by_caller<'a>(
    world: &'a World,
    outcomes: &Outcomes,
    revoked: &'static str,
) -> impl Iterator<Item = (&'a Caller, &'static str)> {
    let [anonymous, pending, owner, other, admin] = *outcomes;
    let outcomes = [anonymous, pending, owner, other, admin, pending, revoked];
    world.callers.iter().zip(outcomes)
}

const ANYONE: Outcomes = ["ok"; 5];
const SIGNED_IN: Outcomes = ["!UNAUTHENTICATED", "ok", "ok", "ok", "ok"];
const ADMINS: Outcomes = ["!UNAUTHENTICATED", "!FORBIDDEN", "!FORBIDDEN", "!FORBIDDEN", "ok"];
/// Of one's own objects; another's do not exist.
const OWNER: Outcomes = ["!UNAUTHENTICATED", "NOT_FOUND", "ok", "NOT_FOUND", "!FORBIDDEN"];
const OWNER_AND_ADMINS: Outcomes = ["!UNAUTHENTICATED", "NOT_FOUND", "ok", "NOT_FOUND", "ok"];

/// Root lists that are an admin's alone.
const ADMINS_LIST: Outcomes = ["!FORBIDDEN", "!FORBIDDEN", "!FORBIDDEN", "!FORBIDDEN", "ok"];
/// Root lists of one's own objects.
const OWN_LIST: Outcomes = ["!UNAUTHENTICATED", "empty", "ok", "ok", "ok"];
/// What only its developer and admins see.
const OWNERS_NODE: Outcomes = ["null", "null", "ok", "null", "ok"];
/// What the catalog of a private portal shows.
const CATALOG: Outcomes = ["null", "null", "ok", "ok", "ok"];
const ADMINS_NODE: Outcomes = ["null", "null", "null", "null", "ok"];

const MUTATIONS: &[(&str, Outcomes)] = &[
    ("signUp", ANYONE),
    ("signIn", ANYONE),
    ("refreshSession", ANYONE),
    ("signOut", ANYONE),
    ("resetPassword", ANYONE),
    ("changePassword", SIGNED_IN),
    (
        "createApp",
        ["!UNAUTHENTICATED", "DEVELOPER_NOT_APPROVED", "ok", "ok", "!FORBIDDEN"],
    ),
    ("updateApp", OWNER),
    ("deleteApp", OWNER_AND_ADMINS),
    ("requestAccess", OWNER),
    ("cancelAccessRequest", OWNER),
    ("generateCredential", OWNER),
    ("rotateCredential", OWNER),
    ("revokeCredential", OWNER_AND_ADMINS),
    ("updatePortal", ADMINS),
    ("createProduct", ADMINS),
    ("updateProduct", ADMINS),
    ("publishProduct", ADMINS),
    ("unpublishProduct", ADMINS),
    ("deleteProduct", ADMINS),
    ("createVersion", ADMINS),
    ("updateVersion", ADMINS),
    ("setVersionLifecycle", ADMINS),
    ("deleteVersion", ADMINS),
    ("setGatewayService", ADMINS),
    ("removeGatewayService", ADMINS),
    ("enableRegistration", ADMINS),
    ("disableRegistration", ADMINS),
    ("createKeyAuthStrategy", ADMINS),
    ("updateKeyAuthStrategy", ADMINS),
    ("deleteAuthStrategy", ADMINS),
    ("approveDeveloper", ADMINS),
    ("rejectDeveloper", ADMINS),
    ("revokeDeveloper", ADMINS),
    ("deleteDeveloper", ADMINS),
    ("issuePasswordReset", ADMINS),
    ("approveAccessRequest", ADMINS),
    ("rejectAccessRequest", ADMINS),
    ("revokeAccessRequest", ADMINS),
    ("suspendApp", ADMINS),
    ("createGatewayToken", ADMINS),
    ("revokeGatewayToken", ADMINS),
    ("resumeApp", ADMINS),
];

/// The selection of each query, with `$id` for the owner's app and `$product` for a published product.
const QUERIES: &[(&str, &str, Outcomes)] = &[
    ("node", "node(id: $id) { id }", OWNERS_NODE),
    (
        "nodes",
        "nodes(ids: [$id]) { id }",
        ["empty", "empty", "ok", "empty", "ok"],
    ),
    ("viewer", "viewer { id }", ["null", "ok", "ok", "ok", "ok"]),
    ("portal", "portal { id }", ANYONE),
    (
        "products",
        "products { nodes { id } }",
        ["empty", "empty", "ok", "ok", "ok"],
    ),
    ("product", "product(id: $product) { id }", CATALOG),
    ("apps", "apps { nodes { id } }", OWN_LIST),
    ("accessRequests", "accessRequests { nodes { id } }", OWN_LIST),
    ("developers", "developers { nodes { id } }", ADMINS_LIST),
    ("authStrategies", "authStrategies { nodes { id } }", ADMINS_LIST),
    ("auditEvents", "auditEvents { nodes { id } }", ADMINS_LIST),
    ("gatewayTokens", "gatewayTokens { nodes { id } }", ADMINS_LIST),
    ("gatewayNodes", "gatewayNodes { nodes { id } }", ADMINS_LIST),
];

/// The selection of each subscription. Whose changes each caller is told of, [`crate::live`] shows; one who waits is
/// told of nothing but their own account.
const SUBSCRIPTIONS: &[(&str, &str, Outcomes)] = &[
    ("accessRequestChanged", "accessRequestChanged { deletedId }", SIGNED_IN),
    ("credentialChanged", "credentialChanged { deletedId }", SIGNED_IN),
    ("viewerChanged", "viewerChanged { id }", SIGNED_IN),
];

/// The fields of a root type in the schema as it is published.
fn operations(root: &str) -> BTreeSet<String> {
    let document = async_graphql_parser::parse_schema(portico::graphql::sdl()).unwrap();
    let fields = document
        .definitions
        .into_iter()
        .find_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => match definition.node {
                TypeDefinition {
                    name,
                    kind: TypeKind::Object(object),
                    ..
                } if name.node == root => Some(object.fields),
                _ => None,
            },
            _ => None,
        });
    let fields = fields.unwrap().into_iter();
    fields.map(|field| field.node.name.node.to_string()).collect()
}

fn names(listed: impl Iterator<Item = &'static str>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for name in listed {
        assert!(names.insert(name.to_owned()), "{name} is listed twice");
    }
    names
}

#[test]
fn every_operation_of_the_schema_is_listed() {
    assert_eq!(names(MUTATIONS.iter().map(|(name, _)| *name)), operations("Mutation"));
    assert_eq!(names(QUERIES.iter().map(|(name, ..)| *name)), operations("Query"));
    let subscriptions = SUBSCRIPTIONS.iter().map(|(name, ..)| *name);
    assert_eq!(names(subscriptions), operations("Subscription"));
}

#[tokio::test]
async fn every_mutation_by_every_caller() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    for (mutation, expected) in MUTATIONS {
        if *mutation == "changePassword" {
            continue;
        }
        // What begins and ends sessions looks at no token, so that a dead one stands in nobody's way.
        let revoked = if *expected == ANYONE { "ok" } else { REFUSED_TOKEN };
        for (caller, expected) in by_caller(&world, expected, revoked) {
            let input = world.input(mutation).await;
            let selection = match *mutation {
                "refreshSession" => "session { refreshToken }",
                _ => "",
            };
            let answer = caller.mutate(mutation, selection, input).await;
            if let Some(token) = answer["data"][mutation]["session"]["refreshToken"].as_str() {
                *world.refresh_token.borrow_mut() = Some(token.to_owned());
            }
            note(&mut wrong, mutation, caller, &outcome(&answer, mutation), expected);
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    world.server.stop().await;
}

/// Apart from the others because it changes what the callers sign in with.
#[tokio::test]
async fn everyone_who_is_signed_in_changes_their_password() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    for (caller, expected) in by_caller(&world, &SIGNED_IN, REFUSED_TOKEN) {
        let current = match caller.name {
            "admin" => ADMIN_PASSWORD,
            _ => DEVELOPER_PASSWORD,
        };
        let input = json!({ "currentPassword": current, "newPassword": "quite another long password" });
        let answer = caller.mutate("changePassword", "", input).await;
        note(
            &mut wrong,
            "changePassword",
            caller,
            &outcome(&answer, "changePassword"),
            expected,
        );
    }
    assert_eq!(wrong, Vec::<String>::new());
    world.server.stop().await;
}

#[tokio::test]
async fn every_query_by_every_caller() {
    let world = World::new().await;
    let id = world.app().await.id.to_string();
    world.gateway_token().await;
    world.gateway_node().await;
    let mut wrong = Vec::new();
    for (query, selection, expected) in QUERIES {
        let mut parameters = Vec::new();
        for name in ["id", "product"] {
            if selection.contains(&format!("${name}")) {
                parameters.push(format!("${name}: ID!"));
            }
        }
        let parameters = match parameters.join(", ") {
            none if none.is_empty() => none,
            some => format!("({some})"),
        };
        let document = format!("query{parameters} {{ {selection} }}");
        for (caller, expected) in by_caller(&world, expected, REFUSED_TOKEN) {
            let answer = caller
                .post(&document, json!({ "id": id, "product": world.product }))
                .await;
            note(&mut wrong, query, caller, &outcome(&answer, query), expected);
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    world.server.stop().await;
}

#[tokio::test]
async fn every_subscription_by_every_caller() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    for (subscription, selection, expected) in SUBSCRIPTIONS {
        let document = format!("subscription {{ {selection} }}");
        for (caller, expected) in by_caller(&world, expected, REFUSED_TOKEN) {
            let found = caller.subscribe(&world.server, &document).await;
            note(&mut wrong, subscription, caller, &found, expected);
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    world.server.stop().await;
}

fn note(wrong: &mut Vec<String>, what: &str, caller: &Caller, found: &str, expected: &str) {
    if found != expected {
        wrong.push(format!("{what} by {}: {found}, expected {expected}", caller.name));
    }
}

/// The lists that everyone may read hold nothing of another developer's.
#[tokio::test]
async fn lists_hold_ones_own_only() {
    let world = World::new().await;
    let document = "{ apps { totalCount nodes { developer { id } } }
        accessRequests { totalCount nodes { app { developer { id } } } } }";
    for (caller, developer) in [(2, &world.owner), (3, &world.other)] {
        let answer = world.callers[caller].post(document, json!({})).await;
        let own = json!({ "developer": { "id": developer.id.to_string() } });
        assert_eq!(answer["data"]["apps"], json!({ "totalCount": 1, "nodes": [own] }));
        let of_app = json!({ "totalCount": 1, "nodes": [{ "app": own }] });
        assert_eq!(answer["data"]["accessRequests"], of_app);
    }
    let everything = world.admin.post(document, json!({})).await;
    assert_eq!(everything["data"]["apps"]["totalCount"], 2);
    // Nor does a filter lead to them.
    let filtered = "query($id: ID!) { apps(filter: { developerId: $id }) { totalCount }
        accessRequests(filter: { developerId: $id }) { totalCount } }";
    let answer = world.callers[3]
        .post(filtered, json!({ "id": world.owner.id.to_string() }))
        .await;
    assert_eq!(
        answer["data"],
        json!({ "apps": { "totalCount": 0 }, "accessRequests": { "totalCount": 0 } })
    );
    world.server.stop().await;
}

/// Another's object answers as one that never was: null, no error, by `node` and by `nodes`.
#[tokio::test]
async fn every_kind_of_node_by_every_caller() {
    let world = World::new().await;
    let admin = &world.admin;
    let app = world.app().await;
    let request = fixture::request(&world.owner, &app, &world.version)
        .await
        .id
        .to_string();
    let credential = fixture::key(&world.owner, &app).await.0.id.to_string();
    let hidden_product = world.fresh_product().await;
    let draft = json!({ "productId": world.product, "name": "draft", "lifecycle": "DRAFT" });
    let draft = admin.done("createVersion", "version { id }", draft).await["version"]["id"].clone();
    let retired = fixture::publish(&world.client, &world.upstream, "retired", true).await;
    let retired_app = world.app().await;
    fixture::request(&world.owner, &retired_app, &retired.version).await;
    let step = json!({ "id": retired.version.id.to_string(), "lifecycle": "RETIRED" });
    admin.done("setVersionLifecycle", "", step).await;
    let unpublish = json!({ "id": retired.product.id.to_string() });
    admin.done("unpublishProduct", "", unpublish).await;
    let strategy_in_use = admin.post("{ authStrategies { nodes { id } } }", json!({})).await;
    let strategy_in_use = strategy_in_use["data"]["authStrategies"]["nodes"][0]["id"].clone();
    let strategy = world.fresh_strategy().await;
    let ids = admin
        .post(
            "{ viewer { id } portal { id } auditEvents(first: 1) { nodes { id } } }",
            json!({}),
        )
        .await;
    let ids = &ids["data"];
    let id_of = |id: &Value| id.as_str().unwrap().to_owned();
    let table: Vec<(&str, String, Outcomes)> = vec![
        ("Admin", id_of(&ids["viewer"]["id"]), ADMINS_NODE),
        ("AuditEvent", id_of(&ids["auditEvents"]["nodes"][0]["id"]), ADMINS_NODE),
        ("Portal", id_of(&ids["portal"]["id"]), ANYONE),
        ("Developer", world.owner.id.to_string(), OWNERS_NODE),
        ("App", app.id.to_string(), OWNERS_NODE),
        ("AccessRequest", request, OWNERS_NODE),
        ("Credential", credential, OWNERS_NODE),
        ("Product", world.product.clone(), CATALOG),
        ("Product", id_of(&hidden_product), ADMINS_NODE),
        ("Product", retired.product.id.to_string(), OWNERS_NODE),
        ("ProductVersion", world.version.id.to_string(), CATALOG),
        ("ProductVersion", id_of(&draft), ADMINS_NODE),
        ("ProductVersion", retired.version.id.to_string(), OWNERS_NODE),
        ("KeyAuthStrategy", id_of(&strategy_in_use), CATALOG),
        ("KeyAuthStrategy", id_of(&strategy), ADMINS_NODE),
        ("GatewayToken", id_of(&world.gateway_token().await), ADMINS_NODE),
        ("GatewayNode", world.gateway_node().await, ADMINS_NODE),
    ];
    let listed: BTreeSet<&str> = table.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(
        listed.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
        implementors_of_node()
    );
    let document = "query($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id]) { __typename id } }";
    let mut wrong = Vec::new();
    for (kind, id, expected) in &table {
        for (caller, expected) in by_caller(&world, expected, REFUSED_TOKEN) {
            let answer = caller.post(document, json!({ "id": id })).await;
            if expected == REFUSED_TOKEN {
                note(&mut wrong, kind, caller, &outcome(&answer, "node"), expected);
                continue;
            }
            let found = match expected {
                "ok" => json!({ "__typename": kind, "id": id }),
                _ => Value::Null,
            };
            if answer["data"] != json!({ "node": found, "nodes": [found] }) || answer.get("errors").is_some() {
                wrong.push(format!("{kind} {id} by {}: {answer}", caller.name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    world.server.stop().await;
}

fn implementors_of_node() -> BTreeSet<String> {
    let document = async_graphql_parser::parse_schema(portico::graphql::sdl()).unwrap();
    let objects = document
        .definitions
        .into_iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => match definition.node.kind {
                TypeKind::Object(object) if object.implements.iter().any(|name| name.node == "Node") => {
                    Some(definition.node.name.node.to_string())
                }
                _ => None,
            },
            _ => None,
        });
    objects.collect()
}
