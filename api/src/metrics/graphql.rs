//! GraphQL operations, counted by type and by what came of them.

use std::{sync::Arc, time::Duration};

use async_graphql::{Response, Value, parser::types::OperationType};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "the labels are these names")]
pub enum Outcome {
    /// Data, and no error.
    ok,
    /// A mutation was refused by a rule: `userErrors`.
    user_error,
    /// Data is missing: there are top-level errors.
    error,
    /// The request was not executed: malformed, over a limit, without a good token, or out of time.
    refused,
    /// The request was not executed: its caller has spent too much lately.
    rate_limited,
}

impl Outcome {
    /// What came of a request that was executed.
    #[must_use]
    pub fn of(response: &Response) -> Self {
        if response.is_err() {
            return Self::error;
        }
        let Value::Object(data) = &response.data else {
            return Self::ok;
        };
        let is_refused = data.values().any(|payload| {
            matches!(payload, Value::Object(payload)
                if matches!(payload.get("userErrors"), Some(Value::List(errors)) if !errors.is_empty()))
        });
        if is_refused { Self::user_error } else { Self::ok }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "the labels are these names")]
enum Type {
    query,
    mutation,
    subscription,
    /// Refused before it was known.
    unknown,
}

impl From<Option<OperationType>> for Type {
    fn from(kind: Option<OperationType>) -> Self {
        match kind {
            Some(OperationType::Query) => Self::query,
            Some(OperationType::Mutation) => Self::mutation,
            Some(OperationType::Subscription) => Self::subscription,
            None => Self::unknown,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    r#type: Type,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabel {
    r#type: Type,
}

/// Counters of one endpoint. Cloning shares them.
#[derive(Clone, Debug)]
pub struct GraphqlMetrics(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    operations: Family<OperationLabels, Counter>,
    durations: Family<TypeLabel, Histogram, fn() -> Histogram>,
}

/// In seconds.
const BOUNDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

impl Default for GraphqlMetrics {
    fn default() -> Self {
        Self(Arc::new(Counted {
            operations: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
        }))
    }
}

impl GraphqlMetrics {
    /// A request was answered. `kind` is `None` when it was refused before that was known.
    pub fn answered(&self, kind: Option<OperationType>, outcome: Outcome, took: Duration) {
        let r#type = Type::from(kind);
        let labels = OperationLabels { r#type, outcome };
        self.0.operations.get_or_create(&labels).inc();
        let label = TypeLabel { r#type };
        self.0.durations.get_or_create(&label).observe(took.as_secs_f64());
    }

    /// Shows them to whoever scrapes the registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "portico_graphql_operations",
            "Requests to /graphql, by type of operation and by what came of them",
            self.0.operations.clone(),
        );
        registry.register(
            "portico_graphql_operation_duration_seconds",
            "Time from a request's head to its answer",
            self.0.durations.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ServerError, value};

    use super::*;

    #[test]
    fn what_came_of_a_request_is_read_off_its_answer() {
        let of = |data: Value| Outcome::of(&Response::new(data));
        assert_eq!(of(value!({ "viewer": null })), Outcome::ok);
        assert_eq!(of(value!({ "createApp": { "userErrors": [] } })), Outcome::ok);
        let refused = value!({ "one": { "userErrors": [] }, "createApp": { "userErrors": [{ "code": "TAKEN" }] } });
        assert_eq!(of(refused), Outcome::user_error);
        let failed = Response::from_errors(vec![ServerError::new("failed", None)]);
        assert_eq!(Outcome::of(&failed), Outcome::error);
    }
}
