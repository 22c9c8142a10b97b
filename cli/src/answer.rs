//! What a command shows.

use portico_sdk::{GatewayConfirmation, UserError};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::exit_code;

/// A column of a table: its heading, and where its cell stands in an object's JSON (RFC 6901, JSON Pointer).
pub(crate) type Column = (&'static str, &'static str);

/// What a command shows, as JSON, and how a table is made of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answer: Answer,
    /// What the process ends with.
    pub(crate) exit_code: u8,
}

/// What a command shows.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Objects, one a row.
    List(Vec<Value>, &'static [Column]),
    /// One object, one field a row.
    Object(Value),
    /// Text as it is: a document, a script. As JSON it is a string.
    Text(String),
    /// All there is to show is shown already.
    Shown,
    /// Nothing to show but that it was done.
    Done(String),
}

impl Outcome {
    pub(crate) const fn of(answer: Answer) -> Self {
        Self {
            answer,
            exit_code: exit_code::SUCCESS,
        }
    }

    /// One object.
    pub(crate) fn object(object: &impl Serialize) -> Self {
        Self::of(Answer::Object(json_of(object)))
    }

    /// Objects, one a row.
    pub(crate) fn list<T: Serialize>(objects: &[T], columns: &'static [Column]) -> Self {
        Self::of(Answer::List(objects.iter().map(json_of).collect(), columns))
    }

    /// Text as it is.
    pub(crate) const fn text(text: String) -> Self {
        Self::of(Answer::Text(text))
    }

    /// That it was done.
    pub(crate) fn done(sentence: impl Into<String>) -> Self {
        Self::of(Answer::Done(sentence.into()))
    }

    /// What was deleted.
    pub(crate) fn deleted(id: &impl Serialize) -> Self {
        Self::of(Answer::Object(json!({ "deletedId": json_of(id) })))
    }

    /// An object, and a secret that is shown here and never again.
    pub(crate) fn with_secret(object: &impl Serialize, secret: &str) -> Self {
        let mut fields = fields_of(object);
        fields.insert("secret".to_owned(), Value::from(secret));
        Self::of(Answer::Object(Value::Object(fields)))
    }

    /// What a call that waited for the gateways answers: with 6 where one of them does not enforce it yet.
    pub(crate) fn confirmation<T: Serialize>(confirmation: &GatewayConfirmation<T>) -> Self {
        let mut fields = match &confirmation.object {
            Ok(object) => fields_of(object),
            Err(refusals) => Map::from_iter([("userErrors".to_owned(), user_errors(refusals))]),
        };
        fields.insert(
            "gatewaysConfirmed".to_owned(),
            Value::from(confirmation.gateways_confirmed),
        );
        fields.insert(
            "unconfirmedGateways".to_owned(),
            json_of(&confirmation.unconfirmed_gateways),
        );
        Self {
            answer: Answer::Object(Value::Object(fields)),
            exit_code: match (confirmation.gateways_confirmed, &confirmation.object) {
                (false, _) => exit_code::TRY_AGAIN,
                (true, Ok(_)) => exit_code::SUCCESS,
                (true, Err(_)) => exit_code::REFUSED,
            },
        }
    }
}

/// User errors as the API spells them.
pub(crate) fn user_errors(errors: &[UserError]) -> Value {
    json_of(&errors)
}

/// The SDK's answers are made of what JSON has, so there is nothing that cannot be written.
pub(crate) fn json_of(object: &(impl Serialize + ?Sized)) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

fn fields_of(object: &impl Serialize) -> Map<String, Value> {
    match json_of(object) {
        Value::Object(fields) => fields,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}
