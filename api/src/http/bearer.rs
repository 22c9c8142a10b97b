//! The access token of a request (RFC 6750, section 2.1). The query string and the body are never looked at.

use http::{HeaderMap, header};

/// What the `Authorization` header holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BearerToken<'request> {
    /// There is no such header: the caller is anonymous.
    Absent,
    /// Something other than exactly one bearer token.
    Malformed,
    /// The token, not yet checked.
    Token(&'request str),
}

impl<'request> BearerToken<'request> {
    /// Reads the token. The scheme's case does not matter (RFC 9110, section 11.1).
    #[must_use]
    pub fn from_headers(headers: &'request HeaderMap) -> Self {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Self::Absent;
        };
        if values.next().is_some() {
            return Self::Malformed;
        }
        let Some((scheme, token)) = value.to_str().ok().and_then(|value| value.trim().split_once(' ')) else {
            return Self::Malformed;
        };
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains(' ') {
            return Self::Malformed;
        }
        Self::Token(token)
    }
}

#[cfg(test)]
mod tests {
    use super::BearerToken;
    use http::{HeaderMap, HeaderValue, header};

    fn is(values: &[&'static str], expected: BearerToken<'_>) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        BearerToken::from_headers(&headers) == expected
    }

    #[test]
    fn reads_one_token_in_any_case_of_the_scheme() {
        assert!(is(&[], BearerToken::Absent));
        assert!(is(&["Bearer a.b.c"], BearerToken::Token("a.b.c")));
        assert!(is(&["bEARER  a.b.c "], BearerToken::Token("a.b.c")));
    }

    #[test]
    fn refuses_everything_else() {
        for values in [
            &[""][..],
            &["Bearer"],
            &["Bearer "],
            &["a.b.c"],
            &["Basic dXNlcjpwYXNz"],
            &["Bearer a b"],
            &["Bearer a", "Bearer b"],
        ] {
            assert!(is(values, BearerToken::Malformed), "{values:?}");
        }
    }
}
