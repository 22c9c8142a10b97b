//! A version's gateway service: where its traffic goes, and which requests are its own.
//!
//! ```text
//!   host, path ─► canonical (one spelling, or refused) ─► route (exact host, longest prefix, method) ─► upstream path
//! ```
//!
//! What was matched is what is forwarded: [`CanonicalPath`] and [`CanonicalHost`] are the only forms that routes,
//! matching and forwarding know.

mod host;
mod matching;
mod path;
mod route;
mod upstream;

pub use host::{CanonicalHost, InvalidHost};
pub use matching::{Claim, ClaimKey, ClaimedMethods, MAX_CANDIDATES, RouteConflict, candidates, claims, conflicts};
pub use path::{CanonicalPath, InvalidPath};
pub use route::{MAX_ROUTES, MAX_VALUES, Route, RouteInput};
pub use upstream::{InvalidUpstreamUrl, UpstreamUrl, is_forbidden_address};

use crate::Refusal;

/// A gateway service that has been checked: its upstream, and the routes that lead to it, in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayService {
    /// Where calls go.
    pub upstream_url: UpstreamUrl,
    /// Which calls are its own; at least one.
    pub routes: Vec<Route>,
}

impl GatewayService {
    /// Checks an admin's input, or what was stored of it.
    ///
    /// # Errors
    /// Everything that is wrong, each with its path in `SetGatewayServiceInput`: `upstreamUrl`, `routes`,
    /// `routes.0.hosts`, `routes.0.paths`, `routes.0.methods`; with the codes REQUIRED, TOO_LONG and INVALID.
    pub fn validate(upstream_url: &str, routes: &[RouteInput]) -> Result<Self, Vec<Refusal>> {
        let mut refusals = Vec::new();
        let upstream_url = UpstreamUrl::parse(upstream_url)
            .map_err(|error| refusals.push(error.refusal()))
            .ok();
        let routes = route::validate_all(routes, &mut refusals);
        match upstream_url {
            Some(upstream_url) if refusals.is_empty() => Ok(Self { upstream_url, routes }),
            Some(_) | None => Err(refusals),
        }
    }
}
