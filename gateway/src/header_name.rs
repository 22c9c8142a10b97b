//! Header names as careless upstreams read them.

use std::borrow::Cow;

use http::HeaderName;

/// The name in lower case with `_` as `-`. CGI and its heirs (WSGI, PHP, Rack) put both into one variable
/// (RFC 3875 §4.1.18), so that `X_Consumer_ID` would pass for `X-Consumer-ID`.
pub(crate) fn folded(name: &HeaderName) -> Cow<'_, str> {
    if name.as_str().contains('_') {
        Cow::Owned(name.as_str().replace('_', "-"))
    } else {
        Cow::Borrowed(name.as_str())
    }
}
