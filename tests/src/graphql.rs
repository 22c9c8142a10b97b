//! GraphQL without the SDK: for what the SDK would never send.

use serde_json::{Value, json};

/// Posts a document and returns the answer's body.
pub async fn post(endpoint: &str, token: Option<&str>, query: &str, variables: Value) -> Value {
    let mut request = reqwest::Client::new()
        .post(endpoint)
        .json(&json!({ "query": query, "variables": variables }));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    answer.json().await.unwrap()
}

/// The `extensions.code` of the answer's first top-level error.
pub fn code(answer: &Value) -> Option<&str> {
    answer["errors"][0]["extensions"]["code"].as_str()
}
