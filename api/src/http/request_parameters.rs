//! The parameters of a GraphQL request, from a POST's JSON or a GET's query string
//! (GraphQL over HTTP, "Request Parameters").

use async_graphql::Variables;
use serde_json::{Map, Value};

/// What a client asks for.
#[derive(Debug, Default)]
pub struct RequestParameters {
    /// The document.
    pub query: String,
    /// Which of the document's operations to execute.
    pub operation_name: Option<String>,
    /// The values of the operation's variables.
    pub variables: Variables,
}

/// Why a request has no usable parameters. All of them are answered with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadParameters {
    /// The body is not JSON.
    #[error("The body is not JSON. Send an object such as {{\"query\": \"{{ portal {{ name }} }}\"}}.")]
    NotJson,
    /// The body is a list of requests.
    #[error("Several requests in one are not supported. Send them one by one.")]
    Batch,
    /// The body is JSON but not an object.
    #[error("The body is not a JSON object. Send one such as {{\"query\": \"{{ portal {{ name }} }}\"}}.")]
    NotAnObject,
    /// There is no document.
    #[error("`query` is missing. It holds the GraphQL document.")]
    QueryMissing,
    /// A parameter has the wrong type.
    #[error("`{name}` must be {expected}.")]
    WrongType {
        /// The parameter.
        name: &'static str,
        /// What it should be, in words.
        expected: &'static str,
    },
    /// A parameter of the query string comes twice.
    #[error("`{name}` is given more than once.")]
    Repeated {
        /// The parameter.
        name: &'static str,
    },
}

/// Reads the body of a POST.
///
/// Members that the specification does not know are left alone.
///
/// # Errors
/// [`BadParameters`] says what is wrong with the body.
pub fn from_json(body: &[u8]) -> Result<RequestParameters, BadParameters> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => from_members(members),
        Ok(Value::Array(_)) => Err(BadParameters::Batch),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Err(BadParameters::NotAnObject),
        Err(_) => Err(BadParameters::NotJson),
    }
}

/// Reads the query string of a GET; `variables` and `extensions` are JSON in it.
///
/// # Errors
/// [`BadParameters`] says what is wrong with it.
pub fn from_query_string(query_string: &str) -> Result<RequestParameters, BadParameters> {
    let mut members = Map::new();
    for (name, value) in url::form_urlencoded::parse(query_string.as_bytes()) {
        let (name, value) = match &*name {
            "query" => ("query", Value::String(value.into_owned())),
            // An empty form field is no name.
            "operationName" if value.is_empty() => ("operationName", Value::Null),
            "operationName" => ("operationName", Value::String(value.into_owned())),
            "variables" => ("variables", json_object("variables", &value)?),
            "extensions" => ("extensions", json_object("extensions", &value)?),
            _ => continue,
        };
        if members.insert(name.to_owned(), value).is_some() {
            return Err(BadParameters::Repeated { name });
        }
    }
    from_members(members)
}

fn json_object(name: &'static str, text: &str) -> Result<Value, BadParameters> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).map_err(|_| BadParameters::WrongType { name, expected: OBJECT })
}

const OBJECT: &str = "a JSON object or null";

/// Reads the members of a JSON object, as a POST's body and a websocket's message carry them.
///
/// # Errors
/// [`BadParameters`] says what is wrong with them.
pub fn from_members(mut members: Map<String, Value>) -> Result<RequestParameters, BadParameters> {
    let wrong = |name, expected| BadParameters::WrongType { name, expected };
    let query = match members.remove("query") {
        Some(Value::String(query)) => query,
        Some(Value::Null) | None => return Err(BadParameters::QueryMissing),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(wrong("query", "a string"));
        }
    };
    let operation_name = match members.remove("operationName") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Null) | None => None,
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(wrong("operationName", "a string or null"));
        }
    };
    let variables = match members.remove("variables") {
        Some(object @ Value::Object(_)) => Variables::from_json(object),
        Some(Value::Null) | None => Variables::default(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Err(wrong("variables", OBJECT));
        }
    };
    match members.remove("extensions") {
        Some(Value::Object(_) | Value::Null) | None => {}
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Err(wrong("extensions", OBJECT));
        }
    }
    Ok(RequestParameters {
        query,
        operation_name,
        variables,
    })
}

#[cfg(test)]
mod tests {
    use super::{BadParameters, OBJECT, from_json, from_query_string};
    use async_graphql::value;

    #[test]
    fn reads_a_body() {
        let read =
            from_json(br#"{"query": "q", "operationName": "A", "variables": {"a": [1, null]}, "id": 7}"#).unwrap();
        assert_eq!(read.query, "q");
        assert_eq!(read.operation_name.as_deref(), Some("A"));
        assert_eq!(read.variables.into_value(), value!({ "a": [1, null] }));
        let nulls =
            from_json(br#"{"query": "", "operationName": null, "variables": null, "extensions": null}"#).unwrap();
        assert_eq!((nulls.query.as_str(), nulls.operation_name), ("", None));
        assert!(nulls.variables.is_empty());
    }

    #[test]
    fn refuses_bodies_of_another_form() {
        let wrong = |name, expected| BadParameters::WrongType { name, expected };
        for (body, expected) in [
            ("", BadParameters::NotJson),
            ("{", BadParameters::NotJson),
            ("query=%7Bportal%7D", BadParameters::NotJson),
            ("[]", BadParameters::Batch),
            (r#"[{"query": "{ a }"}]"#, BadParameters::Batch),
            ("null", BadParameters::NotAnObject),
            ("\"{ a }\"", BadParameters::NotAnObject),
            ("{}", BadParameters::QueryMissing),
            (r#"{"query": null}"#, BadParameters::QueryMissing),
            (r#"{"query": 0}"#, wrong("query", "a string")),
            (
                r#"{"query": "a", "operationName": ["A"]}"#,
                wrong("operationName", "a string or null"),
            ),
            (r#"{"query": "a", "variables": []}"#, wrong("variables", OBJECT)),
            (r#"{"query": "a", "variables": "{}"}"#, wrong("variables", OBJECT)),
            (r#"{"query": "a", "extensions": 0}"#, wrong("extensions", OBJECT)),
        ] {
            assert_eq!(from_json(body.as_bytes()).unwrap_err(), expected, "{body}");
        }
        let deep = format!(
            r#"{{"query": "a", "variables": {}{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(from_json(deep.as_bytes()).unwrap_err(), BadParameters::NotJson);
        assert_eq!(from_json(b"{\"query\": \"\xff\"}").unwrap_err(), BadParameters::NotJson);
    }

    #[test]
    fn reads_a_query_string() {
        let read = from_query_string("query=%7B+a+%7D&operationName=A&variables=%7B%22a%22%3A1%7D&other=1").unwrap();
        assert_eq!(read.query, "{ a }");
        assert_eq!(read.operation_name.as_deref(), Some("A"));
        assert_eq!(read.variables.into_value(), value!({ "a": 1 }));
        let empty = from_query_string("query=a&operationName=&variables=&extensions=").unwrap();
        assert_eq!(empty.operation_name, None);
    }

    #[test]
    fn refuses_query_strings_of_another_form() {
        let wrong = |name| BadParameters::WrongType { name, expected: OBJECT };
        for (query_string, expected) in [
            ("", BadParameters::QueryMissing),
            ("operationName=A", BadParameters::QueryMissing),
            ("query=a&query=b", BadParameters::Repeated { name: "query" }),
            ("query=a&variables=%7B", wrong("variables")),
            ("query=a&variables=1", wrong("variables")),
            ("query=a&extensions=%5B%5D", wrong("extensions")),
        ] {
            assert_eq!(from_query_string(query_string).unwrap_err(), expected, "{query_string}");
        }
    }
}
