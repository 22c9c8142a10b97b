//! Which headers hold keys, so that no upstream may see them: those with the name of one, and while it cannot be told what
//! they are called, those with a key in them.
//!
//! A strategy that cannot be read may have other key headers than were ever known. Its own versions are closed, but its
//! keys may come along with calls of others. Keys have a form that nothing else has, so they are found wherever they
//! stand.

use domain::api_key::ApiKey;
use http::{HeaderMap, HeaderName};

use crate::{header_name::folded, snapshot::Snapshot};

/// Whether the header of these may hold a key of some strategy.
pub(crate) fn holds_key(snapshot: &Snapshot, headers: &HeaderMap, name: &HeaderName) -> bool {
    snapshot.is_key_header(&folded(name)) || (!snapshot.knows_all_key_headers() && has_key_in_it(headers, name))
}

/// Takes off what holds a key and does not say so by its name.
pub(crate) fn remove_unnamed(headers: &mut HeaderMap, snapshot: &Snapshot) {
    if snapshot.knows_all_key_headers() {
        return;
    }
    let names = headers.keys().filter(|name| has_key_in_it(headers, name));
    for name in names.cloned().collect::<Vec<HeaderName>>() {
        headers.remove(name);
    }
}

fn has_key_in_it(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers
        .get_all(name)
        .iter()
        .any(|value| ApiKey::is_in(value.as_bytes()))
}
