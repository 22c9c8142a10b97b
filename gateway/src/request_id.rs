//! The id under which a request is logged, here and at the upstream.

use http::{HeaderMap, HeaderValue};

use crate::headers::REQUEST_ID;

/// A trusted proxy's id, when it is a plain one, or a new one.
pub(crate) fn request_id(headers: &HeaderMap, peer_is_trusted: bool) -> HeaderValue {
    let sent = headers.get(REQUEST_ID).filter(|id| {
        peer_is_trusted
            && (1..=128).contains(&id.len())
            && id
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    });
    sent.cloned().unwrap_or_else(|| {
        let mut text = [0; uuid::fmt::Simple::LENGTH];
        let id = uuid::Uuid::now_v7().simple().encode_lower(&mut text);
        HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    })
}
