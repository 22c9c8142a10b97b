//! What an upstream learns of the caller.

use std::borrow::Cow;

use http::HeaderValue;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::snapshot::App;

/// An app as an upstream sees it, in the form of header values, made for one call: an app's own are not kept, as
/// reading them from afar would cost more than making them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Consumer {
    /// `X-Consumer-ID`.
    pub(crate) id: HeaderValue,
    /// `X-Consumer-Custom-ID`.
    pub(crate) custom_id: HeaderValue,
    /// `X-Consumer-Username`.
    pub(crate) username: HeaderValue,
}

/// What a header value cannot hold, and the percent sign, so that decoding gives back what was encoded.
const NOT_PLAIN: &AsciiSet = &CONTROLS.add(b'%');

impl Consumer {
    pub(crate) fn of(app: App<'_>) -> Self {
        Self {
            id: value(&app.id().to_string()),
            custom_id: value(app.reference_id()),
            username: value(app.name()),
        }
    }
}

/// Plain ASCII as it is, all else percent-encoded in UTF-8.
fn value(text: &str) -> HeaderValue {
    let encoded: Cow<'_, str> = utf8_percent_encode(text, NOT_PLAIN).into();
    // What is left is visible ASCII and space, so that this never falls back.
    HeaderValue::from_str(&encoded).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_encoded_where_not_plain() {
        assert_eq!(value("Mobile banking, v2 (beta)!"), "Mobile banking, v2 (beta)!");
        assert_eq!(value("Zürich"), "Z%C3%BCrich");
        assert_eq!(value("100%"), "100%25");
        assert_eq!(value("a\r\nX-Admin: 1"), "a%0D%0AX-Admin: 1");
    }

    proptest! {
        #[test]
        fn every_name_reads_back(name: String) {
            let value = value(&name);
            let decoded = percent_encoding::percent_decode(value.as_bytes()).decode_utf8().unwrap();
            prop_assert_eq!(decoded, name);
        }
    }
}
