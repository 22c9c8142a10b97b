//! The decision on a call, the same for whoever asks: our own listener, or a proxy before somebody else's upstream.

use domain::Timestamp;
use http::HeaderMap;

use crate::{answer::Refused, permit::Permit, route_table::Found, snapshot::Snapshot, target::RequestTarget};

/// A call that may pass.
pub(crate) struct Admitted {
    pub(crate) permit: Permit,
    /// What is taken off the path before forwarding.
    pub(crate) stripped_prefix: Option<String>,
}

/// Decides on a call; in a build for measuring (feature `undecided`) it lets every call with a route pass.
///
/// # Errors
/// The answer to give instead.
pub(crate) fn admit(
    snapshot: &Snapshot,
    target: &RequestTarget,
    method: &str,
    headers: &HeaderMap,
    #[cfg_attr(
        feature = "undecided",
        expect(unused_variables, reason = "such a build does not decide")
    )]
    now: Timestamp,
) -> Result<Admitted, Refused> {
    let found = snapshot
        .routes()
        .find(&target.host, &target.path, method)
        .map_err(|_| Refused::BadRequest("The path can be read in two ways"))?;
    match found {
        Some(Found::Live {
            version,
            stripped_prefix,
        }) => Ok(Admitted {
            #[cfg(not(feature = "undecided"))]
            permit: Permit::of_call(snapshot, version, headers, now)?,
            #[cfg(feature = "undecided")]
            permit: Permit::undecided(snapshot, version)?,
            stripped_prefix,
        }),
        Some(Found::Retired { version }) => Err(Permit::of_retired(snapshot, version, headers)),
        None => Err(Refused::NoRoute),
    }
}
