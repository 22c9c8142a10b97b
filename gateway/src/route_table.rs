//! The routes of all versions, in a persistent map: a new snapshot shares all but what changed with the one before.

use std::sync::Arc;

use archery::ArcTK;
use domain::{
    gateway_service::{CanonicalHost, CanonicalPath, ClaimedMethods, Route, candidates, claims},
    id::VersionId,
};
use rpds::HashTrieMap;

/// One version's claim to a place.
#[derive(Clone, Debug)]
struct Target {
    version: VersionId,
    is_live: bool,
    methods: ClaimedMethods,
    strip_path: bool,
}

/// Its keys are what admins wrote; callers choose only what is looked for.
type Map<K, V> = HashTrieMap<K, V, ArcTK, foldhash::fast::RandomState>;

/// Prefix → who claims it.
type Places = Map<String, Arc<[Target]>>;

fn empty<K: Eq + std::hash::Hash, V>() -> Map<K, V> {
    Map::new_with_hasher_and_ptr_kind(foldhash::fast::RandomState::default())
}

/// Whose a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A live version's.
    Live {
        /// The version.
        version: VersionId,
        /// What is taken off the path before forwarding: the matched prefix, when the route strips it.
        stripped_prefix: Option<String>,
    },
    /// A retired version's, and no live version has taken the place.
    Retired {
        /// The version.
        version: VersionId,
    },
}

impl Found {
    fn version(&self) -> VersionId {
        match self {
            Self::Live { version, .. } | Self::Retired { version } => *version,
        }
    }
}

/// The path reads two ways, and each is another version's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path can be read in two ways that lead to different APIs")]
pub struct AmbiguousPath;

/// All routes. Drafts are not in it.
#[derive(Clone, Debug)]
pub struct RouteTable {
    any_host: Places,
    hosts: Map<CanonicalHost, Places>,
}

impl Default for RouteTable {
    fn default() -> Self {
        Self {
            any_host: empty(),
            hosts: empty(),
        }
    }
}

impl RouteTable {
    /// Puts a version's routes in; `is_live`: ACTIVE or DEPRECATED, else RETIRED.
    pub fn insert(&mut self, version: VersionId, is_live: bool, routes: &[Route]) {
        for claim in routes.iter().flat_map(claims) {
            let target = Target {
                version,
                is_live,
                methods: claim.methods,
                strip_path: claim.strip_path,
            };
            self.change(claim.key.host.as_ref(), &claim.key.path, |targets| {
                targets.push(target);
                // Live before retired, named methods before any: the first that includes the method is the one.
                targets.sort_by_key(|target| (!target.is_live, !target.methods.is_specific()));
            });
        }
    }

    /// Takes a version's routes out. `routes` is what was put in.
    pub fn remove(&mut self, version: VersionId, routes: &[Route]) {
        for claim in routes.iter().flat_map(claims) {
            self.change(claim.key.host.as_ref(), &claim.key.path, |targets| {
                targets.retain(|target| target.version != version);
            });
        }
    }

    fn change(&mut self, host: Option<&CanonicalHost>, path: &str, edit: impl FnOnce(&mut Vec<Target>)) {
        let mut places = match host {
            None => self.any_host.clone(),
            Some(host) => self.hosts.get(host).cloned().unwrap_or_else(empty),
        };
        let mut targets: Vec<Target> = places.get(path).map(|targets| targets.to_vec()).unwrap_or_default();
        edit(&mut targets);
        if targets.is_empty() {
            places.remove_mut(path);
        } else {
            places.insert_mut(path.to_owned(), targets.into());
        }
        match host {
            None => self.any_host = places,
            Some(host) if places.is_empty() => {
                self.hosts.remove_mut(host);
            }
            Some(host) => self.hosts.insert_mut(host.clone(), places),
        }
    }

    /// Whose a request is; `None`: nobody's.
    ///
    /// # Errors
    /// [`AmbiguousPath`] when the path's two readings belong to different versions.
    pub fn find(
        &self,
        host: &CanonicalHost,
        path: &CanonicalPath,
        method: &str,
    ) -> Result<Option<Found>, AmbiguousPath> {
        let found = self.find_text(host, path.as_str(), method);
        if let Some(alternative) = path.alternative() {
            let other = self.find_text(host, alternative, method);
            if other.as_ref().map(Found::version) != found.as_ref().map(Found::version) {
                return Err(AmbiguousPath);
            }
        }
        Ok(found)
    }

    fn find_text(&self, host: &CanonicalHost, path: &str, method: &str) -> Option<Found> {
        let host_places = self.hosts.get(host);
        for (host, prefix) in candidates(host, path) {
            let places = match host {
                Some(_) => host_places,
                None => Some(&self.any_host),
            };
            let Some(targets) = places.and_then(|places| places.get(prefix)) else {
                continue;
            };
            match targets.iter().find(|target| target.methods.includes(method)) {
                Some(target) if target.is_live => {
                    return Some(Found::Live {
                        version: target.version,
                        stripped_prefix: target.strip_path.then(|| prefix.to_owned()),
                    });
                }
                Some(target) => {
                    return Some(Found::Retired {
                        version: target.version,
                    });
                }
                // A method that a live route does not serve never falls through to a shorter prefix; what is left of
                // a retired version holds up nobody.
                None if targets.iter().any(|target| target.is_live) => return None,
                None => {}
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "route_table_tests.rs"]
mod tests;
