//! The schema's own scalars. `is_valid` refuses a bad value while the document is validated, before any mutation of
//! the request has run.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use domain::Timestamp;

/// An instant, RFC 3339, UTC with `Z`, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Timestamp);

/// An instant, RFC 3339, UTC with `Z`, in milliseconds.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(text.parse().map_err(InputValueError::custom)?)),
            other => Err(InputValueError::custom(format!(
                "expected an RFC 3339 date and time such as 2026-01-31T12:00:00.000Z, got {other}"
            ))),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if text.parse::<Timestamp>().is_ok())
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Timestamp> for DateTime {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp)
    }
}

/// An absolute http or https URL, kept as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(pub String);

/// An absolute http or https URL, kept as written.
#[Scalar(name = "URL")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if is_http_url(&text) => Ok(Self(text)),
            _ => Err(InputValueError::custom(
                "expected an absolute http or https URL such as https://api.example.com",
            )),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if is_http_url(text))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

pub(crate) fn is_http_url(text: &str) -> bool {
    // `Url::parse` forgives white space and control characters by dropping them; what is kept as written may not.
    text.len() <= 2048
        && !text
            .chars()
            .any(|character| character.is_whitespace() || character.is_control())
        && url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Arbitrary JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub serde_json::Value);

/// Arbitrary JSON.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_kept_as_written() {
        for text in [
            "http://h",
            "https://example.com",
            "https://example.com/a?b=c",
            "http://127.0.0.1:80/x",
        ] {
            let url = Url::parse(Value::String(text.to_owned())).unwrap();
            assert_eq!(url.to_value(), Value::String(text.to_owned()));
        }
    }

    #[test]
    fn a_url_of_another_form_is_refused_at_validation() {
        for text in [
            "",
            "/mock",
            "ftp://h",
            "http://",
            "javascript:alert(1)",
            "http://a b",
            "http://a\nb",
            "//h",
            "http:/\u{7f}h",
        ] {
            assert!(
                !<Url as ScalarType>::is_valid(&Value::String(text.to_owned())),
                "{text:?}"
            );
        }
        assert!(!<Url as ScalarType>::is_valid(&Value::from(3)));
    }

    #[test]
    fn an_instant_is_shown_in_milliseconds() {
        let instant = DateTime::parse(Value::String("2026-01-31T13:00:00.1234567+01:00".to_owned())).unwrap();
        assert_eq!(instant.to_value(), Value::String("2026-01-31T12:00:00.123Z".to_owned()));
        for text in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "yesterday",
            "2026-02-30T00:00:00Z",
        ] {
            assert!(
                !<DateTime as ScalarType>::is_valid(&Value::String(text.to_owned())),
                "{text:?}"
            );
        }
    }
}
