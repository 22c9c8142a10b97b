use std::{sync::Arc, time::Duration};

use async_graphql::{Request, Variables};
use domain::{Timestamp, developer::DeveloperStatus, id::DeveloperId, viewer::Viewer};
use entity::{change, credential, developer};
use http_body_util::BodyExt as _;
use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
use sea_orm::{EntityTrait as _, Iterable as _, sea_query::Expr};
use serde_json::{Value, json};

use super::{AnswerCache, Found, RequestDigest};
use crate::{
    change::{ChangeWatch, Generations, Subject, Subjects},
    graphql::{Caller, Endpoint},
    http::{
        accept::ResponseMediaType,
        graphql::{GraphqlCall, GraphqlService as _},
        query_cost::Cost,
        request_id::RequestId,
        response_body::{self, Freshness},
    },
    test_fixture::{Fixture, plane_on},
};

/// A server, its endpoint, and another node on the same database.
struct Scene {
    fixture: Fixture,
    endpoint: Endpoint,
}

impl Scene {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let endpoint = Endpoint::new(Arc::clone(&fixture.plane));
        Self { fixture, endpoint }
    }

    /// The answer's body as it is sent, and whether it was a kept one.
    async fn ask(&self, viewer: Viewer, document: &str) -> (Value, bool) {
        ask(&self.endpoint, viewer, document).await
    }

    async fn kept(&self, viewer: Viewer, document: &str) -> bool {
        self.ask(viewer, document).await.1
    }

    async fn developer(&self, email: &str) -> Viewer {
        Viewer::Developer {
            id: self.fixture.developer(email).await,
            status: DeveloperStatus::Approved,
        }
    }

    /// The id of what an admin's or developer's mutation made.
    async fn make(&self, viewer: Viewer, mutation: &str, object: &str, input: Value) -> String {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let document = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {object} {{ id }} userErrors {{ code message }} }} }}"
        );
        let payload = self.fixture.mutate_as(viewer, &document, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        payload[object]["id"].as_str().unwrap().to_owned()
    }

    async fn app(&self, viewer: Viewer, reference_id: &str) -> String {
        let input = json!({ "name": reference_id, "referenceId": reference_id });
        self.make(viewer, "createApp", "app", input).await
    }
}

async fn ask(endpoint: &Endpoint, viewer: Viewer, document: &str) -> (Value, bool) {
    let body = json!({ "query": document }).to_string();
    let caller = Caller::of(viewer);
    let found = endpoint.recall(&caller, RequestDigest::of_body(body.as_bytes())).await;
    let miss = match found {
        Found::Answer(kept) => return (serde_json::from_slice(&kept.body).unwrap(), true),
        Found::Nothing(miss) => miss,
    };
    let request_id = RequestId::generate();
    let call = GraphqlCall {
        caller,
        request_id: request_id.clone(),
        client_address: None,
        request: Request::new(document).variables(Variables::default()),
        miss: Some(miss),
    };
    let executed = endpoint.execute(call).await;
    let cost = Cost {
        requested: 1,
        actual: 1,
        limit: 1,
    };
    let response = response_body::executed(
        executed,
        cost,
        ResponseMediaType::Json,
        &request_id,
        Freshness::NotStored,
    );
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (serde_json::from_slice(&body).unwrap(), false)
}

const CATALOG: &str = "{ products { nodes { id name versions { nodes { name lifecycle } } } } }";
const MY_APPS: &str =
    "{ apps { nodes { name status accessRequests { nodes { status version { product { name } } } } } } }";

#[tokio::test]
async fn an_answer_is_given_again_until_what_it_shows_changes() {
    let scene = Scene::new().await;
    let (admin, one, two) = (
        scene.fixture.admin,
        scene.developer("one@example.com").await,
        scene.developer("two@example.com").await,
    );
    scene.fixture.product("first").await;
    for document in [CATALOG, MY_APPS] {
        let (executed, kept) = scene.ask(one, document).await;
        assert!(!kept);
        assert_eq!(scene.ask(one, document).await, (executed, true));
        assert!(!scene.kept(two, document).await, "another viewer's is another answer");
    }
    // What somebody registers does not concern the catalog.
    scene.app(two, "an-app").await;
    assert!(scene.kept(one, CATALOG).await);
    assert!(!scene.kept(one, MY_APPS).await);
    // A product does.
    scene
        .make(admin, "createProduct", "product", json!({ "name": "Second" }))
        .await;
    assert!(!scene.kept(one, CATALOG).await);
    assert!(!scene.kept(one, MY_APPS).await);
}

#[tokio::test]
async fn a_cached_answer_of_one_viewer_is_never_anothers() {
    let scene = Scene::new().await;
    let (one, two) = (
        scene.developer("one@example.com").await,
        scene.developer("two@example.com").await,
    );
    let secret = scene.app(one, "private").await;
    let document = "{ apps { nodes { id } } viewer { id email } }";
    assert!(scene.ask(one, document).await.0.to_string().contains(&secret));
    assert!(scene.kept(one, document).await);
    let (answer, kept) = scene.ask(two, document).await;
    assert!(!kept && !answer.to_string().contains(&secret) && answer.to_string().contains("two@example.com"));
    let Viewer::Developer { id, .. } = one else {
        unreachable!()
    };
    let pending = Viewer::Developer {
        id,
        status: DeveloperStatus::Pending,
    };
    let (answer, kept) = scene.ask(pending, document).await;
    assert!(
        !kept && !answer.to_string().contains(&secret),
        "the same account in another state"
    );
    assert!(!scene.kept(Viewer::Anonymous, document).await);
}

#[tokio::test]
async fn another_node_s_commit_ends_an_answer_at_once() {
    let scene = Scene::new().await;
    let other = Arc::new(plane_on(scene.fixture.plane.database.clone()));
    other.follower.load().await.unwrap();
    let other = Endpoint::new(other);
    let developer = scene.developer("one@example.com").await;
    scene.fixture.product("first").await;
    for document in [CATALOG, MY_APPS] {
        ask(&other, developer, document).await;
        assert!(ask(&other, developer, document).await.1);
    }
    // By the first node. The second one's follower has not run since.
    scene
        .make(
            scene.fixture.admin,
            "createProduct",
            "product",
            json!({ "name": "Second" }),
        )
        .await;
    for document in [CATALOG, MY_APPS] {
        let (answer, kept) = ask(&other, developer, document).await;
        assert!(!kept);
        assert_eq!(answer, scene.ask(developer, document).await.0);
    }
}

#[tokio::test]
async fn answers_with_errors_and_mutations_are_not_kept() {
    let scene = Scene::new().await;
    let developer = scene.developer("one@example.com").await;
    for document in [
        "{ developers { nodes { id } } portal { name } }",
        "{ apps(first: 1000) { nodes { id } } portal { name } }",
        "{ portal { nothing } }",
        "mutation { updatePortal(input: { name: \"A\" }) { portal { name } userErrors { code } } }",
    ] {
        let (first, _) = scene.ask(developer, document).await;
        let (second, kept) = scene.ask(developer, document).await;
        assert!(!kept, "{document}");
        let id = |answer: &Value| answer["errors"][0]["extensions"]["requestId"].clone();
        assert!(
            id(&first).is_string() && id(&first) != id(&second),
            "{document}: each error names its own request"
        );
    }
}

#[tokio::test]
async fn an_answer_ends_when_a_key_expires() {
    let scene = Scene::new().await;
    let developer = scene.developer("one@example.com").await;
    let app = scene.app(developer, "an-app").await;
    let now = Timestamp::now();
    let ends = now.saturating_add(Duration::from_secs(3600));
    let input = json!({ "appId": app, "expiresAt": ends.to_string() });
    scene.make(developer, "generateCredential", "credential", input).await;
    let document = "{ apps { nodes { credentials { nodes { status } } } } }";
    let untimed = "{ apps { nodes { credentials { nodes { name } } } } }";
    let kept = async |document: &str, at: Timestamp| {
        let body = json!({ "query": document }).to_string();
        let digest = RequestDigest::of_body(body.as_bytes());
        let answers = scene.fixture.plane.answers.as_ref().unwrap();
        matches!(answers.find_at(developer, digest, at).await.unwrap(), Found::Answer(_))
    };
    scene.ask(developer, document).await;
    scene.ask(developer, untimed).await;
    let just_before = Timestamp::from_millis(ends.as_millis() - 1);
    assert!(kept(document, Timestamp::now()).await && kept(document, just_before).await);
    assert!(!kept(document, ends).await, "an expiry is exclusive");
    assert!(kept(untimed, ends).await, "nothing in it depends on the time");
    let yesterday = Timestamp::from_millis(now.as_millis() - 86_400_000);
    assert!(!kept(document, yesterday).await, "a clock that was set back");
}

#[tokio::test]
async fn last_use_is_written_without_a_change_and_never_kept() {
    let scene = Scene::new().await;
    let developer = scene.developer("one@example.com").await;
    let app = scene.app(developer, "an-app").await;
    scene
        .make(developer, "generateCredential", "credential", json!({ "appId": app }))
        .await;
    let document = "{ apps { nodes { credentials { nodes { lastUsedAt } } } } }";
    let last_used =
        |answer: &Value| answer["data"]["apps"]["nodes"][0]["credentials"]["nodes"][0]["lastUsedAt"].clone();
    assert!(last_used(&scene.ask(developer, document).await.0).is_null());
    credential::Entity::update_many()
        .col_expr(credential::Column::LastUsedAt, Expr::value(1_700_000_000_000_i64))
        .exec(scene.fixture.plane.database.read())
        .await
        .unwrap();
    assert!(last_used(&scene.ask(developer, document).await.0).is_string());
}

#[tokio::test]
async fn the_cost_is_told_of_kept_answers_too() {
    // The cost is part of the body, so a kept body has it; over HTTP in `tests/it`.
    let scene = Scene::new().await;
    let (first, _) = scene.ask(Viewer::Anonymous, "{ portal { name } }").await;
    assert_eq!(scene.ask(Viewer::Anonymous, "{ portal { name } }").await, (first, true));
}

#[tokio::test]
async fn the_cache_keeps_within_its_bytes() {
    let scene = Scene::new().await;
    let database = scene.fixture.plane.database.clone();
    let answers = Arc::new(AnswerCache::new(ChangeWatch::new(database), 64 * 1024));
    let document = async_graphql::parser::parse_query("{ portal { name } }").unwrap();
    let keep = async |number: usize, bytes: usize| {
        let digest = RequestDigest::of_body(&number.to_be_bytes());
        let pending = answers.begin(digest.into(), Viewer::Anonymous, (&document, None), Timestamp::now());
        pending.await.unwrap().keep(&vec![b'x'; bytes].into());
        matches!(answers.find(Viewer::Anonymous, digest).await.unwrap(), Found::Answer(_))
    };
    assert!(keep(0, 1024).await);
    assert!(!keep(1, 16 * 1024).await, "one that would drive out the others");
    for number in 2..500 {
        keep(number, 1024).await;
        assert!(answers.answers.weight() <= 64 * 1024);
    }
}

#[tokio::test]
async fn the_watch_tells_which_kinds_changed() {
    let scene = Scene::new().await;
    let watch = ChangeWatch::new(scene.fixture.plane.database.clone());
    let fresh = Generations::default();
    let before = watch.generations().await.unwrap();
    assert!(
        !before.agree(&fresh, Subjects::of(Subject::App)),
        "the first look proves nothing of before"
    );
    assert_eq!(watch.generations().await.unwrap(), before, "nothing has happened");
    scene
        .make(
            scene.fixture.admin,
            "createProduct",
            "product",
            json!({ "name": "One" }),
        )
        .await;
    let after = watch.generations().await.unwrap();
    assert!(!after.agree(&before, Subjects::of(Subject::Product)));
    assert!(after.agree(&before, Subjects::all().without(Subject::Product)));
    // A newer node's kind may stand for anything.
    let row = json!({ "name": "Two" });
    scene.make(scene.fixture.admin, "createProduct", "product", row).await;
    change::Entity::update_many()
        .col_expr(change::Column::Subject, Expr::value("A_KIND_OF_TOMORROW"))
        .exec(scene.fixture.plane.database.read())
        .await
        .unwrap();
    let unknown = watch.generations().await.unwrap();
    for subject in Subject::iter() {
        assert!(!unknown.agree(&after, Subjects::of(subject)), "{subject:?}");
    }
}

#[tokio::test]
async fn who_asks_while_another_looks_is_told_of_what_was_committed_before_asking() {
    let scene = Scene::new().await;
    let watch = Arc::new(ChangeWatch::new(scene.fixture.plane.database.clone()));
    let mut before = watch.generations().await.unwrap();
    for number in 0..20 {
        let looking = futures_util::future::join_all((0..8).map(|_| watch.generations()));
        let name = format!("Product {number}");
        let (_, _) = tokio::join!(
            looking,
            scene.make(scene.fixture.admin, "createProduct", "product", json!({ "name": name }))
        );
        // Committed before any of these begins.
        let told = futures_util::future::join_all((0..8).map(|_| watch.generations())).await;
        for after in told {
            assert!(!after.unwrap().agree(&before, Subjects::of(Subject::Product)));
        }
        before = watch.generations().await.unwrap();
    }
}

/// What a viewer may do in the property below; what does not apply at the moment is refused, which is as good.
#[derive(Clone, Debug)]
enum Step {
    Public(bool),
    Publish(Index, bool),
    Lifecycle(Index, &'static str),
    Registration(Index, bool),
    Rename(Index),
    NewVersion(Index),
    DeleteVersion(Index),
    NewApp(Index),
    DeleteApp(Index),
    SuspendApp(Index, bool),
    Request(Index, Index),
    Decide(Index, &'static str),
    Cancel(Index),
    Key(Index),
    Revoke(Index),
    Developer(Index, &'static str),
    Strategy(Index),
}

fn step() -> impl Strategy<Value = Step> {
    let lifecycle = prop::sample::select(vec!["ACTIVE", "DEPRECATED", "RETIRED"]);
    let decision = prop::sample::select(vec!["approve", "reject", "revoke"]);
    prop_oneof![
        1 => any::<bool>().prop_map(Step::Public),
        1 => any::<(Index, bool)>().prop_map(|(one, on)| Step::Publish(one, on)),
        1 => (any::<Index>(), lifecycle).prop_map(|(one, state)| Step::Lifecycle(one, state)),
        1 => any::<(Index, bool)>().prop_map(|(one, on)| Step::Registration(one, on)),
        1 => any::<Index>().prop_map(Step::Rename),
        1 => any::<Index>().prop_map(Step::NewVersion),
        1 => any::<Index>().prop_map(Step::DeleteVersion),
        3 => any::<Index>().prop_map(Step::NewApp),
        1 => any::<Index>().prop_map(Step::DeleteApp),
        1 => any::<(Index, bool)>().prop_map(|(one, on)| Step::SuspendApp(one, on)),
        4 => any::<(Index, Index)>().prop_map(|(app, version)| Step::Request(app, version)),
        2 => (any::<Index>(), decision.clone()).prop_map(|(one, how)| Step::Decide(one, how)),
        1 => any::<Index>().prop_map(Step::Cancel),
        2 => any::<Index>().prop_map(Step::Key),
        1 => any::<Index>().prop_map(Step::Revoke),
        1 => (any::<Index>(), decision).prop_map(|(one, how)| Step::Developer(one, how)),
        1 => any::<Index>().prop_map(Step::Strategy),
    ]
}

const ASKED: [&str; 5] = [
    CATALOG,
    MY_APPS,
    "{ portal { name isPublic } products(first: 5) { totalCount nodes { slug name isPublished \
     versions { totalCount nodes { name registration { enabled autoApprove authStrategy { name } } plugins { name config } } } } } }",
    "{ viewer { id email ... on Developer { status allowedActions decision { automatic reason } } } \
     apps { totalCount nodes { name status allowedActions suspension { reason } \
     credentials { nodes { name status expiresAt allowedActions replacedBy { id } } } \
     accessRequests { totalCount nodes { status allowedActions decision { automatic reason } \
     version { name viewerCanRegister viewerCannotRegisterReasons product { name isPublished } } } } } } }",
    "{ products { nodes { versions { nodes { name viewerCanRegister accessRequests { nodes { status app { name } } } } } } } }",
];

impl Scene {
    async fn ids(&self, table: &str) -> Vec<String> {
        let document = match table {
            "versions" => "{ products(first: 100) { nodes { versions(first: 100) { nodes { id } } } } }".to_owned(),
            "credentials" => "{ apps(first: 100) { nodes { credentials(first: 100) { nodes { id } } } } }".to_owned(),
            table => format!("{{ {table}(first: 100) {{ nodes {{ id }} }} }}"),
        };
        let data = self.fixture.query(&document, json!({})).await;
        let mut ids = Vec::new();
        collect_ids(&data, &mut ids);
        ids.sort();
        ids
    }

    async fn one(&self, table: &str, which: &Index) -> Value {
        let ids = self.ids(table).await;
        if ids.is_empty() {
            json!("none_0")
        } else {
            json!(which.get(&ids))
        }
    }

    async fn act(&self, viewer: Viewer, mutation: &str, input: Value) {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let document = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}");
        // Refused or not: what counts is what is read afterwards.
        self.fixture.execute(viewer, &document, json!({ "input": input })).await;
    }

    async fn perform(&self, step: &Step, developers: &[Viewer], number: usize) {
        let admin = self.fixture.admin;
        let reason = json!("because");
        match step {
            Step::Public(on) => self.act(admin, "updatePortal", json!({ "isPublic": on })).await,
            Step::Publish(one, on) => {
                let verb = if *on { "publishProduct" } else { "unpublishProduct" };
                self.act(admin, verb, json!({ "id": self.one("products", one).await }))
                    .await;
            }
            Step::Lifecycle(one, state) => {
                let input = json!({ "id": self.one("versions", one).await, "lifecycle": state });
                self.act(admin, "setVersionLifecycle", input).await;
            }
            Step::Registration(one, on) => {
                let verb = if *on {
                    "enableRegistration"
                } else {
                    "disableRegistration"
                };
                self.act(admin, verb, json!({ "versionId": self.one("versions", one).await }))
                    .await;
            }
            Step::Rename(one) => {
                let input = json!({ "id": self.one("products", one).await, "name": format!("Name {number}") });
                self.act(admin, "updateProduct", input).await;
            }
            Step::NewVersion(one) => {
                let input = json!({ "productId": self.one("products", one).await, "name": format!("v{number}") });
                self.act(admin, "createVersion", input).await;
            }
            Step::DeleteVersion(one) => {
                let input = json!({ "id": self.one("versions", one).await, "force": true });
                self.act(admin, "deleteVersion", input).await;
            }
            Step::NewApp(one) => {
                let input = json!({ "name": "app", "referenceId": format!("app-{number}") });
                self.act(*one.get(developers), "createApp", input).await;
            }
            Step::DeleteApp(one) => {
                self.act(admin, "deleteApp", json!({ "id": self.one("apps", one).await }))
                    .await
            }
            Step::SuspendApp(one, true) => {
                let input = json!({ "id": self.one("apps", one).await, "reason": reason });
                self.act(admin, "suspendApp", input).await;
            }
            Step::SuspendApp(one, false) => {
                self.act(admin, "resumeApp", json!({ "id": self.one("apps", one).await }))
                    .await
            }
            Step::Request(app, version) => {
                let input =
                    json!({ "appId": self.one("apps", app).await, "versionId": self.one("versions", version).await });
                for developer in developers {
                    self.act(*developer, "requestAccess", input.clone()).await;
                }
            }
            Step::Decide(one, how) => {
                let id = self.one("accessRequests", one).await;
                let input = if *how == "approve" {
                    json!({ "id": id })
                } else {
                    json!({ "id": id, "reason": reason })
                };
                self.act(admin, &format!("{how}AccessRequest"), input).await;
            }
            Step::Cancel(one) => {
                let input = json!({ "id": self.one("accessRequests", one).await });
                for developer in developers {
                    self.act(*developer, "cancelAccessRequest", input.clone()).await;
                }
            }
            Step::Key(one) => {
                let input = json!({ "appId": self.one("apps", one).await });
                for developer in developers {
                    self.act(*developer, "generateCredential", input.clone()).await;
                }
            }
            Step::Revoke(one) => {
                self.act(
                    admin,
                    "revokeCredential",
                    json!({ "id": self.one("credentials", one).await }),
                )
                .await;
            }
            Step::Developer(one, how) => {
                let id = self.one("developers", one).await;
                let input = if *how == "approve" {
                    json!({ "id": id })
                } else {
                    json!({ "id": id, "reason": reason })
                };
                self.act(admin, &format!("{how}Developer"), input).await;
            }
            Step::Strategy(one) => {
                let input =
                    json!({ "id": self.one("authStrategies", one).await, "name": format!("Strategy {number}") });
                self.act(admin, "updateKeyAuthStrategy", input).await;
            }
        }
    }

    /// The developers as access tokens would tell of them now.
    async fn developers(&self, ids: &[DeveloperId]) -> Vec<Viewer> {
        let rows = developer::Entity::find()
            .all(self.fixture.plane.database.read())
            .await
            .unwrap();
        let viewer = |id: &DeveloperId| {
            let row = rows.iter().find(|row| row.id == id.uuid()).unwrap();
            Viewer::Developer {
                id: *id,
                status: row.status.into(),
            }
        };
        ids.iter().map(viewer).collect()
    }
}

fn collect_ids(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(id) if name == "id" => ids.push(id.clone()),
                    value => collect_ids(value, ids),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect_ids(value, ids)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Any sequence of changes and questions by several viewers: what the cache answers is what the database does.
#[test]
fn kept_answers_equal_executed_ones_whatever_happens() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 4,
        max_shrink_iters: 40,
        ..ProptestConfig::default()
    });
    let steps = prop::collection::vec(step(), 10..25);
    let kept = std::cell::Cell::new(0);
    let held = runner.run(&steps, |steps| {
        runtime.block_on(async {
            let scene = Scene::new().await;
            let ids = [
                scene.fixture.developer("a@example.com").await,
                scene.fixture.developer("b@example.com").await,
            ];
            for name in ["One", "Two"] {
                let product = scene
                    .make(scene.fixture.admin, "createProduct", "product", json!({ "name": name }))
                    .await;
                let version = json!({ "productId": product, "name": "v1" });
                let version = scene
                    .make(scene.fixture.admin, "createVersion", "version", version)
                    .await;
                scene
                    .act(scene.fixture.admin, "publishProduct", json!({ "id": product }))
                    .await;
                scene
                    .act(
                        scene.fixture.admin,
                        "enableRegistration",
                        json!({ "versionId": version, "autoApprove": true }),
                    )
                    .await;
            }
            for (number, step) in steps.iter().enumerate() {
                let developers = scene.developers(&ids).await;
                scene.perform(step, &developers, number).await;
                let mut viewers = scene.developers(&ids).await;
                viewers.extend([scene.fixture.admin, Viewer::Anonymous]);
                for viewer in viewers {
                    for document in ASKED {
                        let (answer, was_kept) = scene.ask(viewer, document).await;
                        if was_kept {
                            kept.set(kept.get() + 1);
                            let executed = scene.fixture.execute(viewer, document, json!({})).await;
                            prop_assert_eq!(&answer["data"], &executed["data"], "{:?} after {:?}", viewer, step);
                        }
                    }
                }
            }
            Ok(())
        })
    });
    held.unwrap();
    assert!(kept.get() > 100, "the property is about kept answers: {}", kept.get());
}
