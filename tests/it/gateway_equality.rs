//! The gateway allows exactly what the database says: after the flow, after deletes, and after clients that went away.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use domain::{
    Timestamp,
    access::{self, CredentialFacts, Facts, StrategyFacts},
    access_request::AccessRequestStatus,
};
use entity::{access_request, app, auth_strategy, credential, developer, version};
use portico_sdk::{AccessRequestStatus as Status, RevokeAccessRequestInput};
use portico_tests::{
    fixture,
    server::{TestDeveloper, TestServer},
    upstream::Upstream,
};
use sea_orm::{EntityTrait as _, prelude::Uuid};
use secrecy::ExposeSecret as _;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

/// App, credential and version of one "may call".
type Grant = (Uuid, Uuid, Uuid);

/// Asserts that the gateway allows what follows from the database's rows, worked out anew; answers with it.
pub(crate) async fn assert_gateway_equals_database(server: &TestServer) -> BTreeSet<Grant> {
    let now = Timestamp::now();
    let granted = server.server().plane().snapshot.load().unwrap().grants(now);
    let at_gateway: BTreeSet<Grant> = granted
        .iter()
        .map(|grant| (grant.app_id.uuid(), grant.credential_id.uuid(), grant.version_id.uuid()))
        .collect();
    let in_database = grants_of_database(server, now).await;
    assert_eq!(at_gateway, in_database);
    in_database
}

/// Who may call what, from the rows alone: every credential against every version.
async fn grants_of_database(server: &TestServer, now: Timestamp) -> BTreeSet<Grant> {
    let database = server.server().plane().database.read();
    let versions = version::Entity::find().all(database).await.unwrap();
    let strategies = auth_strategy::Entity::find().all(database).await.unwrap();
    let developers = developer::Entity::find().all(database).await.unwrap();
    let apps = app::Entity::find().all(database).await.unwrap();
    let credentials = credential::Entity::find().all(database).await.unwrap();
    let mut rows = access_request::Entity::find().all(database).await.unwrap();
    rows.sort_by_key(|row| (row.created_at, row.id));
    let mut requests: HashMap<(Uuid, Uuid), AccessRequestStatus> = HashMap::new();
    for row in &rows {
        let status = AccessRequestStatus::from(row.status);
        let present = requests.entry((row.app_id, row.version_id)).or_insert(status);
        if !present.is_open() {
            *present = status;
        }
    }
    let mut grants = BTreeSet::new();
    for credential in &credentials {
        let app = apps.iter().find(|app| app.id == credential.app_id).unwrap();
        let developer = developers.iter().find(|row| row.id == app.developer_id).unwrap();
        for version in &versions {
            let strategy = strategies.iter().find(|row| Some(row.id) == version.auth_strategy_id);
            let facts = Facts {
                lifecycle: version.lifecycle.into(),
                strategy: strategy.map(|row| StrategyFacts {
                    kind: row.kind.into(),
                    credential_ttl_days: row.credential_ttl_days.map(|days| days.try_into().unwrap()),
                }),
                credential: CredentialFacts {
                    kind: credential.kind.into(),
                    created_at: Timestamp::from_millis(credential.created_at),
                    expires_at: credential.expires_at.map(Timestamp::from_millis),
                    revoked_at: credential.revoked_at.map(Timestamp::from_millis),
                },
                app: app.status.into(),
                developer: developer.status.into(),
                request: requests.get(&(app.id, version.id)).copied(),
            };
            if access::decide(&facts, now).is_ok() {
                grants.insert((app.id, credential.id, version.id));
            }
        }
    }
    grants
}

/// An app with an approved request for the version and a key.
async fn caller(developer: &TestDeveloper, published: &fixture::Published, name: &str) -> (portico_sdk::App, String) {
    let app = fixture::app(developer, name).await;
    fixture::request(developer, &app, &published.version).await;
    let (_, key) = fixture::key(developer, &app).await;
    (app, key)
}

#[tokio::test]
async fn after_every_kind_of_delete() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let first = fixture::publish(&admin, &upstream, "first", true).await;
    let second = fixture::publish(&admin, &upstream, "second", true).await;
    let third = fixture::publish(&admin, &upstream, "third", true).await;
    let dana = server.developer(&admin, "dana").await;
    let eve = server.developer(&admin, "eve").await;
    assert!(assert_gateway_equals_database(&server).await.is_empty());

    let (app, key) = caller(&dana, &first, "dana-1").await;
    let (other, _) = caller(&dana, &first, "dana-2").await;
    fixture::request(&dana, &other, &second.version).await;
    fixture::request(&dana, &other, &third.version).await;
    let (_, eves_key) = caller(&eve, &first, "eve-1").await;
    assert_eq!(assert_gateway_equals_database(&server).await.len(), 5);

    dana.client.apps().delete(&app.id).await.unwrap();
    assert_eq!(server.verdict("/first", Some(&key)).await, (401, None));
    assert_eq!(assert_gateway_equals_database(&server).await.len(), 4);
    admin.versions().delete_forced(&second.version.id).await.unwrap();
    assert_eq!(server.verdict("/second", Some(&eves_key)).await.0, 404);
    assert_eq!(assert_gateway_equals_database(&server).await.len(), 3);
    admin.products().delete_forced(&third.product.id).await.unwrap();
    assert_eq!(server.verdict("/third", Some(&eves_key)).await.0, 404);
    assert_eq!(assert_gateway_equals_database(&server).await.len(), 2);
    admin.developers().delete_forced(&dana.id).await.unwrap();
    assert_eq!(server.verdict("/first", Some(&eves_key)).await.0, 200);
    assert_eq!(assert_gateway_equals_database(&server).await.len(), 1);
    admin.developers().delete_forced(&eve.id).await.unwrap();
    assert_eq!(server.verdict("/first", Some(&eves_key)).await, (401, None));
    assert!(assert_gateway_equals_database(&server).await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn after_a_restart() {
    let mut server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    let (_, key) = caller(&dana, &published, "kept").await;
    let (suspended, other_key) = caller(&dana, &published, "suspended").await;
    admin.apps().suspend(&suspended.id, "checking").await.unwrap();
    let before = assert_gateway_equals_database(&server).await;
    assert_eq!(before.len(), 1);
    server.restart().await;
    assert_eq!(assert_gateway_equals_database(&server).await, before);
    assert_eq!(server.verdict("/mock", Some(&key)).await.0, 200);
    let denied = (403, Some("APP_SUSPENDED".to_owned()));
    assert_eq!(server.verdict("/mock", Some(&other_key)).await, denied);
    server.stop().await;
}

#[tokio::test]
async fn after_clients_that_left_without_the_answer() {
    let server = TestServer::start().await;
    let upstream = Upstream::start().await;
    let admin = server.admin().await;
    let published = fixture::publish(&admin, &upstream, "mock", true).await;
    let dana = server.developer(&admin, "dana").await;
    let app = fixture::app(&dana, "banking").await;
    let request = fixture::request(&dana, &app, &published.version).await;
    let (_, key) = fixture::key(&dana, &app).await;
    let token = admin.tokens().unwrap().access_token.expose_secret().to_owned();
    let mut changes = server.server().plane().snapshot.changes();
    for round in 0..10 {
        let (mutation, status, verdict) = if round % 2 == 0 {
            (
                r#"revokeAccessRequest(input: { id: \"ID\", reason: \"misuse\" })"#,
                Status::Revoked,
                403,
            )
        } else {
            (r#"approveAccessRequest(input: { id: \"ID\" })"#, Status::Approved, 200)
        };
        let mutation = mutation.replace("ID", request.id.as_str());
        let body = format!(r#"{{"query":"mutation {{ {mutation} {{ userErrors {{ code }} }} }}"}}"#);
        changes.mark_unchanged();
        let mut socket = TcpStream::connect(server.server().listen()).await.unwrap();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            server.server().listen(),
            body.len()
        );
        socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        drop(socket);
        let published = tokio::time::timeout(Duration::from_secs(30), changes.changed()).await;
        published
            .expect("the mutation must go through without its client")
            .unwrap();
        assert_eq!(server.verdict("/mock", Some(&key)).await.0, verdict, "round {round}");
        let read = admin.access_requests().get(&request.id).await.unwrap().unwrap();
        assert_eq!(read.status, status, "round {round}");
        assert_gateway_equals_database(&server).await;
    }
    admin
        .access_requests()
        .revoke(RevokeAccessRequestInput::new(&request.id, "misuse"))
        .await
        .unwrap();
    assert!(assert_gateway_equals_database(&server).await.is_empty());
    server.stop().await;
}
