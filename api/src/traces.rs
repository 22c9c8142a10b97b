//! Traces: what took how long, sent to a collector by OTLP over HTTP when one is configured.
//!
//! Configured by OpenTelemetry's own variables, as every other program is: `OTEL_EXPORTER_OTLP_ENDPOINT` (or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) turns it on; `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
//! `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER` and the rest are read by the SDK.

use std::time::SystemTime;

use gateway::{AnsweredCall, CallObserver};
use opentelemetry::{
    Context, KeyValue, global,
    trace::{Span as _, SpanKind, Tracer as _, TracerProvider as _},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// The variables any one of which turns traces on.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// The sender of spans. Without [`Traces::stop`] the last ones are lost.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Starts to send, if a collector is configured.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn from_environment() -> Result<Option<Self>, ExporterBuildError> {
        let is_set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
        if !ENDPOINTS.iter().any(|name| is_set(name)) {
            return Ok(None);
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .build()?;
        let mut resource = Resource::builder();
        if !is_set("OTEL_SERVICE_NAME") {
            resource = resource.with_service_name("portico");
        }
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.with_attribute(version).build())
            .build();
        global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Some(Self { provider }))
    }

    /// Sends the spans of this process's own code: of requests to the API, and what is in them.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let ours = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("portico"));
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("portico"))
            .with_location(false)
            .with_threads(false)
            .with_filter(ours)
    }

    /// Sends a span for each call that the gateway answers.
    #[must_use]
    pub fn of_calls(&self) -> CallTraces {
        CallTraces(self.provider.tracer("portico-gateway"))
    }

    /// Sends what is left. Blocks for up to some seconds when the collector is away.
    pub fn stop(self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Joins the span to the caller's trace, if the request names one (W3C Trace Context).
pub(crate) fn join(span: &tracing::Span, headers: &http::HeaderMap) {
    // Whether there is a layer to tell is nothing to fail a request for.
    let _ = span.set_parent(parent(headers));
}

/// Notes on the span how its request was answered.
pub(crate) fn answered(span: &tracing::Span, status: http::StatusCode) {
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
}

fn parent(headers: &http::HeaderMap) -> Context {
    global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(headers)))
}

/// Makes the spans of the gateway's calls.
#[derive(Clone, Debug)]
pub struct CallTraces(SdkTracer);

impl CallObserver for CallTraces {
    fn answered(&self, call: &AnsweredCall<'_>) {
        let ended = SystemTime::now();
        let began = ended.checked_sub(call.took).unwrap_or(ended);
        let mut headers = http::HeaderMap::new();
        for (name, value) in call.trace_context {
            headers.insert(name.clone(), value.clone());
        }
        let mut span = self
            .0
            .span_builder("gateway call")
            .with_kind(SpanKind::Server)
            .with_start_time(began)
            .with_attributes([
                KeyValue::new("http.request.method", call.method.to_string()),
                KeyValue::new("url.path", call.path.to_owned()),
                KeyValue::new("http.response.status_code", i64::from(call.status.as_u16())),
                KeyValue::new("portico.request_id", call.request_id.to_owned()),
            ])
            .start_with_context(&self.0, &parent(&headers));
        span.end_with_timestamp(ended);
    }
}
