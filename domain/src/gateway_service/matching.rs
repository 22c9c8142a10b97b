//! The order in which routes match, and when two of them stand in each other's way.
//!
//! ```text
//!   exact host ─► longest prefix ─► … ─► /      the first prefix that any live route claims decides:
//!   any host   ─► longest prefix ─► … ─► /      a method that none of its routes serves is answered 404
//! ```

use std::fmt;

use super::{host::CanonicalHost, path::CanonicalPath, route::Route};
use crate::{Refusal, RefusalCode};

/// The longest prefix that a route may have, in bytes.
pub(super) const MAX_PREFIX_LEN: usize = 255;
/// How many segments a route's prefix may have.
pub(super) const MAX_PREFIX_SEGMENTS: usize = 32;
/// The most that [`candidates`] yields, however long the request's path is.
pub const MAX_CANDIDATES: usize = 2 * (MAX_PREFIX_SEGMENTS + 1);

/// Where a route stands: its host and its prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey {
    /// The host; `None`: any.
    pub host: Option<CanonicalHost>,
    /// The prefix, canonical.
    pub path: String,
}

/// Which methods a route takes at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimedMethods {
    /// All of them.
    Any,
    /// These, in upper case.
    Only(Vec<String>),
}

impl ClaimedMethods {
    /// Whether calls of this method are among them. Methods are compared exactly (RFC 9110 §9.1).
    #[must_use]
    pub fn includes(&self, method: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(methods) => methods.iter().any(|one| one == method),
        }
    }

    /// Whether they are named one by one. In one service, named methods come before any.
    #[must_use]
    pub const fn is_specific(&self) -> bool {
        match self {
            Self::Any => false,
            Self::Only(_) => true,
        }
    }

    /// A method that both serve: `None` when there is none, `Some(None)` when both serve any.
    fn shared(&self, other: &Self) -> Option<Option<String>> {
        match (self, other) {
            (Self::Any, Self::Any) => Some(None),
            (Self::Any, Self::Only(methods)) | (Self::Only(methods), Self::Any) => methods.first().cloned().map(Some),
            (Self::Only(mine), Self::Only(others)) => mine.iter().find(|one| others.contains(one)).cloned().map(Some),
        }
    }

    /// Whether two routes of one service are not told apart by these.
    pub(super) fn repeat(&self, other: &Self) -> bool {
        self.is_specific() == other.is_specific() && self.shared(other).is_some()
    }
}

/// One place that a route claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Where.
    pub key: ClaimKey,
    /// Which methods.
    pub methods: ClaimedMethods,
    /// Whether the prefix is taken off before forwarding.
    pub strip_path: bool,
}

impl fmt::Display for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let methods = match &self.methods {
            ClaimedMethods::Any => "every method of".to_owned(),
            ClaimedMethods::Only(methods) => methods.join(", "),
        };
        write!(formatter, "{methods} {} on ", self.key.path)?;
        match &self.key.host {
            Some(host) => write!(formatter, "{host}"),
            None => formatter.write_str("any host"),
        }
    }
}

/// All that a route claims: each of its hosts with each of its paths.
pub fn claims(route: &Route) -> impl Iterator<Item = Claim> + '_ {
    let hosts: Vec<Option<&CanonicalHost>> = if route.hosts().is_empty() {
        vec![None]
    } else {
        route.hosts().iter().map(Some).collect()
    };
    let methods = if route.methods().is_empty() {
        ClaimedMethods::Any
    } else {
        ClaimedMethods::Only(route.methods().to_vec())
    };
    hosts.into_iter().flat_map(move |host| {
        let methods = methods.clone();
        route.paths().iter().map(move |path| Claim {
            key: ClaimKey {
                host: host.cloned(),
                path: path.clone(),
            },
            methods: methods.clone(),
            strip_path: route.strip_path(),
        })
    })
}

/// The places where a request's route may stand, in the order that they are asked. `path` is a canonical path's text
/// or its alternative reading.
pub fn candidates<'a>(
    host: &'a CanonicalHost,
    path: &'a str,
) -> impl Iterator<Item = (Option<&'a CanonicalHost>, &'a str)> + use<'a> {
    let all = path
        .match_indices('/')
        .skip(1)
        .map(|(at, _)| at)
        .chain((!path.ends_with('/')).then_some(path.len()))
        .take_while(|end| *end <= MAX_PREFIX_LEN);
    // On the stack: this is asked for each call of the gateway.
    let mut ends = [0; MAX_PREFIX_SEGMENTS];
    let mut count = 0;
    for (place, end) in ends.iter_mut().zip(all) {
        *place = end;
        count += 1;
    }
    let prefixes = move || {
        (0..count)
            .rev()
            .map(move |at| &path[..ends[at]])
            .chain(std::iter::once("/"))
    };
    let any_host = prefixes();
    prefixes()
        .map(move |prefix| (Some(host), prefix))
        .chain(any_host.map(|prefix| (None, prefix)))
}

/// Two versions that claim one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConflict<T> {
    /// Which of the routes that were to be set, from 0.
    pub route: usize,
    /// Where.
    pub key: ClaimKey,
    /// A method that both claim; `None`: both claim any.
    pub method: Option<String>,
    /// Who claims it already.
    pub holder: T,
}

impl<T: fmt::Display> RouteConflict<T> {
    /// The refusal of `field`, naming the holder.
    #[must_use]
    pub fn refusal(&self, field: &str) -> Refusal {
        let host = self.key.host.as_ref().map_or("any host", CanonicalHost::as_str);
        let method = self.method.as_deref().unwrap_or("every method of");
        Refusal::at(
            field,
            RefusalCode::RouteConflict,
            format!(
                "{} is live and already serves {method} {} on {host}. Choose another host, path or method, or retire that version first.",
                self.holder, self.key.path
            ),
        )
    }
}

/// Where `routes` stand in the way of the `others`, which are live: at most one conflict for each of `routes`.
/// (An exact host and any host do not conflict: their order is defined.)
pub fn conflicts<'a, T>(routes: &[Route], others: impl IntoIterator<Item = (T, &'a [Route])>) -> Vec<RouteConflict<T>> {
    let mut found: Vec<RouteConflict<T>> = Vec::new();
    let mine: Vec<Vec<Claim>> = routes.iter().map(|route| claims(route).collect()).collect();
    for (holder, other_routes) in others {
        let first = other_routes.iter().flat_map(claims).find_map(|other| {
            mine.iter().enumerate().find_map(|(route, claims)| {
                if found.iter().any(|conflict| conflict.route == route) {
                    return None;
                }
                claims.iter().filter(|claim| claim.key == other.key).find_map(|claim| {
                    let method = claim.methods.shared(&other.methods)?;
                    Some((route, claim.key.clone(), method))
                })
            })
        });
        if let Some((route, key, method)) = first {
            found.push(RouteConflict {
                route,
                key,
                method,
                holder,
            });
        }
    }
    found.sort_by_key(|conflict| conflict.route);
    found
}

impl CanonicalPath {
    /// Whether a route's prefix covers this path: equal, or followed by a slash.
    #[must_use]
    pub fn is_below(&self, prefix: &str) -> bool {
        prefix == "/"
            || self
                .as_str()
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
