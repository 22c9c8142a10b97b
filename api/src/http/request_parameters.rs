//! The parameters of a GraphQL request, from a POST's JSON or a GET's query string
//! (GraphQL over HTTP, "Request Parameters").

use async_graphql::Variables;
use serde_json::{Map, Value};

use super::document_hash::DocumentHash;

/// What a client asks for.
#[derive(Debug, Default)]
pub struct RequestParameters {
    /// The document, as text, by its hash, or both.
    pub document: NamedDocument,
    /// Which of the document's operations to execute.
    pub operation_name: Option<String>,
    /// The values of the operation's variables.
    pub variables: Variables,
}

/// How a request names its document. At least one of the two is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedDocument {
    /// The document's text.
    pub text: Option<String>,
    /// The SHA-256 of the text.
    pub hash: Option<DocumentHash>,
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
    /// The document is named in several ways that differ.
    #[error("The request names two documents: `documentId`, `doc_id` and `extensions.persistedQuery` differ.")]
    HashesDiffer,
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
            "documentId" => ("documentId", Value::String(value.into_owned())),
            "doc_id" => ("doc_id", Value::String(value.into_owned())),
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
const HASH: &str = "the SHA-256 of a document: 64 hexadecimal digits, with `sha256:` before them or without";
const PERSISTED: &str = "an object such as {\"version\": 1, \"sha256Hash\": \"…\"} with the document's SHA-256";

fn from_members(mut members: Map<String, Value>) -> Result<RequestParameters, BadParameters> {
    let wrong = |name, expected| BadParameters::WrongType { name, expected };
    let text = match members.remove("query") {
        Some(Value::String(query)) => Some(query),
        Some(Value::Null) | None => None,
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
    let extensions = match members.remove("extensions") {
        Some(Value::Object(extensions)) => extensions,
        Some(Value::Null) | None => Map::new(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Err(wrong("extensions", OBJECT));
        }
    };
    let hash = the_one_hash([
        hash_of("documentId", members.get("documentId"))?,
        hash_of("doc_id", members.get("doc_id"))?,
        persisted_query(extensions.get("persistedQuery"))?,
    ])?;
    if text.is_none() && hash.is_none() {
        return Err(BadParameters::QueryMissing);
    }
    Ok(RequestParameters {
        document: NamedDocument { text, hash },
        operation_name,
        variables,
    })
}

/// The document's id: that of the draft for persisted documents (GraphQL over HTTP, appendix), or Relay's.
fn hash_of(name: &'static str, value: Option<&Value>) -> Result<Option<DocumentHash>, BadParameters> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => id
            .parse()
            .map(Some)
            .map_err(|_| BadParameters::WrongType { name, expected: HASH }),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(BadParameters::WrongType { name, expected: HASH })
        }
    }
}

/// What Apollo's clients, urql and others send.
fn persisted_query(value: Option<&Value>) -> Result<Option<DocumentHash>, BadParameters> {
    let wrong = BadParameters::WrongType {
        name: "extensions.persistedQuery",
        expected: PERSISTED,
    };
    let persisted = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(persisted)) => persisted,
        Some(_) => return Err(wrong),
    };
    if persisted
        .get("version")
        .is_some_and(|version| version.as_u64() != Some(1))
    {
        return Err(wrong);
    }
    let hash = persisted.get("sha256Hash").and_then(Value::as_str).ok_or(wrong)?;
    hash.parse().map(Some).map_err(|_| wrong)
}

fn the_one_hash(hashes: [Option<DocumentHash>; 3]) -> Result<Option<DocumentHash>, BadParameters> {
    let mut named = hashes.into_iter().flatten();
    let first = named.next();
    if named.any(|other| Some(other) != first) {
        return Err(BadParameters::HashesDiffer);
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::{BadParameters, DocumentHash, HASH, NamedDocument, OBJECT, PERSISTED, from_json, from_query_string};
    use async_graphql::value;
    use serde_json::json;

    #[test]
    fn reads_a_body() {
        let read =
            from_json(br#"{"query": "q", "operationName": "A", "variables": {"a": [1, null]}, "id": 7}"#).unwrap();
        assert_eq!(read.document.text.as_deref(), Some("q"));
        assert_eq!(read.operation_name.as_deref(), Some("A"));
        assert_eq!(read.variables.into_value(), value!({ "a": [1, null] }));
        let nulls =
            from_json(br#"{"query": "", "operationName": null, "variables": null, "extensions": null}"#).unwrap();
        assert_eq!((nulls.document.text.as_deref(), nulls.operation_name), (Some(""), None));
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
        assert_eq!(read.document.text.as_deref(), Some("{ a }"));
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

    #[test]
    fn reads_documents_by_hash_as_clients_name_them() {
        let hash = DocumentHash::of("{ a }");
        let hex = hash.to_string();
        let by_hash = |text: Option<&str>| NamedDocument {
            text: text.map(str::to_owned),
            hash: Some(hash),
        };
        let apollo = json!({ "persistedQuery": { "version": 1, "sha256Hash": hex } });
        for (body, expected) in [
            (json!({ "extensions": apollo }), by_hash(None)),
            (
                json!({ "query": "{ a }", "extensions": apollo }),
                by_hash(Some("{ a }")),
            ),
            (
                json!({ "extensions": { "persistedQuery": { "sha256Hash": hex } } }),
                by_hash(None),
            ),
            (json!({ "documentId": hex }), by_hash(None)),
            (
                json!({ "documentId": format!("sha256:{hex}"), "query": null }),
                by_hash(None),
            ),
            (
                json!({ "doc_id": hex.to_uppercase(), "documentId": hex }),
                by_hash(None),
            ),
        ] {
            assert_eq!(
                from_json(body.to_string().as_bytes()).unwrap().document,
                expected,
                "{body}"
            );
        }
        let extensions: String = url::form_urlencoded::byte_serialize(apollo.to_string().as_bytes()).collect();
        for query_string in [
            format!("extensions={extensions}"),
            format!("documentId=sha256:{hex}"),
            format!("doc_id={hex}"),
        ] {
            assert_eq!(
                from_query_string(&query_string).unwrap().document,
                by_hash(None),
                "{query_string}"
            );
        }
    }

    #[test]
    fn refuses_hashes_of_another_form() {
        let wrong = |name, expected| BadParameters::WrongType { name, expected };
        let persisted = wrong("extensions.persistedQuery", PERSISTED);
        let (one, other) = (DocumentHash::of("a").to_string(), DocumentHash::of("b").to_string());
        for (body, expected) in [
            (json!({ "documentId": "md5:00" }), wrong("documentId", HASH)),
            (json!({ "documentId": 7 }), wrong("documentId", HASH)),
            (json!({ "doc_id": "00" }), wrong("doc_id", HASH)),
            (json!({ "extensions": { "persistedQuery": true } }), persisted),
            (json!({ "extensions": { "persistedQuery": {} } }), persisted),
            (
                json!({ "extensions": { "persistedQuery": { "version": 2, "sha256Hash": one } } }),
                persisted,
            ),
            (
                json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "x" } } }),
                persisted,
            ),
            (
                json!({ "documentId": one, "doc_id": other }),
                BadParameters::HashesDiffer,
            ),
            (
                json!({ "extensions": { "some": "value" } }),
                BadParameters::QueryMissing,
            ),
        ] {
            assert_eq!(from_json(body.to_string().as_bytes()).unwrap_err(), expected, "{body}");
        }
        let twice = format!("documentId={one}&documentId={one}");
        assert_eq!(
            from_query_string(&twice).unwrap_err(),
            BadParameters::Repeated { name: "documentId" }
        );
    }
}
