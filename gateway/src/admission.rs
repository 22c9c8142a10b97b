//! The decision on a call, the same for whoever asks: our own listener, or a proxy before somebody else's upstream.

use domain::{
    Timestamp,
    gateway_service::{CanonicalHost, CanonicalPath},
    id::VersionId,
    version::VersionLifecycle,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    answer::Refused,
    permit::Permit,
    route_table::Found,
    snapshot::{Credential, Snapshot},
};

/// The headers of a call, however they are kept.
pub(crate) trait CallHeaders {
    /// The values of all headers of this name, in their order.
    fn values<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a [u8]>;
}

impl CallHeaders for HeaderMap {
    fn values<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

/// A call that may pass.
pub(crate) struct Admitted<'a> {
    pub(crate) permit: Permit,
    /// Who calls; `None` in a build for measuring.
    pub(crate) credential: Option<Credential<'a>>,
    /// What is taken off the path before forwarding.
    pub(crate) stripped_prefix: Option<String>,
}

/// Decides on a call; in a build for measuring (feature `undecided`) it lets every call with a route pass.
///
/// # Errors
/// The answer to give instead.
pub(crate) fn admit<'a>(
    snapshot: &'a Snapshot,
    host: &CanonicalHost,
    path: &CanonicalPath,
    method: &str,
    headers: &impl CallHeaders,
    #[cfg_attr(
        feature = "undecided",
        expect(unused_variables, reason = "such a build does not decide")
    )]
    now: Timestamp,
) -> Result<Admitted<'a>, Refused> {
    let found = snapshot
        .routes()
        .find(host, path, method)
        .map_err(|_| Refused::BadRequest("The path can be read in two ways"))?;
    match found {
        Some(Found::Live {
            version,
            stripped_prefix,
        }) => {
            #[cfg(not(feature = "undecided"))]
            let (permit, credential) = {
                let (permit, credential) = Permit::of_call(snapshot, version, headers, now)?;
                (permit, Some(credential))
            };
            #[cfg(feature = "undecided")]
            let (permit, credential) = (Permit::undecided(snapshot, version)?, None);
            Ok(Admitted {
                permit,
                credential,
                stripped_prefix,
            })
        }
        Some(Found::Retired { version }) => Err(Permit::of_retired(snapshot, version, headers)),
        None => Err(Refused::NoRoute),
    }
}

/// Decides on a call to this version, wherever it is called: of a service that is this version, and needs no route to
/// tell.
///
/// # Errors
/// The answer to give instead: the one that a call of its routes would get.
pub(crate) fn admit_to<'a>(
    snapshot: &'a Snapshot,
    version: VersionId,
    headers: &impl CallHeaders,
    now: Timestamp,
) -> Result<(Permit, Credential<'a>), Refused> {
    match snapshot.version(version).ok_or(Refused::NoRoute)?.lifecycle {
        VersionLifecycle::Draft => Err(Refused::NoRoute),
        VersionLifecycle::Active | VersionLifecycle::Deprecated => Permit::of_call(snapshot, version, headers, now),
        VersionLifecycle::Retired => Err(Permit::of_retired(snapshot, version, headers)),
    }
}
