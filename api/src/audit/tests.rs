use domain::{audit::AuditAction, developer::DeveloperStatus, id::DeveloperId, viewer::Viewer};
use serde_json::{Value, json};

use super::record::AuditRecord;
use crate::{context::CallContext, test_fixture::Fixture};

const LIST: &str = "query ($first: Int, $filter: AuditEventFilter) { auditEvents(first: $first, filter: $filter) {
    totalCount nodes { id at actor action subjectId reason requestId clientAddress before after } } }";

async fn record(fixture: &Fixture, event: AuditRecord) {
    let mut transaction = fixture.plane.write().await.unwrap();
    transaction.audit(event);
    transaction.commit().await.unwrap();
}

fn actions(data: &Value) -> Vec<&str> {
    let nodes = data["auditEvents"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn events_tell_who_did_what_to_what_when_why_and_from_where() {
    let fixture = Fixture::new().await;
    let subject = DeveloperId::new();
    let call = CallContext {
        viewer: fixture.admin,
        request_id: Some("request-1".to_owned()),
        client_address: Some("2001:db8::1".parse().unwrap()),
        ..CallContext::internal()
    };
    let event = AuditRecord::new(&call, AuditAction::DeveloperRevoke, subject)
        .reason(Some("left the company"))
        .before(json!({"status": "APPROVED"}))
        .after(json!({"status": "REVOKED"}));
    record(&fixture, event).await;
    let filter = json!({"filter": {"subjectId": subject.to_string()}});
    let data = fixture.query(LIST, filter).await;
    assert_eq!(data["auditEvents"]["totalCount"], 1);
    let node = &data["auditEvents"]["nodes"][0];
    let id = node["id"].as_str().unwrap();
    assert!(id.starts_with("evt_"));
    let Viewer::Admin { id: admin } = fixture.admin else {
        panic!("an admin");
    };
    let expected = json!({
        "id": id, "at": call.now.to_string(), "actor": admin.to_string(), "action": "developer.revoke",
        "subjectId": subject.to_string(), "reason": "left the company", "requestId": "request-1",
        "clientAddress": "2001:db8::1", "before": {"status": "APPROVED"}, "after": {"status": "REVOKED"},
    });
    assert_eq!(node, &expected);
    let by_id = "query ($id: ID!) { node(id: $id) { ... on AuditEvent { action } } }";
    let found = fixture.query(by_id, json!({"id": id})).await;
    assert_eq!(found["node"]["action"], "developer.revoke");
}

#[tokio::test]
async fn filters_narrow_the_list_and_the_latest_come_first() {
    let fixture = Fixture::new().await;
    let (one, other) = (DeveloperId::new(), DeveloperId::new());
    let at = |millis| CallContext {
        now: domain::Timestamp::from_millis(millis),
        ..CallContext::internal()
    };
    for (millis, action, subject, actor) in [
        (1_000, AuditAction::DeveloperSignUp, one, one.to_string()),
        (2_000, AuditAction::DeveloperApprove, one, "system".to_owned()),
        (3_000, AuditAction::DeveloperSignUp, other, other.to_string()),
    ] {
        record(&fixture, AuditRecord::new(&at(millis), action, subject).by(actor)).await;
    }
    let early = "1970-01-01T00:00:10Z";
    for (filter, expected) in [
        (
            json!({"until": early}),
            vec!["developer.sign_up", "developer.approve", "developer.sign_up"],
        ),
        (
            json!({"subjectId": one.to_string()}),
            vec!["developer.approve", "developer.sign_up"],
        ),
        (json!({"actor": other.to_string()}), vec!["developer.sign_up"]),
        (
            json!({"action": "developer.sign_up"}),
            vec!["developer.sign_up", "developer.sign_up"],
        ),
        // From `since` on, and up to but not at `until`.
        (
            json!({"since": "1970-01-01T00:00:02Z", "until": "1970-01-01T00:00:03Z"}),
            vec!["developer.approve"],
        ),
        (json!({"action": "developer.%"}), vec![]),
        (json!({"subjectId": ""}), vec![]),
        (json!({"since": "2100-01-01T00:00:00Z"}), vec![]),
    ] {
        let data = fixture.query(LIST, json!({ "filter": filter })).await;
        assert_eq!(actions(&data), expected, "{filter}");
        assert_eq!(data["auditEvents"]["totalCount"], expected.len(), "{filter}");
    }
    let first = fixture
        .query(LIST, json!({"first": 1, "filter": {"until": early}}))
        .await;
    assert_eq!(first["auditEvents"]["totalCount"], 3);
    assert_eq!(actions(&first), ["developer.sign_up"]);
}

#[tokio::test]
async fn only_admins_read_events() {
    let fixture = Fixture::new().await;
    record(
        &fixture,
        AuditRecord::new(
            &CallContext::internal(),
            AuditAction::DeveloperSignUp,
            DeveloperId::new(),
        ),
    )
    .await;
    let data = fixture.query(LIST, json!({})).await;
    let id = data["auditEvents"]["nodes"][0]["id"].clone();
    for viewer in [
        Viewer::Anonymous,
        Viewer::Developer {
            id: DeveloperId::new(),
            status: DeveloperStatus::Approved,
        },
    ] {
        let response = fixture.execute(viewer, LIST, json!({})).await;
        assert_eq!(response["data"]["auditEvents"], json!(null));
        assert_eq!(response["errors"][0]["extensions"]["code"], "FORBIDDEN");
        let node = "query ($id: ID!) { node(id: $id) { id } }";
        let response = fixture.execute(viewer, node, json!({ "id": id })).await;
        assert_eq!(response, json!({"data": {"node": null}}));
    }
}
