//! Who wants to know of each answered call, such as a sender of traces.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// Is told of each call once its response's head is there.
pub trait CallObserver: fmt::Debug + Send + Sync + 'static {
    /// A call was answered. Runs on the request path, so must not block.
    fn answered(&self, call: &AnsweredCall<'_>);
}

/// A call as an observer sees it: no query, no other header, no key.
#[derive(Clone, Copy, Debug)]
pub struct AnsweredCall<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path as it came, without the query.
    pub path: &'a str,
    /// The answer's status.
    pub status: StatusCode,
    /// From the request's head to the response's.
    pub took: Duration,
    /// The id under which it is logged.
    pub request_id: &'a str,
    /// The trace that the client named: its `traceparent` and `tracestate` headers.
    pub trace_context: &'a [(HeaderName, HeaderValue)],
}

/// The observer, if there is one. Cloning shares it.
pub type Observer = Option<Arc<dyn CallObserver>>;

const TRACE_CONTEXT: [HeaderName; 2] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// What an observer is told of the client's trace; nothing when nobody asks.
pub(crate) fn trace_context(observer: &Observer, headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    if observer.is_none() {
        return Vec::new();
    }
    let named = TRACE_CONTEXT.into_iter();
    named
        .filter_map(|name| headers.get(&name).cloned().map(|value| (name, value)))
        .collect()
}
