//! A caller's own operation, written against the crate's schema and holding one of the crate's fragments.

use cynic::QueryBuilder;
use portico_sdk::{Admin, Decision, ErrorCode, schema};
use serde_json::json;

use crate::server::{admin, answering_graphql, bearer, client_with, tokens};

#[derive(Debug, cynic::QueryFragment)]
#[cynic(
    graphql_type = "Query",
    schema_path = "schema.graphql",
    variables = "RequestVariables"
)]
struct PortalAndRequest {
    portal: PortalName,
    #[arguments(id: $id)]
    node: Option<RequestNode>,
}

#[derive(cynic::QueryVariables)]
struct RequestVariables {
    id: cynic::Id,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "Portal", schema_path = "schema.graphql")]
struct PortalName {
    name: String,
}

#[derive(Debug, cynic::InlineFragments)]
#[cynic(graphql_type = "Node", schema_path = "schema.graphql")]
enum RequestNode {
    AccessRequest(DecidedRequest),
    #[cynic(fallback)]
    Other,
}

#[derive(Debug, cynic::QueryFragment)]
#[cynic(graphql_type = "AccessRequest", schema_path = "schema.graphql")]
struct DecidedRequest {
    decision: Option<Decision>,
}

#[tokio::test]
async fn an_operation_of_ones_own_runs_in_the_session_and_keeps_data_beside_errors() {
    let server = answering_graphql(json!({
        "data": {
            "portal": {"name": "Developers"},
            "node": {"__typename": "AccessRequest", "decision": {
                "by": admin(), "automatic": false, "at": "2026-01-31T09:30:00.000Z", "reason": null,
            }},
        },
        "errors": [{"message": "slow", "path": ["node"], "extensions": {"code": "TIMEOUT"}}],
    }))
    .await;
    let operation = PortalAndRequest::build(RequestVariables { id: "req_1".into() });
    let response = client_with(&server, tokens("access", "refresh", 3600))
        .run(operation)
        .await
        .unwrap();

    assert_eq!(response.errors[0].code, ErrorCode::Timeout);
    let data = response.data.as_ref().unwrap();
    assert_eq!(data.portal.name, "Developers");
    let Some(RequestNode::AccessRequest(request)) = &data.node else {
        panic!("{data:?}")
    };
    let by: &Admin = request.decision.as_ref().unwrap().by.as_ref().unwrap();
    assert_eq!(by.full_name, "Ada");
    assert!(response.into_data().unwrap_err().has_code(&ErrorCode::Timeout));
    let sent = server.received_requests().await.unwrap();
    assert_eq!(bearer(&sent[0]).as_deref(), Some("access"));
}
