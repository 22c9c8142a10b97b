//! Bad input: every refusal has a code, names the field and says what to do; and nothing has happened.

mod gateway;

use portico_tests::{
    caller::{Caller, outcome},
    fixture::{self, Published},
    server::{DEVELOPER_PASSWORD, TestDeveloper, TestServer},
    upstream::Upstream,
};
use serde_json::{Value, json};

/// A portal with a published version, and a developer with an app.
struct World {
    server: TestServer,
    upstream: Upstream,
    admin: Caller,
    developer: Caller,
    owner: TestDeveloper,
    published: Published,
    app: String,
}

impl World {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let upstream = Upstream::start().await;
        let client = server.admin().await;
        let published = fixture::publish(&client, &upstream, "mock", true).await;
        let owner = server.developer(&client, "olga").await;
        let app = fixture::app(&owner, "first").await;
        Self {
            admin: Caller::of(&server, "admin", &client),
            developer: Caller::of(&server, "developer", &owner.client),
            app: app.id.to_string(),
            server,
            upstream,
            owner,
            published,
        }
    }

    fn product(&self) -> String {
        self.published.product.id.to_string()
    }

    fn version(&self) -> String {
        self.published.version.id.to_string()
    }

    async fn fresh_version(&self, name: &str) -> Value {
        let input = json!({ "productId": self.product(), "name": name });
        self.admin.done("createVersion", "version { id }", input).await["version"]["id"].clone()
    }
}

/// Sends `value` as `field` of the input for each row, and expects this one refusal.
async fn check_field(caller: &Caller, mutation: &str, input: &Value, field: &str, rows: &[(Value, &str)]) {
    for (value, expected) in rows {
        let mut input = input.clone();
        input[field] = value.clone();
        let refused = caller.refused(mutation, input).await;
        let shown: String = value.to_string().chars().take(40).collect();
        assert_eq!(refused, [*expected], "{mutation} with {field} {shown}");
    }
}

/// What no name may be, with the field's own limit; `at` is where the refusals point.
fn bad_names(at: &'static str, longest: usize) -> Vec<(Value, String)> {
    let required = ["", "   ", "\u{200d}", "\u{3164}\u{2800}", "\r\n"];
    let invalid = [
        "a\u{0}b",
        "a\u{7}b",
        "a\nb",
        "a\r\nb",
        "a\u{85}b",
        "a\u{2028}b", // controls and line breaks
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{200f}b", // what reorders its neighbours
        "a\u{200b}b",
        "a\u{feff}b",
        "a\u{e0041}b", // what is not seen
    ];
    let mut rows: Vec<(Value, String)> = Vec::new();
    rows.extend(required.map(|name| (json!(name), format!("REQUIRED {at}"))));
    rows.extend(invalid.map(|name| (json!(name), format!("INVALID {at}"))));
    rows.push((json!("a".repeat(longest + 1)), format!("TOO_LONG {at}")));
    rows
}

#[tokio::test]
async fn names_are_one_line_of_visible_characters() {
    let world = World::new().await;
    let draft = world.fresh_version("v2").await;
    let fields: [(&Caller, &str, Value, usize); 9] = [
        (&world.developer, "createApp", json!({ "referenceId": "second" }), 255),
        (&world.developer, "updateApp", json!({ "id": world.app }), 255),
        (
            &world.developer,
            "generateCredential",
            json!({ "appId": world.app }),
            255,
        ),
        (&world.admin, "createProduct", json!({}), 100),
        (&world.admin, "updateProduct", json!({ "id": world.product() }), 100),
        (
            &world.admin,
            "createVersion",
            json!({ "productId": world.product() }),
            255,
        ),
        (&world.admin, "updateVersion", json!({ "id": draft }), 255),
        (&world.admin, "createKeyAuthStrategy", json!({}), 255),
        (&world.admin, "updatePortal", json!({}), 255),
    ];
    for (caller, mutation, input, longest) in fields {
        for (value, expected) in bad_names("name", longest) {
            check_field(caller, mutation, &input, "name", &[(value, expected.as_str())]).await;
        }
    }
    let sign_up = json!({ "email": "new@example.com", "password": DEVELOPER_PASSWORD });
    let anyone = Caller::anonymous(&world.server);
    let too_long = "a".repeat(256);
    let rows = [
        (json!(" "), "REQUIRED fullName"),
        (json!("a\r\nb"), "INVALID fullName"),
        (json!("a\u{202e}b"), "INVALID fullName"),
        (json!(too_long), "TOO_LONG fullName"),
    ];
    check_field(&anyone, "signUp", &sign_up, "fullName", &rows).await;
    let counts = "{ apps { totalCount } products { totalCount } developers { totalCount } portal { name } }";
    let counts = world.admin.post(counts, json!({})).await;
    assert_eq!(counts["data"]["apps"]["totalCount"], 1);
    assert_eq!(counts["data"]["products"]["totalCount"], 1);
    assert_eq!(counts["data"]["developers"]["totalCount"], 1);
    world.server.stop().await;
}

#[tokio::test]
async fn descriptions_reasons_and_justifications_have_bounds() {
    let world = World::new().await;
    let long = json!("a".repeat(10_001));
    let rows = |field: &str| {
        [
            (json!("a\u{0}b"), format!("INVALID {field}")),
            (json!("a\u{202e}b"), format!("INVALID {field}")),
            (long.clone(), format!("TOO_LONG {field}")),
        ]
    };
    let request = json!({ "appId": world.app, "versionId": world.version() });
    let create = json!({ "name": "x", "referenceId": "second" });
    let suspend = json!({ "id": world.app });
    let revoke = json!({ "id": world.owner.id.to_string() });
    let fields: [(&Caller, &str, &Value, &str, bool); 6] = [
        (&world.developer, "createApp", &create, "description", false),
        (&world.developer, "updateApp", &suspend, "description", false),
        (&world.developer, "requestAccess", &request, "justification", false),
        (
            &world.admin,
            "updateProduct",
            &json!({ "id": world.product() }),
            "description",
            false,
        ),
        (&world.admin, "suspendApp", &suspend, "reason", true),
        (&world.admin, "revokeDeveloper", &revoke, "reason", true),
    ];
    for (caller, mutation, input, field, is_required) in fields {
        for (value, expected) in rows(field) {
            check_field(caller, mutation, input, field, &[(value, expected.as_str())]).await;
        }
        if is_required {
            let expected = format!("REQUIRED {field}");
            check_field(caller, mutation, input, field, &[(json!(" \n"), expected.as_str())]).await;
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn reference_ids_slugs_labels_documents_and_specifications_have_their_forms() {
    let world = World::new().await;
    let long = "a".repeat(256);
    let app = json!({ "name": "x" });
    let rows = [
        (json!(""), "REQUIRED referenceId"),
        (json!(long), "TOO_LONG referenceId"),
        (json!("-a"), "INVALID referenceId"),
        (json!("a b"), "INVALID referenceId"),
        (json!("a\r\nb"), "INVALID referenceId"),
        (json!("é"), "INVALID referenceId"),
        (json!("first"), "TAKEN referenceId"),
    ];
    check_field(&world.developer, "createApp", &app, "referenceId", &rows).await;
    let product = json!({ "name": "Second" });
    let slug = [
        (json!(" "), "REQUIRED slug"),
        (json!("a".repeat(101)), "TOO_LONG slug"),
        (json!("Upper"), "INVALID slug"),
        (json!("a--b"), "INVALID slug"),
        (json!("mock"), "TAKEN slug"),
    ];
    check_field(&world.admin, "createProduct", &product, "slug", &slug).await;
    let unnameable = json!({ "name": "!!!" });
    assert_eq!(
        world.admin.refused("createProduct", unnameable).await,
        ["REQUIRED slug"]
    );
    let label = |key: &str, value: &str| json!([{ "key": "team", "value": "a" }, { "key": key, "value": value }]);
    let labels = [
        (label("", "a"), "REQUIRED labels.1.key"),
        (label("-a", "a"), "INVALID labels.1.key"),
        (label("a", "\n"), "REQUIRED labels.1.value"),
        (label("a", &"a".repeat(64)), "TOO_LONG labels.1.value"),
        (label("team", "b"), "TAKEN labels.1.key"),
    ];
    check_field(&world.admin, "createProduct", &product, "labels", &labels).await;
    let document = |slug: &str, title: &str, body: &str| json!([{ "slug": "a", "title": "A", "body": "" }, { "slug": slug, "title": title, "body": body }]);
    let documents = [
        (document("a b", "B", ""), "INVALID documents.1.slug"),
        (document("a", "B", ""), "TAKEN documents.1.slug"),
        (document("b", "\u{202e}", ""), "INVALID documents.1.title"),
        (document("b", "B", "\u{0}"), "INVALID documents.1.body"),
    ];
    check_field(&world.admin, "createProduct", &product, "documents", &documents).await;
    let version = json!({ "productId": world.product(), "name": "v2" });
    let specification = [
        (json!(" "), "REQUIRED specification"),
        (json!("a\u{0}"), "INVALID specification"),
        (json!("a".repeat(5 * 1024 * 1024 + 1)), "TOO_LONG specification"),
    ];
    check_field(&world.admin, "createVersion", &version, "specification", &specification).await;
    let taken = json!({ "productId": world.product() });
    check_field(
        &world.admin,
        "createVersion",
        &taken,
        "name",
        &[(json!("v1"), "TAKEN name")],
    )
    .await;
    world.server.stop().await;
}

/// Everything that is wrong is told at once.
#[tokio::test]
async fn all_refusals_of_an_input_come_together() {
    let world = World::new().await;
    let input = json!({ "name": " ", "referenceId": "a b", "description": "\u{0}" });
    assert_eq!(
        world.developer.refused("createApp", input).await,
        ["REQUIRED name", "INVALID referenceId", "INVALID description"]
    );
    let input = json!({ "name": null, "slug": null, "description": null, "labels": null, "id": world.product() });
    assert_eq!(
        world.admin.refused("updateProduct", input).await,
        ["REQUIRED name", "REQUIRED slug"]
    );
    world.server.stop().await;
}

#[tokio::test]
async fn null_is_required_where_nothing_can_be_cleared() {
    let world = World::new().await;
    let strategy = json!({ "name": "Strategy", "credentialTtlDays": 30 });
    let strategy = world
        .admin
        .done("createKeyAuthStrategy", "authStrategy { id }", strategy)
        .await;
    let strategy = strategy["authStrategy"]["id"].clone();
    for (caller, mutation, id, field) in [
        (&world.developer, "updateApp", json!(world.app), "name"),
        (&world.developer, "updateApp", json!(world.app), "referenceId"),
        (&world.admin, "updateProduct", json!(world.product()), "name"),
        (&world.admin, "updateProduct", json!(world.product()), "slug"),
        (&world.admin, "updateVersion", json!(world.version()), "name"),
        (&world.admin, "updateKeyAuthStrategy", strategy.clone(), "name"),
        (&world.admin, "updateKeyAuthStrategy", strategy.clone(), "keyNames"),
        (&world.admin, "updatePortal", Value::Null, "name"),
        (&world.admin, "updatePortal", Value::Null, "isPublic"),
        (&world.admin, "updatePortal", Value::Null, "autoApproveDevelopers"),
        (&world.admin, "updatePortal", Value::Null, "autoApproveAccessRequests"),
    ] {
        let mut input = json!({ field: null });
        if !id.is_null() {
            input["id"] = id;
        }
        assert_eq!(
            caller.refused(mutation, input).await,
            [format!("REQUIRED {field}")],
            "{mutation}"
        );
    }
    // What may be null is cleared by it, and left alone when it is not named.
    let cleared = json!({ "id": strategy, "credentialTtlDays": null });
    let kept = json!({ "id": strategy, "name": "Renamed" });
    for (input, days) in [(kept, json!(30)), (cleared, Value::Null)] {
        let selection = "authStrategy { credentialTtlDays }";
        let updated = world.admin.done("updateKeyAuthStrategy", selection, input).await;
        assert_eq!(updated["authStrategy"]["credentialTtlDays"], days);
    }
    world.server.stop().await;
}

#[tokio::test]
async fn accounts_have_an_address_and_a_password_that_is_not_guessed() {
    let server = TestServer::start().await;
    server.pending_developer("olga").await;
    let anyone = Caller::anonymous(&server);
    let input = json!({ "email": "new@example.com", "password": DEVELOPER_PASSWORD, "fullName": "New" });
    let too_long = format!("{}@example.com", "a".repeat(250));
    let emails = [
        (json!(" "), "REQUIRED email"),
        (json!("nobody"), "INVALID email"),
        (json!("a@b@c"), "INVALID email"),
        (json!("a@example.com\r\nBcc: b@example.com"), "INVALID email"),
        (json!("a\u{202e}@example.com"), "INVALID email"),
        (json!(too_long), "TOO_LONG email"),
        (json!("OLGA@example.com"), "TAKEN email"),
    ];
    check_field(&anyone, "signUp", &input, "email", &emails).await;
    let passwords = [
        (json!(""), "REQUIRED password"),
        (json!("short"), "INVALID password"),
        (json!("aaaaaaaaaaaaaaaa"), "INVALID password"),
        (json!("new@example.com"), "INVALID password"),
        (json!("a b".repeat(100)), "TOO_LONG password"),
    ];
    check_field(&anyone, "signUp", &input, "password", &passwords).await;
    let wrong = json!({ "email": "olga@example.com", "password": "not the password" });
    let unknown = json!({ "email": "nobody@example.com", "password": "not the password" });
    let known = anyone.mutate("signIn", "", wrong).await;
    assert_eq!(outcome(&known, "signIn"), "INVALID_CREDENTIALS");
    // The answer does not tell who has an account.
    assert_eq!(known["data"], anyone.mutate("signIn", "", unknown).await["data"]);
    for (mutation, field) in [("refreshSession", "refreshToken"), ("signOut", "refreshToken")] {
        let refused = anyone.refused(mutation, json!({ field: "junk" })).await;
        assert_eq!(refused, [format!("INVALID_CREDENTIALS {field}")], "{mutation}");
    }
    let reset = json!({ "resetToken": "junk", "newPassword": DEVELOPER_PASSWORD });
    assert_eq!(
        anyone.refused("resetPassword", reset).await,
        ["INVALID_CREDENTIALS resetToken"]
    );
    server.stop().await;
}
