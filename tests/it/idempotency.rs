//! Idempotency keys: the same call does nothing again, another one is refused; and a secret is shown once.

use portico_tests::{caller::Caller, fixture, server::TestServer, upstream::Upstream};
use serde_json::{Value, json};

struct Keyed {
    mutation: &'static str,
    entity: &'static str,
    input: Value,
    /// What makes another input of it.
    change: (&'static str, Value),
}

#[tokio::test]
async fn the_same_key_and_input_answer_with_what_was_made() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let client = server.admin().await;
    let admin = Caller::of(&server, "admin", &client);
    let published = fixture::publish(&client, &upstream, "mock", true).await;
    let owner = server.developer(&client, "olga").await;
    let developer = Caller::of(&server, "developer", &owner.client);
    let app = fixture::app(&owner, "first").await;
    let old = fixture::key(&owner, &app).await.0.id.to_string();
    let (app, version) = (app.id.to_string(), published.version.id.to_string());
    let product = published.product.id.to_string();
    let calls = [
        (
            &developer,
            Keyed {
                mutation: "createApp",
                entity: "app",
                input: json!({ "name": "Second", "referenceId": "second" }),
                change: ("name", json!("Another")),
            },
        ),
        (
            &developer,
            Keyed {
                mutation: "requestAccess",
                entity: "accessRequest",
                input: json!({ "appId": app, "versionId": version }),
                change: ("justification", json!("now with words")),
            },
        ),
        (
            &developer,
            Keyed {
                mutation: "generateCredential",
                entity: "credential",
                input: json!({ "appId": app, "name": "keyed", "expiresAt": "2100-01-01T00:00:00Z" }),
                change: ("expiresAt", json!("2100-01-02T00:00:00Z")),
            },
        ),
        (
            &developer,
            Keyed {
                mutation: "rotateCredential",
                entity: "credential",
                input: json!({ "id": old, "overlapSeconds": 60 }),
                change: ("overlapSeconds", json!(61)),
            },
        ),
        (
            &admin,
            Keyed {
                mutation: "createProduct",
                entity: "product",
                input: json!({ "name": "Billing" }),
                change: ("slug", json!("another")),
            },
        ),
        (
            &admin,
            Keyed {
                mutation: "createVersion",
                entity: "version",
                input: json!({ "productId": product, "name": "v2" }),
                change: ("lifecycle", json!("DRAFT")),
            },
        ),
        (
            &admin,
            Keyed {
                mutation: "createKeyAuthStrategy",
                entity: "authStrategy",
                input: json!({ "name": "Strategy" }),
                change: ("keyNames", json!(["x-key"])),
            },
        ),
    ];
    for (caller, call) in calls {
        let Keyed {
            mutation,
            entity,
            input,
            change,
        } = call;
        let with_secret = entity == "credential";
        let selection = format!("replayed {entity} {{ id }} {}", if with_secret { "secret" } else { "" });
        let keyed = |key: &str, input: &Value| {
            let mut input = input.clone();
            input["idempotencyKey"] = json!(key);
            input
        };
        // A refused call does not use its key up.
        let mut refused = input.clone();
        for (field, value) in [("name", " "), ("appId", "app_1"), ("id", "cred_1")] {
            if refused.get(field).is_some() {
                refused[field] = json!(value);
            }
        }
        assert_ne!(
            caller.refused(mutation, keyed("key", &refused)).await,
            [""; 0],
            "{mutation}"
        );

        let first = caller.done(mutation, &selection, keyed("key", &input)).await;
        assert_eq!(first["replayed"], false, "{mutation}");
        assert!(first[entity]["id"].is_string());
        assert_eq!(first["secret"].is_string(), with_secret);
        let again = caller.done(mutation, &selection, keyed("key", &input)).await;
        assert_eq!(again["replayed"], true, "{mutation}");
        assert_eq!(again[entity], first[entity], "{mutation}");
        assert_eq!(again["secret"], Value::Null, "{mutation}");

        let mut other = input.clone();
        other[change.0] = change.1;
        assert_eq!(
            caller.refused(mutation, keyed("key", &other)).await,
            ["IDEMPOTENCY_MISMATCH idempotencyKey"],
            "{mutation}"
        );
        for (key, expected) in [
            (String::new(), "REQUIRED idempotencyKey"),
            ("a".repeat(256), "TOO_LONG idempotencyKey"),
            ("\u{e9}".to_owned(), "INVALID idempotencyKey"),
            ("a\r\nb".to_owned(), "INVALID idempotencyKey"),
        ] {
            assert_eq!(
                caller.refused(mutation, keyed(&key, &input)).await,
                [expected],
                "{mutation}"
            );
        }
    }
    server.stop().await;
}

/// Keys are each caller's own, and each mutation's own.
#[tokio::test]
async fn a_key_of_another_caller_or_mutation_is_another_key() {
    let server = TestServer::start().await;
    let client = server.admin().await;
    let one = server.developer(&client, "olga").await;
    let two = server.developer(&client, "otto").await;
    let mut made = Vec::new();
    for (developer, reference_id) in [(&one, "one"), (&two, "two")] {
        let caller = Caller::of(&server, "developer", &developer.client);
        let app = json!({ "name": "App", "referenceId": reference_id, "idempotencyKey": "key" });
        let app = caller.done("createApp", "replayed app { id }", app).await;
        assert_eq!(app["replayed"], false);
        let key = json!({ "appId": app["app"]["id"], "idempotencyKey": "key" });
        let key = caller.done("generateCredential", "replayed secret", key).await;
        assert_eq!(key["replayed"], false);
        made.push(key["secret"].as_str().unwrap().to_owned());
    }
    assert_ne!(made[0], made[1]);
    server.stop().await;
}

/// A replay re-authorises: what is gone, or whose owner may no longer act, is not answered from memory.
#[tokio::test]
async fn a_replay_answers_with_the_present_state() {
    let server = TestServer::start().await;
    let client = server.admin().await;
    let owner = server.developer(&client, "olga").await;
    let developer = Caller::of(&server, "developer", &owner.client);
    let input = json!({ "name": "App", "referenceId": "first", "idempotencyKey": "key" });
    let made = developer.done("createApp", "app { id }", input.clone()).await;
    let id = made["app"]["id"].clone();
    developer
        .done("updateApp", "", json!({ "id": id, "name": "Renamed" }))
        .await;
    let again = developer
        .done("createApp", "app { name } replayed", input.clone())
        .await;
    assert_eq!(again["app"]["name"], "Renamed");
    developer.done("deleteApp", "", json!({ "id": id })).await;
    assert_eq!(
        developer.refused("createApp", input).await,
        ["NOT_FOUND idempotencyKey"]
    );
    server.stop().await;
}
