//! Answers that are kept, over HTTP: the same bytes as executed ones, never another viewer's, and over on every node as
//! soon as something else was committed on one.

use portico::database::Database;
use portico_sdk::CreateProductInput;
use portico_tests::{
    caller::Caller,
    database::{self, Postgres},
    fixture,
    graphql::code,
    server::TestServer,
};
use reqwest::header;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

const CATALOG: &str = "{ products { nodes { name } } }";
const MY_APPS: &str = "{ apps { nodes { name status } } viewer { email } }";

fn given(server: &TestServer) -> u64 {
    server.server().plane().answers.as_ref().unwrap().given()
}

fn names(answer: &Value) -> Vec<&str> {
    let nodes = answer["data"]["products"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["name"].as_str().unwrap()).collect()
}

fn database(server: &TestServer) -> &Database {
    &server.server().plane().database
}

#[tokio::test]
async fn a_kept_answer_is_the_answer_its_cost_included() {
    // So that the request's id is believed, by which an answer is told from a copy of another's headers.
    let server = TestServer::start_with(|options| options.trusted_proxies.push("127.0.0.1/32".parse().unwrap())).await;
    let admin = server.admin().await;
    let dana = server.developer(&admin, "dana").await;
    fixture::app(&dana, "banking").await;
    let caller = Caller::of(&server, "developer", &dana.client);
    let body = json!({ "query": "query Mine { apps { nodes { name } } }", "operationName": "Mine" });
    let ask = async |accept: &str| {
        let request = caller.request().header(header::ACCEPT, accept).json(&body);
        let answer = request.header("x-request-id", "mine").send().await.unwrap();
        assert_eq!(answer.headers()["x-request-id"], "mine");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        let content_type = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        (content_type, answer.text().await.unwrap())
    };
    let (_, executed) = ask("application/json").await;
    let before = given(&server);
    for accept in ["application/json", "application/graphql-response+json"] {
        let (content_type, kept) = ask(accept).await;
        assert!(content_type.starts_with(accept), "{content_type}");
        assert_eq!(kept, executed);
    }
    assert_eq!(given(&server), before + 2);
    let executed: Value = serde_json::from_str(&executed).unwrap();
    assert_eq!(executed["extensions"]["cost"]["limit"], 10_000);
}

#[tokio::test]
async fn who_may_act_no_more_is_given_nothing_that_was_kept() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (dana, eve) = (
        server.developer(&admin, "dana").await,
        server.developer(&admin, "eve").await,
    );
    fixture::app(&dana, "banking").await;
    let [danas, eves] = [&dana, &eve].map(|developer| Caller::of(&server, "developer", &developer.client));
    for _ in 0..2 {
        assert!(danas.post(MY_APPS, json!({})).await.to_string().contains("banking"));
        assert!(!eves.post(MY_APPS, json!({})).await.to_string().contains("banking"));
    }
    assert!(given(&server) >= 2);
    let anonymous = Caller::anonymous(&server).post(MY_APPS, json!({})).await;
    assert_eq!(code(&anonymous), Some("UNAUTHENTICATED"));
    admin.developers().revoke(&dana.id, "left").await.unwrap();
    assert_eq!(code(&danas.post(MY_APPS, json!({})).await), Some("UNAUTHENTICATED"));
    assert!(
        eves.post(MY_APPS, json!({}))
            .await
            .to_string()
            .contains("eve@example.com")
    );
}

#[tokio::test]
async fn without_memory_for_answers_every_query_is_executed() {
    let server = TestServer::start_with(|options| options.answer_cache_bytes = 0).await;
    assert!(server.server().plane().answers.is_none());
    let admin = server.admin().await;
    let caller = Caller::of(&server, "admin", &admin);
    let first = caller.post(CATALOG, json!({})).await;
    assert_eq!(caller.post(CATALOG, json!({})).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_commits_ends_what_the_other_keeps() {
    let postgres = Postgres::any();
    let url = database::new_database(&postgres.server()).await;
    let first = TestServer::start_on(&url).await;
    let second = first.another_node().await;
    let admin = first.admin().await;
    let there = Caller::of(&second, "admin", &admin);
    for number in 0..20 {
        let name = format!("Product {number}");
        admin.products().create(CreateProductInput::new(&name)).await.unwrap();
        for _ in 0..2 {
            let answer = there.post(CATALOG, json!({})).await;
            assert_eq!(names(&answer).first(), Some(&name.as_str()), "the latest first");
        }
    }
    assert!(given(&second) >= 20);
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_comes_late_ends_what_was_kept_meanwhile() {
    let postgres = Postgres::any();
    let url = database::new_database(&postgres.server()).await;
    let server = TestServer::start_on(&url).await;
    let admin = server.admin().await;
    let caller = Caller::of(&server, "admin", &admin);
    let product = admin
        .products()
        .create(CreateProductInput::new("Before"))
        .await
        .unwrap();
    let late = database(&server).read().begin().await.unwrap();
    for statement in [
        "UPDATE product SET name = 'Late'",
        "INSERT INTO change_log (subject, subject_id, at) SELECT 'PRODUCT', id, 0 FROM product",
    ] {
        late.execute_unprepared(statement).await.unwrap();
    }
    // Others commit after it began, and answers are kept of what they left.
    fixture::app(&server.developer(&admin, "dana").await, "banking").await;
    for _ in 0..3 {
        assert_eq!(
            names(&caller.post(CATALOG, json!({})).await),
            ["Before"],
            "{}",
            product.id
        );
    }
    assert!(given(&server) >= 2);
    late.commit().await.unwrap();
    assert_eq!(names(&caller.post(CATALOG, json!({})).await), ["Late"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_made_anew_ends_everything_that_was_kept() {
    let postgres = Postgres::any();
    let url = database::new_database(&postgres.server()).await;
    let server = TestServer::start_on(&url).await;
    let admin = server.admin().await;
    let caller = Caller::of(&server, "admin", &admin);
    admin
        .products()
        .create(CreateProductInput::new("Before"))
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(names(&caller.post(CATALOG, json!({})).await), ["Before"]);
    }
    // As a restore leaves it: other rows, and a log that tells of nothing new.
    for statement in [
        "UPDATE product SET name = 'Restored'",
        "DELETE FROM change_log_identity",
        "INSERT INTO change_log_identity (id) VALUES (gen_random_uuid())",
    ] {
        database(&server).read().execute_unprepared(statement).await.unwrap();
    }
    assert_eq!(names(&caller.post(CATALOG, json!({})).await), ["Restored"]);
    server.stop().await;
}
