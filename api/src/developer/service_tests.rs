use domain::{
    access_request::AccessRequestStatus, app::AppStatus, id::VersionId, version::VersionLifecycle, viewer::Viewer,
};
use entity::{access_request, access_request_hold, app, credential, session, sign_up_hold};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _};
use serde_json::json;

use super::*;
use crate::{
    pagination,
    session::{
        directory::AccountDirectory,
        store::{self as sessions, SessionRecord},
    },
    test_fixture::Fixture,
};

const EMAIL: &str = "ada@example.com";

fn admin(fixture: &Fixture) -> CallContext {
    CallContext {
        viewer: fixture.admin,
        ..CallContext::internal()
    }
}

fn code(result: Result<DeveloperRecord, ServiceError>) -> RefusalCode {
    match result {
        Err(ServiceError::Refused(refusals)) => refusals[0].code,
        other => panic!("{other:?}"),
    }
}

async fn status(fixture: &Fixture, id: DeveloperId) -> DeveloperStatus {
    let found = store::find_for(fixture.plane.database.read(), &fixture.admin, [id]).await;
    found.unwrap()[0].status
}

/// A session of the developer's, and whether it lives.
async fn session(fixture: &Fixture, id: DeveloperId) -> impl Fn() -> bool {
    let session = SessionRecord {
        id: domain::id::SessionId::new(),
        account: AccountId::Developer(id),
        created_at: Timestamp::now(),
        expires_at: Timestamp::now().saturating_add(std::time::Duration::from_secs(3600)),
        ended_at: None,
    };
    let mut transaction = fixture.plane.write().await.unwrap();
    sessions::insert(&*transaction, &session).await.unwrap();
    transaction.changed(Subject::Session, session.id.uuid());
    transaction.changed(Subject::Developer, id.uuid());
    transaction.commit().await.unwrap();
    let directory: std::sync::Arc<AccountDirectory> = std::sync::Arc::clone(&fixture.plane.directory);
    move || {
        let claims = crate::session::access_token::Claims {
            account: session.account,
            session: session.id,
            not_before: session.created_at,
            issued_at: session.created_at,
            expires_at: session.expires_at,
        };
        directory.check(&claims, Timestamp::now()).is_ok()
    }
}

#[tokio::test]
async fn decisions_follow_the_drawing_and_are_kept() {
    let fixture = Fixture::new().await;
    let call = admin(&fixture);
    let plane = &fixture.plane;
    let id = fixture.developer(EMAIL).await;
    let revoked = revoke(plane, &call, id, " left the company ").await.unwrap();
    assert_eq!(revoked.status, DeveloperStatus::Revoked);
    let decision = revoked.decision.clone().unwrap();
    assert_eq!(decision.by, call.admin().ok());
    assert_eq!(decision.reason.as_deref(), Some("left the company"));
    assert!(!decision.automatic);
    let read = store::find_for(plane.database.read(), &fixture.admin, [id])
        .await
        .unwrap();
    assert_eq!(read, [revoked]);
    assert_eq!(
        code(revoke(plane, &call, id, "again").await),
        RefusalCode::InvalidTransition
    );
    assert_eq!(
        code(reject(plane, &call, id, "again").await),
        RefusalCode::InvalidTransition
    );
    let approved = approve(plane, &call, id, None).await.unwrap();
    assert_eq!(approved.status, DeveloperStatus::Approved);
    assert_eq!(
        code(approve(plane, &call, id, None).await),
        RefusalCode::InvalidTransition
    );
    assert_eq!(status(&fixture, id).await, DeveloperStatus::Approved);
    let audited = fixture.audited().await;
    assert_eq!(audited.get("developer.revoke"), Some(&1));
    assert_eq!(audited.get("developer.approve"), Some(&1));
    assert_eq!(audited.get("developer.reject"), None);
}

#[tokio::test]
async fn a_refused_decision_changes_nothing() {
    let fixture = Fixture::new().await;
    let call = admin(&fixture);
    let id = fixture.developer(EMAIL).await;
    let plane = &fixture.plane;
    for blank in ["", " \n"] {
        assert_eq!(code(revoke(plane, &call, id, blank).await), RefusalCode::Required);
        assert_eq!(code(reject(plane, &call, id, blank).await), RefusalCode::Required);
        assert_eq!(
            code(approve(plane, &call, id, Some(blank)).await),
            RefusalCode::Required
        );
    }
    let long = "x".repeat(10_001);
    assert_eq!(code(revoke(plane, &call, id, &long).await), RefusalCode::TooLong);
    let unknown = DeveloperId::new();
    assert_eq!(code(approve(plane, &call, unknown, None).await), RefusalCode::NotFound);
    assert!(delete(plane, &call, unknown, true).await.is_err());
    assert_eq!(status(&fixture, id).await, DeveloperStatus::Approved);
    // The built-in strategy's event is all there is.
    assert_eq!(fixture.audited().await.len(), 1);
}

#[tokio::test]
async fn only_admins_decide_and_list() {
    let fixture = Fixture::new().await;
    let id = fixture.developer(EMAIL).await;
    let plane = &fixture.plane;
    let own = CallContext {
        viewer: Viewer::Developer {
            id,
            status: DeveloperStatus::Approved,
        },
        ..CallContext::internal()
    };
    let nobody = CallContext::internal();
    let page = pagination::arguments(None, None, None, None).unwrap();
    let order = (DeveloperSort::Email, Direction::Ascending);
    for call in [&own, &nobody] {
        let refusals = [
            approve(plane, call, id, None).await.map(drop),
            reject(plane, call, id, "reason").await.map(drop),
            revoke(plane, call, id, "reason").await.map(drop),
            delete(plane, call, id, true).await.map(drop),
        ];
        for refused in refusals {
            match refused {
                Err(ServiceError::Forbidden) => assert!(call.viewer != Viewer::Anonymous),
                Err(ServiceError::Unauthenticated) => assert!(call.viewer == Viewer::Anonymous),
                other => panic!("{other:?}"),
            }
        }
        let listed = list(plane, call, &DeveloperFilter::default(), order, &page).await;
        assert!(matches!(listed, Err(ServiceError::Forbidden)));
    }
    assert_eq!(status(&fixture, id).await, DeveloperStatus::Approved);
}

#[tokio::test]
async fn a_developer_sees_the_own_account_alone() {
    let fixture = Fixture::new().await;
    let own = fixture.developer(EMAIL).await;
    let other = fixture.developer("grace@example.com").await;
    let connection = fixture.plane.database.read();
    for status in [DeveloperStatus::Approved, DeveloperStatus::Pending] {
        let viewer = Viewer::Developer { id: own, status };
        let found = store::find_for(connection, &viewer, [own, other]).await.unwrap();
        assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), [own]);
    }
    let found = store::find_for(connection, &Viewer::Anonymous, [own]).await.unwrap();
    assert!(found.is_empty());
}

#[tokio::test]
async fn racing_decisions_have_one_winner() {
    let fixture = Fixture::new().await;
    let call = admin(&fixture);
    let plane = &fixture.plane;
    let id = fixture.developer(EMAIL).await;
    let raced = (0..8).map(|_| revoke(plane, &call, id, "reason"));
    let results = futures_util::future::join_all(raced).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(fixture.audited().await.get("developer.revoke"), Some(&1));
}

#[tokio::test]
async fn revoking_stops_sessions_and_traffic_at_once_and_approving_restores_traffic() {
    let fixture = Fixture::new().await;
    let call = admin(&fixture);
    let plane = &fixture.plane;
    let id = fixture.developer(EMAIL).await;
    let lives = session(&fixture, id).await;
    assert!(lives());
    revoke(plane, &call, id, "reason").await.unwrap();
    assert!(!lives());
    approve(plane, &call, id, None).await.unwrap();
    // The session was ended, not only stopped.
    assert!(!lives());
}

struct Owner {
    id: DeveloperId,
    app: domain::id::AppId,
    version: VersionId,
}

async fn with_belongings(fixture: &Fixture, request: AccessRequestStatus) -> Owner {
    let id = fixture.developer(EMAIL).await;
    let app = fixture.app(id, "mobile").await;
    let product = fixture.product("billing").await;
    let version = fixture.version(product, "v1", VersionLifecycle::Active).await;
    let connection = fixture.plane.database.read();
    let strategy = crate::auth_strategy::store::built_in(connection).await.unwrap();
    fixture.credential(app, strategy.id).await;
    fixture.access_request((id, app), version, request).await;
    Owner { id, app, version }
}

#[tokio::test]
async fn deleting_takes_all_that_is_the_developers_own() {
    let fixture = Fixture::new().await;
    let call = admin(&fixture);
    let plane = &fixture.plane;
    let owner = with_belongings(&fixture, AccessRequestStatus::Approved).await;
    let lives = session(&fixture, owner.id).await;
    let refused = delete(plane, &call, owner.id, false).await;
    let Err(ServiceError::Refused(refusals)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusals[0].code, RefusalCode::InUse);
    assert!(lives());
    assert_eq!(delete(plane, &call, owner.id, true).await.unwrap(), owner.id);
    assert!(!lives());
    let connection = plane.database.read();
    assert_eq!(app::Entity::find().count(connection).await.unwrap(), 0);
    assert_eq!(access_request::Entity::find().count(connection).await.unwrap(), 0);
    assert_eq!(credential::Entity::find().count(connection).await.unwrap(), 0);
    assert_eq!(session::Entity::find().count(connection).await.unwrap(), 0);
    // Kept: that the next sign-up with this e-mail waits for a person.
    let held = sign_up_hold::Entity::find().all(connection).await.unwrap();
    assert_eq!(held[0].email_normalised, EMAIL);
    assert_eq!(access_request_hold::Entity::find().count(connection).await.unwrap(), 0);
    assert_eq!(fixture.audited().await.get("developer.delete"), Some(&1));
    let snapshot = plane.snapshot.load().unwrap();
    assert!(snapshot.grants(Timestamp::now()).is_empty());
}

#[tokio::test]
async fn a_suspended_app_that_goes_with_its_developer_leaves_a_hold() {
    let fixture = Fixture::new().await;
    let owner = with_belongings(&fixture, AccessRequestStatus::Cancelled).await;
    let connection = fixture.plane.database.read();
    let row = app::Entity::find_by_id(owner.app.uuid()).one(connection).await.unwrap();
    let mut row = row.unwrap().into_active_model();
    row.status = Set(AppStatus::Suspended.into());
    row.update(connection).await.unwrap();
    delete(&fixture.plane, &admin(&fixture), owner.id, false).await.unwrap();
    let held = access_request_hold::Entity::find().all(connection).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].email_normalised, EMAIL);
    assert_eq!(held[0].version_id, owner.version.uuid());
}

#[tokio::test]
async fn the_api_lists_searches_and_decides() {
    let fixture = Fixture::new().await;
    let ids = [
        fixture.developer("ada@example.com").await,
        fixture.developer("adam@example.com").await,
        fixture.developer("bob_x@example.com").await,
    ];
    let list = "query ($first: Int, $after: String, $filter: DeveloperFilter, $orderBy: DeveloperOrder) {
        developers(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
            totalCount pageInfo { hasNextPage endCursor } nodes { email status allowedActions }
        }
    }";
    let emails = |data: &serde_json::Value| -> Vec<String> {
        let nodes = data["developers"]["nodes"].as_array().unwrap();
        nodes
            .iter()
            .map(|node| node["email"].as_str().unwrap().to_owned())
            .collect()
    };
    for (filter, expected) in [
        (
            json!({}),
            vec!["bob_x@example.com", "adam@example.com", "ada@example.com"],
        ),
        (json!({"search": "ADA"}), vec!["adam@example.com", "ada@example.com"]),
        (json!({"search": "ada@"}), vec!["ada@example.com"]),
        (json!({"search": "bob%"}), vec![]),
        (json!({"search": "bob_"}), vec!["bob_x@example.com"]),
        (json!({"status": ["PENDING"]}), vec![]),
        (json!({"status": []}), vec![]),
    ] {
        let data = fixture.query(list, json!({ "filter": filter })).await;
        assert_eq!(emails(&data), expected, "{filter}");
        assert_eq!(data["developers"]["totalCount"], expected.len(), "{filter}");
    }
    let order = json!({"field": "EMAIL", "direction": "ASC"});
    let first = fixture.query(list, json!({"first": 2, "orderBy": order})).await;
    assert_eq!(emails(&first), ["ada@example.com", "adam@example.com"]);
    let cursor = &first["developers"]["pageInfo"]["endCursor"];
    let second = fixture
        .query(list, json!({"first": 2, "after": cursor, "orderBy": order}))
        .await;
    assert_eq!(emails(&second), ["bob_x@example.com"]);
    assert_eq!(second["developers"]["pageInfo"]["hasNextPage"], false);

    let revoke = "mutation ($input: RevokeDeveloperInput!) { revokeDeveloper(input: $input) {
        developer { status allowedActions decision { by { id } automatic reason } } userErrors { code field }
    } }";
    let input = json!({"id": ids[0].to_string(), "reason": "why"});
    let done = fixture.mutate(revoke, input.clone()).await;
    assert_eq!(done["developer"]["status"], "REVOKED");
    assert_eq!(done["developer"]["allowedActions"], json!(["APPROVE", "DELETE"]));
    assert_eq!(done["developer"]["decision"]["reason"], "why");
    let refused = fixture.mutate(revoke, input).await;
    assert_eq!(refused["developer"], json!(null));
    assert_eq!(
        refused["userErrors"],
        json!([{"code": "INVALID_TRANSITION", "field": ["id"]}])
    );
    for id in [
        "",
        "dev_",
        "app_01h455vb4pex5vsknk084sn02q",
        "dev_01h455vb4pex5vsknk084sn02!",
    ] {
        let variables = json!({"input": {"id": id, "reason": "why"}});
        let response = fixture.execute(fixture.admin, revoke, variables).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{id}");
        assert_eq!(response["data"]["revokeDeveloper"], json!(null));
    }
    let delete = "mutation ($input: DeleteDeveloperInput!) { deleteDeveloper(input: $input) {
        deletedId userErrors { code field } } }";
    let done = fixture.mutate(delete, json!({"id": ids[0].to_string()})).await;
    assert_eq!(done, json!({"deletedId": ids[0].to_string(), "userErrors": []}));
    let node = "query ($id: ID!) { node(id: $id) { id ... on Account { email } } }";
    let gone = fixture.query(node, json!({"id": ids[0].to_string()})).await;
    assert_eq!(gone["node"], json!(null));
    let there = fixture.query(node, json!({"id": ids[1].to_string()})).await;
    assert_eq!(there["node"]["email"], "adam@example.com");
}
