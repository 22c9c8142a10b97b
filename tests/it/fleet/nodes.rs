//! Several API nodes on one PostgreSQL database, each with gateways that follow it.

use portico_tests::database::{self, Postgres};

use super::*;
use crate::postgres_change_log::Fleet;

#[tokio::test(flavor = "multi_thread")]
async fn a_mutation_waits_for_the_gateways_of_other_nodes() {
    let postgres = Postgres::any();
    let url = database::new_database(&postgres.server()).await;
    let fleet = Fleet::start(&url).await;
    let (_, token) = gateway::token(&fleet.admin, "edge").await;
    let relay = Relay::to(fleet.second.server().listen()).await;
    let edge = loop {
        // The second node hears of the token by itself.
        let request = reqwest::Client::new().get(fleet.second.api("/gateway/v1/stream"));
        if request.bearer_auth(token.expose()).send().await.unwrap().status() == 200 {
            break TestGateway::start_with(&relay.url(), &token, |options| {
                options.name = Some("far".to_owned());
            })
            .await;
        }
    };
    edge.wait_for_status("/mock", &fleet.key, 200).await;
    // The first node knows it by the database alone.
    wait_for_node(&fleet.admin, "far", |node| node.is_confirmed).await;
    let nodes = fleet.admin.gateway_nodes().list().page().await.unwrap().nodes;
    assert_eq!(nodes.len(), 3, "{nodes:?}");

    let admin = Caller::of(&fleet.first, "admin", &fleet.admin);
    let id = fleet.request.id.to_string();
    let input = json!({ "id": id, "reason": "misuse", "waitForGateways": true });
    let selection = "gatewaysConfirmed unconfirmedGateways { name }";
    let revoked = admin.done("revokeAccessRequest", selection, input.clone()).await;
    assert_eq!(edge.status("/mock", &fleet.key).await, 403);
    assert_eq!(fleet.second.verdict("/mock", Some(&fleet.key)).await.0, 403);
    assert_eq!(revoked["gatewaysConfirmed"], true, "{revoked}");

    admin.done("approveAccessRequest", "", json!({ "id": id })).await;
    edge.wait_for_status("/mock", &fleet.key, 200).await;
    relay.cut();
    edge.wait_until_ready(|_, body| body["controlPlane"] == "away").await;
    let revoked = admin.done("revokeAccessRequest", selection, input).await;
    assert_eq!(
        revoked,
        json!({ "gatewaysConfirmed": false, "unconfirmedGateways": [{ "name": "far" }], "userErrors": [] })
    );
    edge.stop().await;
    fleet.stop().await;
}
