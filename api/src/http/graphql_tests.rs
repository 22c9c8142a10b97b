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

use super::{AuthenticationFailed, GraphqlCall, GraphqlService, GraphqlSettings, QueryLimits, router};

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

struct Query;

#[Object]
impl Query {
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
        Err(async_graphql::Error::new("no").extend_with(|_, extensions| extensions.set("code", "FORBIDDEN")))
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

    fn body_limit(&self, caller: &Caller) -> usize {
        if *caller == Caller::Admin { 600 } else { 300 }
    }

    async fn execute(&self, call: GraphqlCall<Caller>) -> async_graphql::Response {
        self.0.execute(call.request.data(call.caller)).await
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
        limits,
        timeout,
        executions: executions.clone(),
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

#[tokio::test]
async fn answers_in_the_accepted_media_type() {
    for (accept, content_type) in [(JSON, JSON), (GRAPHQL, GRAPHQL), ("*/*", JSON)] {
        let answer = query_as(accept, json!({ "query": "{ caller }" })).await;
        answer.assert_data(&json!({ "caller": "Nobody" }));
        assert_eq!(answer.header("content-type"), format!("{content_type}; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("vary"), "accept");
    }
    let answer = query_as("text/html", json!({ "query": "{ caller }" })).await;
    answer.assert_refused(406, "BAD_USER_INPUT");
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
}

#[tokio::test]
async fn takes_json_only() {
    let body = json!({ "query": "{ caller }" }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json+x",
        "application/json; charset=iso-8859-1",
        "no media type",
        "",
    ] {
        let answer = send(post(&[("content-type", content_type)], body.clone())).await;
        answer.assert_refused(415, "BAD_USER_INPUT");
    }
    send(post(&[], body.clone()))
        .await
        .assert_refused(415, "BAD_USER_INPUT");
    let twice = [("content-type", JSON), ("content-type", JSON)];
    send(post(&twice, body.clone()))
        .await
        .assert_refused(415, "BAD_USER_INPUT");
    let encoded = [("content-type", JSON), ("content-encoding", "gzip")];
    send(post(&encoded, body.clone()))
        .await
        .assert_refused(415, "BAD_USER_INPUT");
    for content_type in [
        JSON,
        "application/json; charset=utf-8",
        "Application/JSON;charset=\"UTF-8\"",
    ] {
        send(post(&[("content-type", content_type)], body.clone()))
            .await
            .assert_data(&json!({ "caller": "Nobody" }));
    }
}

#[tokio::test]
async fn takes_queries_by_get_and_nothing_else() {
    send(get("query=%7B+caller+%7D"))
        .await
        .assert_data(&json!({ "caller": "Nobody" }));
    send(get(
        "query=query+A%28%24v%3AEven%21%29%7Beven%28value%3A%24v%29%7D&variables=%7B%22v%22%3A4%7D&operationName=A",
    ))
    .await
    .assert_data(&json!({ "even": 4 }));
    let answer = send(get("query=mutation%7BcreateApp%7Bdone%7D%7D")).await;
    answer.assert_refused(405, "BAD_USER_INPUT");
    assert_eq!(answer.header("allow"), "POST");
    send(get("")).await.assert_refused(400, "BAD_USER_INPUT");
    send(get("query=%7B")).await.assert_refused(400, "GRAPHQL_PARSE_FAILED");
}

#[tokio::test]
async fn refuses_other_methods() {
    for method in [
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
    ] {
        let request = Request::builder()
            .method(method)
            .uri("/graphql")
            .body(Body::empty())
            .unwrap();
        let answer = send(request).await;
        answer.assert_refused(405, "BAD_USER_INPUT");
        assert_eq!(answer.header("allow"), "GET, POST");
    }
}

#[tokio::test]
async fn refuses_what_is_no_graphql_request() {
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"query":0}"#,
        r#"{"query":"{ caller }","variables":[]}"#,
    ] {
        for accept in [JSON, GRAPHQL] {
            let answer = send(post(&[("content-type", JSON), ("accept", accept)], body)).await;
            answer.assert_refused(400, "BAD_USER_INPUT");
        }
    }
}

#[tokio::test]
async fn a_bad_document_is_400_or_200_by_media_type() {
    for (document, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ missing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ caller { deeper } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($v: Even) { even(value: 2) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...F } fragment F on Query { ...F }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { caller }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { caller } query B { caller }", "BAD_USER_INPUT"),
        ("{ a: caller b: caller c: caller }", "QUERY_TOO_COMPLEX"),
    ] {
        let parameters = json!({ "query": document });
        query_as(GRAPHQL, parameters.clone()).await.assert_refused(400, code);
        query_as(JSON, parameters).await.assert_refused(200, code);
    }
    let unknown = json!({ "query": "query A { caller }", "operationName": "B" });
    query_as(GRAPHQL, unknown).await.assert_refused(400, "BAD_USER_INPUT");
    let located = query("{ caller").await;
    assert!(
        located.body["errors"][0]["locations"][0]["line"].is_number(),
        "{}",
        located.body
    );
}

#[tokio::test]
async fn bad_values_are_the_callers_input() {
    let document = "query($v: Even!) { even(value: $v) }";
    for variables in [json!({ "v": 3 }), json!({ "v": "4" }), json!({ "v": null }), json!({})] {
        let answer = query_as(GRAPHQL, json!({ "query": document, "variables": variables })).await;
        assert_eq!(answer.status, 400, "{variables}: {}", answer.body);
        assert_eq!(answer.body.get("data"), None, "{}", answer.body);
    }
    let missing = query_as(
        GRAPHQL,
        json!({ "query": "mutation($v: Int!) { createApp { done } even(value: $v) }" }),
    )
    .await;
    missing.assert_refused(400, "BAD_USER_INPUT");
    query("query($v: Even! = 4) { even(value: $v) }")
        .await
        .assert_data(&json!({ "even": 4 }));
    query("{ even(value: 3) }").await.assert_refused(400, "BAD_USER_INPUT");
    let late = query("{ odd(value: 2) }").await;
    assert_eq!(late.status, 200);
    assert_eq!(
        late.body["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
        "{}",
        late.body
    );
    assert_eq!(late.body["errors"][0]["path"], json!(["odd"]));
}

#[tokio::test]
async fn errors_of_the_execution_keep_data_and_get_codes() {
    let coded = query("{ coded }").await;
    assert_eq!(coded.status, 200);
    assert_eq!(coded.body["data"], Json::Null);
    assert!(
        coded.body.as_object().unwrap().contains_key("data"),
        "execution began, so data is there"
    );
    assert_eq!(coded.body["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let uncoded = query("{ uncoded caller }").await;
    assert_eq!(uncoded.body["data"], json!({ "uncoded": null, "caller": "Nobody" }));
    assert_eq!(uncoded.body["errors"][0]["extensions"]["code"], "INTERNAL");
    assert!(
        !uncoded.body.to_string().contains("hunter2"),
        "the reason stays in the log"
    );
}

#[tokio::test]
async fn a_crash_is_an_internal_error() {
    query("{ crash }").await.assert_refused(500, "INTERNAL");
}

#[tokio::test]
async fn tells_what_a_query_cost() {
    let answer = query("{ caller __typename }").await;
    assert_eq!(
        answer.body["extensions"]["cost"],
        json!({ "cost": 2, "limit": 3000, "depth": 1 })
    );
}

#[tokio::test]
async fn the_body_limit_depends_on_the_caller() {
    let padded = |length: usize| {
        let body = json!({ "query": "{ caller }" }).to_string();
        format!("{}{}", body, " ".repeat(length - body.len()))
    };
    let sized = |length: usize, token: Option<&'static str>, announced: bool| {
        let body = if announced {
            Body::from(padded(length))
        } else {
            Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(padded(length))]))
        };
        let mut request = post(&[("content-type", JSON)], body);
        if announced {
            request.headers_mut().insert("content-length", length.into());
        }
        if let Some(token) = token {
            request.headers_mut().insert("authorization", token.parse().unwrap());
        }
        send(request)
    };
    for announced in [true, false] {
        assert_eq!(sized(300, None, announced).await.status, 200);
        sized(301, None, announced).await.assert_refused(413, "BAD_USER_INPUT");
        assert_eq!(sized(600, Some("Bearer admin"), announced).await.status, 200);
        sized(601, Some("Bearer admin"), announced)
            .await
            .assert_refused(413, "BAD_USER_INPUT");
        sized(301, Some("Bearer forged"), announced)
            .await
            .assert_refused(413, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let broken = futures_util::stream::iter([Ok("{"), Err(std::io::Error::other("reset"))]);
    send(post(&[("content-type", JSON)], Body::from_stream(broken)))
        .await
        .assert_refused(400, "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_bad_token_refuses_the_whole_request() {
    with_token("Bearer admin", "{ caller }")
        .await
        .assert_data(&json!({ "caller": "Admin" }));
    for token in ["Bearer forged", "Bearer", "Basic admin", ""] {
        for document in ["{ caller }", "mutation { createApp { done } signIn { done } }"] {
            let answer = with_token(token, document).await;
            answer.assert_refused(401, "UNAUTHENTICATED");
            assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
        }
    }
    with_token("Bearer unchecked", "{ caller }")
        .await
        .assert_refused(503, "UNAVAILABLE");
}

#[tokio::test]
async fn a_bad_token_does_not_keep_anyone_from_signing_in() {
    for token in ["Bearer forged", "Basic admin", "Bearer unchecked"] {
        with_token(token, "mutation { signIn { done } }")
            .await
            .assert_data(&json!({ "signIn": { "done": true } }));
    }
}

#[tokio::test]
async fn the_standard_introspection_passes() {
    let document = include_str!("standard_introspection.graphql");
    let query_string = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("query", document)
        .finish();
    let answer = send(get(&query_string)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body.get("errors"), None);
    assert_eq!(
        answer.body["extensions"]["cost"]["depth"], 15,
        "the deepest that DESIGN allows"
    );
}

#[tokio::test]
async fn a_query_ends_when_its_time_is_up() {
    let endpoint = endpoint_with(Duration::from_millis(20));
    let request = post(&[("content-type", JSON)], json!({ "query": "{ wait }" }).to_string());
    let answer = Answer::of(endpoint.router.oneshot(request).await.unwrap()).await;
    answer.assert_refused(504, "TIMEOUT");
    endpoint.executions.close();
    endpoint.executions.wait().await;
    assert_eq!(endpoint.gate.ended.available_permits(), 0, "it was stopped");
}

#[tokio::test]
async fn a_mutation_goes_on_when_its_time_is_up() {
    let endpoint = endpoint_with(Duration::from_millis(20));
    let request = post(
        &[("content-type", JSON)],
        json!({ "query": "mutation { wait }" }).to_string(),
    );
    let answer = Answer::of(endpoint.router.oneshot(request).await.unwrap()).await;
    answer.assert_refused(504, "TIMEOUT");
    endpoint.gate.open.add_permits(1);
    endpoint.executions.close();
    endpoint.executions.wait().await;
    assert_eq!(endpoint.gate.ended.available_permits(), 1);
}

#[tokio::test]
async fn a_mutation_goes_on_when_its_client_leaves_and_a_query_does_not() {
    for (document, ends) in [("mutation { wait }", 1), ("query { wait }", 0)] {
        let endpoint = endpoint_with(Duration::from_secs(60));
        let request = post(&[("content-type", JSON)], json!({ "query": document }).to_string());
        let connection = tokio::spawn(endpoint.router.oneshot(request));
        endpoint.gate.begun.acquire().await.unwrap().forget();
        connection.abort();
        assert!(connection.await.unwrap_err().is_cancelled());
        endpoint.gate.open.add_permits(1);
        endpoint.executions.close();
        endpoint.executions.wait().await;
        assert_eq!(endpoint.gate.ended.available_permits(), ends, "{document}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let body = Body::from_stream(futures_util::stream::pending::<Result<String, std::io::Error>>());
    let request = post(&[("content-type", JSON)], body);
    let response = endpoint_with(Duration::from_millis(20))
        .router
        .oneshot(request)
        .await
        .unwrap();
    Answer::of(response).await.assert_refused(408, "TIMEOUT");
}
