use std::{sync::Arc, time::Duration};

use async_graphql::{
    EmptySubscription, ErrorExtensions as _, InputValueError, InputValueResult, Object, Scalar, ScalarType, Schema,
    SimpleObject, Value,
};
use axum::{Router, body::Body, response::Response};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::{
    Asker, AuthenticationFailed, BodyLimits, Budgets, Executed, GraphqlCall, GraphqlService, GraphqlSettings, Payer,
    Preparation, router,
};
use crate::{
    answer_cache::{Found, RequestDigest},
    http::query_cost::QueryLimits,
    metrics::GraphqlMetrics,
};

#[path = "graphql_tests/execution.rs"]
mod execution;
#[path = "graphql_tests/nulls.rs"]
mod nulls;
#[path = "graphql_tests/requests.rs"]
mod requests;

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

#[derive(Clone, PartialEq, Eq, Debug)]
enum Caller {
    Nobody,
    Admin,
}

/// A scalar whose bad values validation refuses.
struct Even(i64);

#[Scalar]
impl ScalarType for Even {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) if Self::is_valid(&value) => Ok(Self(number.as_i64().unwrap())),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Number(number) if number.as_i64().is_some_and(|number| number % 2 == 0))
    }

    fn to_value(&self) -> Value {
        self.0.into()
    }
}

/// A scalar whose bad values are only found when a resolver reads its argument.
struct Odd(i64);

#[Scalar]
impl ScalarType for Odd {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) if number.as_i64().is_some_and(|number| number % 2 == 1) => {
                Ok(Self(number.as_i64().unwrap()))
            }
            _ => Err(InputValueError::custom("is even")),
        }
    }

    fn to_value(&self) -> Value {
        self.0.into()
    }
}

#[derive(SimpleObject)]
struct Payload {
    done: bool,
}

/// Fields that fail, and those that hold them.
struct Tree;

fn forbidden() -> async_graphql::Error {
    async_graphql::Error::new("no").extend_with(|_, extensions| extensions.set("code", "FORBIDDEN"))
}

#[Object]
impl Tree {
    async fn fine(&self) -> i32 {
        1
    }
    async fn must(&self, context: &async_graphql::Context<'_>) -> async_graphql::Result<i32> {
        Err(crate::graphql::error::with_path(context, forbidden()))
    }
    async fn maybe(&self) -> Option<async_graphql::Result<i32>> {
        Some(Err(forbidden()))
    }
    async fn tree(&self) -> Tree {
        Self
    }
    async fn maybe_tree(&self) -> Option<Tree> {
        Some(Self)
    }
    async fn trees(&self) -> Vec<Tree> {
        vec![Self, Self]
    }
    async fn maybe_trees(&self) -> Vec<Option<Tree>> {
        vec![Some(Self), Some(Self)]
    }
}

struct Query;

#[Object]
impl Query {
    async fn tree(&self) -> Tree {
        Tree
    }
    async fn maybe_tree(&self) -> Option<Tree> {
        Some(Tree)
    }
    async fn caller(&self, context: &async_graphql::Context<'_>) -> String {
        format!("{:?}", context.data_unchecked::<Caller>())
    }
    async fn even(&self, value: Even) -> i64 {
        value.0
    }
    async fn odd(&self, value: Odd) -> i64 {
        value.0
    }
    async fn coded(&self) -> async_graphql::Result<bool> {
        Err(forbidden())
    }
    async fn uncoded(&self) -> Option<async_graphql::Result<bool>> {
        Some(Err(async_graphql::Error::new("password hunter2 did not match")))
    }
    async fn crash(&self) -> bool {
        "no boolean".parse().expect("a fault in a resolver")
    }
    async fn wait(&self, context: &async_graphql::Context<'_>) -> bool {
        wait(context).await
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn sign_in(&self, context: &async_graphql::Context<'_>) -> Payload {
        assert_eq!(*context.data_unchecked::<Caller>(), Caller::Nobody);
        Payload { done: true }
    }
    async fn create_app(&self) -> Payload {
        Payload { done: true }
    }
    async fn wait(&self, context: &async_graphql::Context<'_>) -> bool {
        wait(context).await
    }
}

/// Says that it has begun, waits to be let go, says that it has ended.
struct Gate {
    begun: Semaphore,
    open: Semaphore,
    ended: Semaphore,
}

async fn wait(context: &async_graphql::Context<'_>) -> bool {
    let gate = context.data_unchecked::<Arc<Gate>>();
    gate.begun.add_permits(1);
    gate.open.acquire().await.unwrap().forget();
    gate.ended.add_permits(1);
    true
}

#[derive(Clone)]
struct Service(Schema<Query, Mutation, EmptySubscription>);

impl GraphqlService for Service {
    type Caller = Caller;

    fn anonymous(&self) -> Caller {
        Caller::Nobody
    }

    async fn authenticate(&self, access_token: &str) -> Result<Caller, AuthenticationFailed> {
        match access_token {
            "admin" => Ok(Caller::Admin),
            "unchecked" => Err(AuthenticationFailed::Unavailable),
            _ => Err(AuthenticationFailed::Rejected),
        }
    }

    fn asker(&self, caller: &Caller) -> Asker {
        match caller {
            Caller::Nobody => Asker::Stranger,
            Caller::Admin => Asker::Admin,
        }
    }

    fn payer(&self, _: &Caller, _: Option<std::net::IpAddr>) -> Payer {
        Payer::Address(None)
    }

    async fn recall(&self, _: &Caller, request: RequestDigest) -> Found {
        Found::Nothing(request.into())
    }

    async fn execute(&self, call: GraphqlCall<Caller>) -> Executed {
        Executed {
            response: self.0.execute(call.request.data(call.caller)).await,
            pending: None,
        }
    }
}

struct Endpoint {
    router: Router,
    gate: Arc<Gate>,
    executions: TaskTracker,
}

fn endpoint_with(timeout: Duration) -> Endpoint {
    let gate = Arc::new(Gate {
        begun: Semaphore::new(0),
        open: Semaphore::new(0),
        ended: Semaphore::new(0),
    });
    let schema = Schema::build(Query, Mutation, EmptySubscription)
        .data(gate.clone())
        .finish();
    let limits = QueryLimits {
        tokens: 1000,
        depth: 15,
        cost: 3000,
        aliases: 2,
        directives: 2,
        variable_values: 1000,
    };
    let executions = TaskTracker::new();
    let settings = GraphqlSettings {
        preparation: Preparation {
            limits,
            ..Preparation::default()
        },
        budgets: Budgets::unlimited(),
        body_limits: BodyLimits {
            admins: 600,
            others: 300,
        },
        public_max_age: None,
        timeout,
        executions: executions.clone(),
        metrics: GraphqlMetrics::default(),
    };
    Endpoint {
        router: router(Service(schema), settings),
        gate,
        executions,
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Json,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = if body.is_empty() {
            Json::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// Checks that the request was refused as a whole: no data, one coded error with the request's id.
    #[track_caller]
    fn assert_refused(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body.get("data"), None, "{}", self.body);
        assert_eq!(self.body["errors"][0]["extensions"]["code"], code, "{}", self.body);
        let request_id = self.body["errors"][0]["extensions"]["requestId"].as_str().unwrap();
        assert!(!request_id.is_empty());
        assert!(!self.body["errors"][0]["message"].as_str().unwrap().is_empty());
        assert!(self.body["errors"][0].get("path").is_none());
    }

    #[track_caller]
    fn assert_data(&self, data: &Json) {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.body.get("errors"), None, "{}", self.body);
        assert_eq!(self.body["data"], *data);
    }
}

async fn send(request: Request<Body>) -> Answer {
    Answer::of(
        endpoint_with(Duration::from_secs(60))
            .router
            .oneshot(request)
            .await
            .unwrap(),
    )
    .await
}

fn post(headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post("/graphql");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

async fn query_as(accept: &str, parameters: Json) -> Answer {
    send(post(
        &[("content-type", JSON), ("accept", accept)],
        parameters.to_string(),
    ))
    .await
}

async fn query(document: &str) -> Answer {
    query_as(GRAPHQL, json!({ "query": document })).await
}

async fn with_token(token: &str, document: &str) -> Answer {
    let headers = [("content-type", JSON), ("accept", GRAPHQL), ("authorization", token)];
    send(post(&headers, json!({ "query": document }).to_string())).await
}

fn get(query_string: &str) -> Request<Body> {
    Request::get(format!("/graphql?{query_string}"))
        .header("accept", GRAPHQL)
        .body(Body::empty())
        .unwrap()
}
