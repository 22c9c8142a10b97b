//! Someone who calls the API without the SDK, and what they are answered.

use portico_sdk::Portico;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    graphql::code,
    live::{EventStream, StreamEvent},
    server::TestServer,
};

/// Who calls; without a token: anyone.
pub struct Caller {
    /// What failures call them.
    pub name: &'static str,
    http: reqwest::Client,
    endpoint: String,
    token: Option<String>,
}

impl Caller {
    /// Somebody who is not signed in.
    pub fn anonymous(server: &TestServer) -> Self {
        Self::with_token(server, "anonymous", None)
    }

    /// Whoever is signed in with the client.
    pub fn of(server: &TestServer, name: &'static str, client: &Portico) -> Self {
        let token = client.tokens().unwrap().access_token.expose_secret().to_owned();
        Self::with_token(server, name, Some(token))
    }

    /// Who sends this access token, whatever it is worth.
    pub fn with_token(server: &TestServer, name: &'static str, token: Option<String>) -> Self {
        Self {
            name,
            http: reqwest::Client::new(),
            endpoint: server.endpoint(),
            token,
        }
    }

    /// A POST to the API with their token; the body is still to be set.
    pub fn request(&self) -> reqwest::RequestBuilder {
        let request = self.http.post(&self.endpoint);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Posts a document and returns the answer's body.
    pub async fn post(&self, document: &str, variables: Value) -> Value {
        let body = json!({ "query": document, "variables": variables });
        let answer = self.request().json(&body).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// What subscribing on this server comes to: `ok` when it has begun, `!CODE` when it is refused.
    pub async fn subscribe(&self, server: &TestServer, document: &str) -> String {
        let answer = EventStream::post(server, self.token.as_deref(), document, json!({})).await;
        if answer.status() != 200 {
            return outcome(&answer.json().await.unwrap(), "");
        }
        match EventStream::of(answer).event().await {
            StreamEvent::KeepAlive => "ok".to_owned(),
            StreamEvent::Next(answer) => outcome(&answer, ""),
            other @ (StreamEvent::Complete | StreamEvent::Cut) => format!("{other:?}"),
        }
    }

    /// Calls a mutation by the contract's rule for names (`createApp(input: CreateAppInput!)`), asking for
    /// `selection` besides the user errors.
    pub async fn mutate(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let (initial, rest) = mutation.split_at(1);
        let document = format!(
            "mutation($input: {}{rest}Input!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ code field message }} }} }}",
            initial.to_ascii_uppercase()
        );
        self.post(&document, json!({ "input": input })).await
    }

    /// What a mutation that must succeed answers.
    pub async fn done(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let mut answer = self.mutate(mutation, selection, input).await;
        assert_eq!(
            outcome(&answer, mutation),
            "ok",
            "{mutation} by {}: {answer}",
            self.name
        );
        answer["data"][mutation].take()
    }

    /// What a mutation that must be refused is refused with: `CODE field` of each user error, or `!CODE`.
    pub async fn refused(&self, mutation: &str, input: Value) -> Vec<String> {
        let answer = self.mutate(mutation, "", input).await;
        if let Some(code) = code(&answer) {
            return vec![format!("!{code}")];
        }
        let errors = answer["data"][mutation]["userErrors"].as_array().unwrap();
        for error in errors {
            let message = error["message"].as_str().unwrap();
            assert!(message.len() > 10 && message.ends_with('.'), "{mutation}: {message:?}");
        }
        errors
            .iter()
            .map(|error| {
                let field: Vec<&str> = error["field"]
                    .as_array()
                    .map(|path| path.iter().filter_map(Value::as_str).collect())
                    .unwrap_or_default();
                format!("{} {}", error["code"].as_str().unwrap(), field.join("."))
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }
}

/// What an answer says about its root field: `!CODE` of a top-level error, the codes of user errors, `null`, `empty`
/// for a list without items, else `ok`.
pub fn outcome(answer: &Value, field: &str) -> String {
    if let Some(code) = code(answer) {
        return format!("!{code}");
    }
    assert_eq!(answer.get("errors"), None, "an error without a code");
    let value = &answer["data"][field];
    if let Some(errors) = value["userErrors"].as_array().filter(|errors| !errors.is_empty()) {
        let mut codes: Vec<&str> = errors.iter().map(|error| error["code"].as_str().unwrap()).collect();
        codes.dedup();
        return codes.join(",");
    }
    let is_empty = |list: &Value| list.as_array().is_some_and(|items| items.iter().all(Value::is_null));
    if value.is_null() {
        "null".to_owned()
    } else if is_empty(value) || is_empty(&value["nodes"]) {
        "empty".to_owned()
    } else {
        "ok".to_owned()
    }
}
