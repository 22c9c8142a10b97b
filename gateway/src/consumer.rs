//! What an upstream learns of the caller.

use std::{borrow::Cow, fmt::Display, io::Write as _};

use domain::id::CredentialId;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::snapshot::Credential;

const CONSUMER_ID: HeaderName = HeaderName::from_static("x-consumer-id");
const CONSUMER_CUSTOM_ID: HeaderName = HeaderName::from_static("x-consumer-custom-id");
const CONSUMER_USERNAME: HeaderName = HeaderName::from_static("x-consumer-username");
const CREDENTIAL_IDENTIFIER: HeaderName = HeaderName::from_static("x-credential-identifier");

/// A caller as an upstream sees it, in the form of header values, made for one call: an app's own are not kept, as
/// reading them from afar would cost more than making them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    id: HeaderValue,
    custom_id: HeaderValue,
    username: HeaderValue,
    credential: CredentialId,
}

/// What a header value cannot hold, and the percent sign, so that decoding gives back what was encoded.
const NOT_PLAIN: &AsciiSet = &CONTROLS.add(b'%');

impl Caller {
    pub(crate) fn of(credential: Credential<'_>) -> Self {
        let app = credential.app();
        Self {
            id: value(&app.id().to_string()),
            custom_id: value(app.reference_id()),
            username: value(app.name()),
            credential: credential.id(),
        }
    }

    pub(crate) const fn credential(&self) -> CredentialId {
        self.credential
    }

    /// Puts in what the upstream learns of the caller.
    pub(crate) fn introduce(self, headers: &mut HeaderMap) {
        let credential = value(&self.credential.to_string());
        headers.insert(CONSUMER_ID, self.id);
        headers.insert(CONSUMER_CUSTOM_ID, self.custom_id);
        headers.insert(CONSUMER_USERNAME, self.username);
        headers.insert(CREDENTIAL_IDENTIFIER, credential);
    }
}

/// Writes the same as [`Caller::introduce`] as lines of a head.
pub(crate) fn write_caller(out: &mut Vec<u8>, credential: Credential<'_>) {
    let app = credential.app();
    write_header(out, CONSUMER_ID, app.id());
    write_header(
        out,
        CONSUMER_CUSTOM_ID,
        utf8_percent_encode(app.reference_id(), NOT_PLAIN),
    );
    write_header(out, CONSUMER_USERNAME, utf8_percent_encode(app.name(), NOT_PLAIN));
    write_header(out, CREDENTIAL_IDENTIFIER, credential.id());
}

fn write_header(out: &mut Vec<u8>, name: HeaderName, value: impl Display) {
    // A vector takes whatever is written.
    let _ = write!(out, "{name}: {value}\r\n");
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
