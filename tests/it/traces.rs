//! Traces, as a collector receives them from a server in a process of its own.

use std::{
    process::{Command, Stdio},
    sync::Arc,
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;
use tokio::{net::TcpListener, sync::Mutex};

use crate::process;

/// A collector that keeps what it gets.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

impl Collector {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route("/v1/traces", post(receive))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        format!("http://{address}")
    }
}

async fn receive(State(collector): State<Collector>, body: Bytes) -> StatusCode {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    collector.0.lock().await.push(request);
    StatusCode::OK
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<Value> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.clone()?.value
}

fn text(value: &str) -> Option<Value> {
    Some(Value::StringValue(value.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_both_planes_reach_the_collector() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";
    let collector = Collector::default();
    let endpoint = collector.start().await;
    let directory = tempfile::tempdir().unwrap();
    let mut command: Command = process::command(directory.path());
    command
        .args([
            "--listen",
            "127.0.0.1:0",
            "--gateway-listen",
            "127.0.0.1:0",
            "--log",
            "warn",
        ])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_SERVICE_NAME", "portico-in-a-test")
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    let mut server = command.spawn().unwrap();
    let addresses = directory.path().join("addresses.json");
    while !addresses.exists() {
        assert!(server.try_wait().unwrap().is_none(), "the server ended");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let addresses: serde_json::Value = serde_json::from_slice(&std::fs::read(addresses).unwrap()).unwrap();
    let at = |name: &str| format!("http://{}", addresses[name].as_str().unwrap());
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let http = reqwest::Client::new();
    let asked = http
        .post(format!("{}/graphql", at("listen")))
        .header("traceparent", &traceparent)
        .json(&serde_json::json!({ "query": "query Who { viewer { __typename } }", "operationName": "Who" }));
    assert_eq!(asked.send().await.unwrap().status(), 200);
    let called = http
        .get(format!("{}/nothing?token=secret-in-the-query", at("gateway_listen")))
        .header("traceparent", &traceparent)
        .header("apikey", "secret-in-a-header");
    assert_eq!(called.send().await.unwrap().status(), 404);
    let ended = Command::new("kill").args(["-TERM", &server.id().to_string()]).status();
    assert!(ended.unwrap().success());
    let status = tokio::task::spawn_blocking(move || server.wait().unwrap())
        .await
        .unwrap();
    assert!(status.success(), "{status}");

    let received = collector.0.lock().await;
    assert!(!format!("{received:?}").contains("secret-in"), "{received:?}");
    let resources = received.iter().flat_map(|request| &request.resource_spans);
    let mut spans: Vec<&Span> = Vec::new();
    for resource in resources {
        let attributes = &resource.resource.as_ref().unwrap().attributes;
        assert_eq!(attribute(attributes, "service.name"), text("portico-in-a-test"));
        spans.extend(resource.scope_spans.iter().flat_map(|scope| &scope.spans));
    }
    let span = |name: &str| {
        let found = spans
            .iter()
            .find(|span| span.name == name && hex(&span.trace_id) == TRACE);
        *found.unwrap_or_else(|| panic!("no {name} of the caller's trace in {spans:#?}"))
    };
    let request = span("request");
    assert_eq!(hex(&request.parent_span_id), PARENT);
    assert_eq!(attribute(&request.attributes, "operation"), text("Who"));
    assert_eq!(
        attribute(&request.attributes, "http.response.status_code"),
        Some(Value::IntValue(200))
    );
    let call = span("gateway call");
    assert_eq!(hex(&call.parent_span_id), PARENT);
    assert_eq!(attribute(&call.attributes, "url.path"), text("/nothing"));
    assert_eq!(
        attribute(&call.attributes, "http.response.status_code"),
        Some(Value::IntValue(404))
    );
    assert!(call.end_time_unix_nano > call.start_time_unix_nano);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
