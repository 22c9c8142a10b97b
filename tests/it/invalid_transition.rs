//! Every step of every state machine: what is drawn succeeds, what is not is INVALID_TRANSITION and changes nothing.

use portico_sdk::{AccessRequest, Portico, ProductVersion};
use portico_tests::{
    caller::Caller,
    fixture,
    server::{TestDeveloper, TestServer},
    upstream::Upstream,
};
use serde_json::{Value, json};

struct World {
    server: TestServer,
    _upstream: Upstream,
    client: Portico,
    admin: Caller,
    developer: Caller,
    owner: TestDeveloper,
    version: ProductVersion,
    product: String,
}

impl World {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let upstream = Upstream::start().await;
        let client = server.admin().await;
        let published = fixture::publish(&client, &upstream, "mock", false).await;
        let owner = server.developer(&client, "olga").await;
        Self {
            admin: Caller::of(&server, "admin", &client),
            developer: Caller::of(&server, "developer", &owner.client),
            server,
            _upstream: upstream,
            client,
            owner,
            version: published.version,
            product: published.product.id.to_string(),
        }
    }

    async fn status(&self, id: &str) -> Value {
        // Enums of several types do not merge under one name, so the type is told by the id.
        let kind = match id.split('_').next() {
            Some("req") => "AccessRequest { status }",
            Some("dev") => "Developer { status }",
            Some("app") => "App { status }",
            Some("ver") => "ProductVersion { status: lifecycle }",
            other => panic!("{other:?}"),
        };
        let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on {kind} }} }}");
        self.admin.post(&document, json!({ "id": id })).await["data"]["node"]["status"].take()
    }

    /// Takes a step, and tells the state that it led to; refused, the state must be as before.
    async fn step(&self, caller: &Caller, mutation: &str, id: &str) -> Result<String, String> {
        let before = self.status(id).await;
        let input = match mutation {
            "rejectAccessRequest" | "revokeAccessRequest" | "rejectDeveloper" | "revokeDeveloper" | "suspendApp" => {
                json!({ "id": id, "reason": "because" })
            }
            _ => json!({ "id": id }),
        };
        let refused = caller.refused(mutation, input).await;
        let after = self.status(id).await;
        match refused.as_slice() {
            [] => Ok(after.as_str().unwrap().to_owned()),
            [refused] => {
                assert_eq!(before, after, "{mutation} was refused with {refused}");
                Err(refused.clone())
            }
            several => panic!("{several:?}"),
        }
    }
}

fn undrawn(field: &str) -> Result<String, String> {
    Err(format!("INVALID_TRANSITION {field}"))
}

fn to(state: &str) -> Result<String, String> {
    Ok(state.to_owned())
}

/// A new request, taken to `state`.
async fn request_in(world: &World, number: usize, state: &str) -> AccessRequest {
    let app = fixture::app(&world.owner, &format!("app-{number}")).await;
    let request = fixture::request(&world.owner, &app, &world.version).await;
    let id = request.id.to_string();
    let steps: &[(&Caller, &str)] = match state {
        "PENDING" => &[],
        "APPROVED" => &[(&world.admin, "approveAccessRequest")],
        "REJECTED" => &[(&world.admin, "rejectAccessRequest")],
        "REVOKED" => &[
            (&world.admin, "approveAccessRequest"),
            (&world.admin, "revokeAccessRequest"),
        ],
        "CANCELLED" => &[(&world.developer, "cancelAccessRequest")],
        other => panic!("{other}"),
    };
    for (caller, mutation) in steps {
        world.step(caller, mutation, &id).await.unwrap();
    }
    assert_eq!(world.status(&id).await, state);
    request
}

#[tokio::test]
async fn access_requests_take_the_steps_that_are_drawn() {
    let world = World::new().await;
    let no = || undrawn("id");
    let mut number = 0;
    for (state, approve, reject, revoke, cancel) in [
        ("PENDING", to("APPROVED"), to("REJECTED"), no(), to("CANCELLED")),
        ("APPROVED", no(), no(), to("REVOKED"), to("CANCELLED")),
        ("REJECTED", no(), no(), no(), no()),
        ("REVOKED", to("APPROVED"), no(), no(), no()),
        ("CANCELLED", no(), no(), no(), no()),
    ] {
        for (caller, mutation, expected) in [
            (&world.admin, "approveAccessRequest", approve),
            (&world.admin, "rejectAccessRequest", reject),
            (&world.admin, "revokeAccessRequest", revoke),
            (&world.developer, "cancelAccessRequest", cancel),
        ] {
            number += 1;
            let request = request_in(&world, number, state).await;
            let found = world.step(caller, mutation, request.id.as_ref()).await;
            assert_eq!(found, expected, "{mutation} of one that is {state}");
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn developers_take_the_steps_that_are_drawn() {
    let world = World::new().await;
    let no = || undrawn("id");
    for (state, steps, approve, reject, revoke) in [
        ("PENDING", &[][..], to("APPROVED"), to("REJECTED"), no()),
        ("APPROVED", &["approveDeveloper"][..], no(), no(), to("REVOKED")),
        ("REJECTED", &["rejectDeveloper"][..], to("APPROVED"), no(), no()),
        (
            "REVOKED",
            &["approveDeveloper", "revokeDeveloper"][..],
            to("APPROVED"),
            no(),
            no(),
        ),
    ] {
        for (mutation, expected) in [
            ("approveDeveloper", approve),
            ("rejectDeveloper", reject),
            ("revokeDeveloper", revoke),
        ] {
            let name = format!("{}-{mutation}", state.to_ascii_lowercase());
            let anyone = Caller::anonymous(&world.server);
            let sign_up = json!({ "email": format!("{name}@example.com"), "password": "a long password of theirs", "fullName": name });
            let made = anyone.done("signUp", "developer { id }", sign_up).await;
            let id = made["developer"]["id"].as_str().unwrap();
            for step in steps {
                world.step(&world.admin, step, id).await.unwrap();
            }
            assert_eq!(world.status(id).await, state);
            let found = world.step(&world.admin, mutation, id).await;
            assert_eq!(found, expected, "{mutation} of one who is {state}");
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn apps_are_suspended_once_and_resumed_once() {
    let world = World::new().await;
    let app = fixture::app(&world.owner, "first").await.id.to_string();
    let step = async |mutation: &str| world.step(&world.admin, mutation, &app).await;
    assert_eq!(step("resumeApp").await, undrawn("id"));
    assert_eq!(step("suspendApp").await, to("SUSPENDED"));
    assert_eq!(step("suspendApp").await, undrawn("id"));
    assert_eq!(step("resumeApp").await, to("ACTIVE"));
    assert_eq!(step("resumeApp").await, undrawn("id"));
    world.server.stop().await;
}

#[tokio::test]
async fn versions_never_go_back_to_draft() {
    let world = World::new().await;
    let steps_to = |state: &str| match state {
        "DRAFT" => vec![],
        "ACTIVE" => vec!["ACTIVE"],
        "DEPRECATED" => vec!["ACTIVE", "DEPRECATED"],
        "RETIRED" => vec!["ACTIVE", "RETIRED"],
        other => panic!("{other}"),
    };
    for (state, drawn) in [
        ("DRAFT", &["ACTIVE"][..]),
        ("ACTIVE", &["DEPRECATED", "RETIRED"][..]),
        ("DEPRECATED", &["ACTIVE", "RETIRED"][..]),
        ("RETIRED", &["ACTIVE", "DEPRECATED"][..]),
    ] {
        for wanted in ["DRAFT", "ACTIVE", "DEPRECATED", "RETIRED"] {
            let name = format!("{state} to {wanted}");
            let create = json!({ "productId": world.product, "name": name, "lifecycle": "DRAFT" });
            let made = world.admin.done("createVersion", "version { id }", create).await;
            let id = made["version"]["id"].as_str().unwrap();
            for step in steps_to(state) {
                let input = json!({ "id": id, "lifecycle": step });
                world.admin.done("setVersionLifecycle", "", input).await;
            }
            let input = json!({ "id": id, "lifecycle": wanted });
            let refused = world.admin.refused("setVersionLifecycle", input).await;
            if drawn.contains(&wanted) {
                assert_eq!((refused, world.status(id).await), (vec![], json!(wanted)), "{name}");
            } else {
                let expected = vec!["INVALID_TRANSITION lifecycle".to_owned()];
                assert_eq!((refused, world.status(id).await), (expected, json!(state)), "{name}");
            }
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn credentials_end_once() {
    let world = World::new().await;
    let app = fixture::app(&world.owner, "first").await;
    let first = fixture::key(&world.owner, &app).await.0.id.to_string();
    let developer = &world.developer;
    let rotated = developer
        .done(
            "rotateCredential",
            "credential { id }",
            json!({ "id": first, "overlapSeconds": 60 }),
        )
        .await;
    let second = json!({ "id": rotated["credential"]["id"] });
    let no = ["INVALID_TRANSITION id"];
    assert_eq!(developer.refused("rotateCredential", json!({ "id": first })).await, no);
    for caller in [developer, &world.admin] {
        let revoked = if caller.name == "admin" {
            json!({ "id": first })
        } else {
            second.clone()
        };
        caller.done("revokeCredential", "", revoked.clone()).await;
        assert_eq!(caller.refused("revokeCredential", revoked.clone()).await, no);
        assert_eq!(developer.refused("rotateCredential", revoked).await, no);
    }
    // One that was replaced without an overlap has expired: it can neither be rotated nor revoked.
    let third = fixture::key(&world.owner, &app).await.0.id.to_string();
    developer.done("rotateCredential", "", json!({ "id": third })).await;
    for mutation in ["rotateCredential", "revokeCredential"] {
        assert_eq!(developer.refused(mutation, json!({ "id": third })).await, no);
    }
    world.server.stop().await;
}

#[tokio::test]
async fn publishing_unpublishing_and_disabling_may_be_repeated() {
    let world = World::new().await;
    let product = json!({ "id": world.product });
    let version = json!({ "versionId": world.version.id.to_string() });
    let events = async || {
        let document = "{ auditEvents { totalCount } }";
        world.admin.post(document, json!({})).await["data"]["auditEvents"]["totalCount"].clone()
    };
    for (mutation, selection, input) in [
        (
            "publishProduct",
            "product { isPublished publishedAt updatedAt }",
            &product,
        ),
        (
            "unpublishProduct",
            "product { isPublished publishedAt updatedAt }",
            &product,
        ),
        (
            "disableRegistration",
            "versions { updatedAt registration { enabled } }",
            &version,
        ),
    ] {
        let once = world.admin.done(mutation, selection, input.clone()).await;
        let so_far = events().await;
        assert_eq!(
            world.admin.done(mutation, selection, input.clone()).await,
            once,
            "{mutation}"
        );
        assert_eq!(events().await, so_far, "{mutation}");
    }
    assert!(
        !world
            .client
            .versions()
            .get(&world.version.id)
            .await
            .unwrap()
            .unwrap()
            .registration
            .enabled
    );
    world.server.stop().await;
}
