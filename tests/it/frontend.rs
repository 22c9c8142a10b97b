//! What frontend teams point at the API, as it comes from npm: the scripts are in `tests/node`.
//!
//! What asks no server has `sqlite` in its name, so that it is run once.

use portico_tests::{node::Script, server::TestServer};

/// The audit of the GraphQL-over-HTTP specification that its authors publish, all of it.
#[tokio::test]
async fn every_audit_of_graphql_http_passes() {
    let server = TestServer::start().await;
    Script::against(&server, "audit.mjs").run().await;
}

#[tokio::test]
async fn the_schema_passes_graphql_eslint_sqlite() {
    Script::new("lint.mjs").run().await;
}

#[tokio::test]
async fn graphql_codegen_makes_strict_typescript_of_every_root_field_sqlite() {
    Script::new("codegen.mjs").run().await;
}

#[tokio::test]
async fn relay_compiler_builds_every_root_field_sqlite() {
    Script::new("relay.mjs").run().await;
}

#[tokio::test]
async fn apollo_client_pages_through_products() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    Script::against(&server, "apollo.mjs")
        .token("ADMIN_TOKEN", &admin)
        .run()
        .await;
}

#[tokio::test]
async fn urql_pages_through_products() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    Script::against(&server, "urql.mjs")
        .token("ADMIN_TOKEN", &admin)
        .run()
        .await;
}
