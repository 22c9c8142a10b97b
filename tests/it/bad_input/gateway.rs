//! What the gateway could not serve: bad upstreams, routes and key names.

use serde_json::{Value, json};

use super::{World, check_field};

#[tokio::test]
async fn upstreams_and_routes_that_cannot_be_served_are_refused() {
    let world = World::new().await;
    let version = world.fresh_version("v2").await;
    let service =
        json!({ "versionId": version, "upstreamUrl": world.upstream.url(), "routes": [{ "paths": ["/second"] }] });
    let gateway = world.server.gateway("/");
    let upstreams = [
        ("http://user:secret@localhost:9000", "INVALID upstreamUrl"),
        ("http://localhost:9000?a=b", "INVALID upstreamUrl"),
        ("http://localhost:9000#a", "INVALID upstreamUrl"),
        ("http://169.254.169.254/latest", "INVALID upstreamUrl"),
        ("http://[fe80::1]/", "INVALID upstreamUrl"),
        ("http://0.0.0.0/", "INVALID upstreamUrl"),
        ("http://localhost\\@evil/", "INVALID upstreamUrl"),
        (gateway.as_str(), "INVALID upstreamUrl"),
        ("", "!BAD_USER_INPUT"),
        ("/mock", "!BAD_USER_INPUT"),
        ("ftp://localhost", "!BAD_USER_INPUT"),
        ("http://a b", "!BAD_USER_INPUT"),
        ("http://localhost/a\r\nb", "!BAD_USER_INPUT"),
        ("javascript:alert(1)", "!BAD_USER_INPUT"),
    ];
    for (upstream, expected) in upstreams {
        check_field(
            &world.admin,
            "setGatewayService",
            &service,
            "upstreamUrl",
            &[(json!(upstream), expected)],
        )
        .await;
    }
    let routes = [
        (json!([]), "REQUIRED routes"),
        (json!([{ "paths": [] }]), "REQUIRED routes.0.paths"),
        (json!([{ "paths": [" "] }]), "REQUIRED routes.0.paths"),
        (json!([{ "paths": ["second"] }]), "INVALID routes.0.paths"),
        (json!([{ "paths": ["/a/../b"] }]), "INVALID routes.0.paths"),
        (json!([{ "paths": ["/a/%2e%2e/b"] }]), "INVALID routes.0.paths"),
        (json!([{ "paths": ["/a%2fb"] }]), "INVALID routes.0.paths"),
        (json!([{ "paths": ["/a*"] }]), "INVALID routes.0.paths"),
        (json!([{ "paths": ["/a?b"] }]), "INVALID routes.0.paths"),
        (json!([{ "paths": ["/a\r\nb"] }]), "INVALID routes.0.paths"),
        (json!([{ "paths": ["/a".repeat(5_000)] }]), "TOO_LONG routes.0.paths"),
        (
            json!([{ "paths": ["/a"] }, { "paths": ["/b"], "methods": ["TRACE"] }]),
            "INVALID routes.1.methods",
        ),
        (
            json!([{ "paths": ["/a"], "methods": ["G T"] }]),
            "INVALID routes.0.methods",
        ),
        (
            json!([{ "paths": ["/a"], "methods": [""] }]),
            "REQUIRED routes.0.methods",
        ),
        (
            json!([{ "paths": ["/a"], "hosts": ["*.example.com"] }]),
            "INVALID routes.0.hosts",
        ),
        (
            json!([{ "paths": ["/a"], "hosts": ["http://example.com"] }]),
            "INVALID routes.0.hosts",
        ),
        (json!([{ "paths": ["/a"], "hosts": ["a b"] }]), "INVALID routes.0.hosts"),
    ];
    check_field(&world.admin, "setGatewayService", &service, "routes", &routes).await;
    assert_eq!(world.server.verdict("/second", None).await.0, 404);
    world.server.stop().await;
}

#[tokio::test]
async fn a_route_of_another_live_version_is_a_conflict() {
    let world = World::new().await;
    let version = world.fresh_version("v2").await;
    let service = |paths: Value, methods: Value| {
        json!({ "versionId": version, "upstreamUrl": world.upstream.url(),
            "routes": [{ "paths": ["/free"] }, { "paths": paths, "methods": methods }] })
    };
    let conflict = ["ROUTE_CONFLICT routes.1.paths"];
    for (paths, methods) in [
        (json!(["/mock"]), json!([])),
        (json!(["/mock/"]), json!(["GET"])),
        (json!(["/m%6fck", "/other"]), json!(["POST"])),
    ] {
        assert_eq!(
            world.admin.refused("setGatewayService", service(paths, methods)).await,
            conflict
        );
    }
    // A longer path is another place; and what is retired claims nothing until it comes back.
    world
        .admin
        .done("setGatewayService", "", service(json!(["/mock/deeper"]), json!([])))
        .await;
    let retire = json!({ "id": version, "lifecycle": "RETIRED" });
    world.admin.done("setVersionLifecycle", "", retire).await;
    world
        .admin
        .done("setGatewayService", "", service(json!(["/mock"]), json!([])))
        .await;
    for lifecycle in ["ACTIVE", "DEPRECATED"] {
        let back = json!({ "id": version, "lifecycle": lifecycle });
        assert_eq!(
            world.admin.refused("setVersionLifecycle", back).await,
            ["ROUTE_CONFLICT lifecycle"]
        );
    }
    world.server.stop().await;
}

#[tokio::test]
async fn keys_have_names_ends_and_overlaps_within_bounds() {
    let world = World::new().await;
    let strategy = json!({ "name": "Strategy" });
    let many: Vec<String> = (0..11).map(|number| format!("x-key-{number}")).collect();
    let key_names = [
        (json!([]), "REQUIRED keyNames"),
        (json!(["x-key", " "]), "REQUIRED keyNames.1"),
        (json!(["a b"]), "INVALID keyNames.0"),
        (json!(["a\r\nb"]), "INVALID keyNames.0"),
        (json!(["Authorization"]), "INVALID keyNames.0"),
        (json!(["host"]), "INVALID keyNames.0"),
        (json!(["X-Consumer-ID"]), "INVALID keyNames.0"),
        (json!(["a".repeat(129)]), "TOO_LONG keyNames.0"),
        (json!(["X-Key", "x-key"]), "TAKEN keyNames.1"),
        (json!(many), "LIMIT_REACHED keyNames"),
    ];
    check_field(&world.admin, "createKeyAuthStrategy", &strategy, "keyNames", &key_names).await;
    let days = [0, -1, 3651].map(|days| (json!(days), "INVALID credentialTtlDays"));
    check_field(
        &world.admin,
        "createKeyAuthStrategy",
        &strategy,
        "credentialTtlDays",
        &days,
    )
    .await;
    world.admin.done("createKeyAuthStrategy", "", strategy.clone()).await;
    check_field(
        &world.admin,
        "createKeyAuthStrategy",
        &json!({}),
        "name",
        &[(json!("Strategy"), "TAKEN name")],
    )
    .await;
    let past = [(json!("2020-01-01T00:00:00Z"), "INVALID expiresAt")];
    check_field(
        &world.developer,
        "generateCredential",
        &json!({ "appId": world.app }),
        "expiresAt",
        &past,
    )
    .await;
    let input = json!({ "appId": world.app });
    let made = world
        .developer
        .done("generateCredential", "credential { id }", input)
        .await;
    let rotate = json!({ "id": made["credential"]["id"] });
    let overlaps = [-1, 604_801].map(|seconds| (json!(seconds), "INVALID overlapSeconds"));
    check_field(
        &world.developer,
        "rotateCredential",
        &rotate,
        "overlapSeconds",
        &overlaps,
    )
    .await;
    check_field(&world.developer, "rotateCredential", &rotate, "expiresAt", &past).await;
    world.server.stop().await;
}
