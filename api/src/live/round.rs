//! One round: everything that changed since the last, read once and shown to everyone whom it concerns.

use std::collections::{HashMap, HashSet};

use domain::{
    id::{AccessRequestId, AdminId, CredentialId, DeveloperId},
    viewer::Viewer,
};
use uuid::Uuid;

use super::{
    interest::{CredentialRoute, Interest, KnownIds, KnownKey, LiveObject, RequestRoute},
    registry::Watcher,
};
use crate::{change::Subject, session::realm::AccountId};

/// What the log named, by kind.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) requests: Vec<Uuid>,
    pub(super) credentials: Vec<Uuid>,
    accounts: Vec<AccountId>,
}

impl Changed {
    pub(super) fn of(named: &HashSet<(Subject, Uuid)>) -> Self {
        let mut changed = Self::default();
        for (subject, id) in named {
            match subject {
                Subject::AccessRequest => changed.requests.push(*id),
                Subject::Credential => changed.credentials.push(*id),
                Subject::Developer => changed.accounts.push(AccountId::Developer(DeveloperId::from_uuid(*id))),
                Subject::Admin => changed.accounts.push(AccountId::Admin(AdminId::from_uuid(*id))),
                Subject::Portal
                | Subject::Session
                | Subject::Product
                | Subject::Version
                | Subject::AuthStrategy
                | Subject::App
                | Subject::GatewayToken => {}
            }
        }
        changed
    }
}

/// Where what changed belongs, and whose it was that is gone.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) requests: HashMap<Uuid, RequestRoute>,
    pub(super) credentials: HashMap<Uuid, CredentialRoute>,
    pub(super) known: HashMap<KnownKey, KnownIds>,
}

impl Found {
    /// What changed and was not found.
    pub(super) fn gone(&self, changed: &Changed) -> Vec<Uuid> {
        let requests = changed.requests.iter().filter(|id| !self.requests.contains_key(id));
        let credentials = changed
            .credentials
            .iter()
            .filter(|id| !self.credentials.contains_key(id));
        requests.chain(credentials).copied().collect()
    }
}

/// One execution, whose result is for all of `to`: they have the same eyes and asked the same.
pub(super) struct Showing {
    pub(super) object: LiveObject,
    /// One of those whom it is for.
    pub(super) watcher: Watcher,
    pub(super) to: Vec<u64>,
}

/// What has to be executed, by whose eyes.
pub(super) fn plan(watchers: &[Watcher], changed: &Changed, found: &Found) -> HashMap<Viewer, Vec<Showing>> {
    let mut showings: HashMap<(Viewer, [u8; 32], LiveObject), Showing> = HashMap::new();
    for watcher in watchers {
        let known = watcher.known.and_then(|key| found.known.get(&key));
        for object in objects_for(watcher, changed, found, known) {
            let key = (watcher.viewer, watcher.operation.digest, object);
            let showing = showings.entry(key).or_insert_with(|| Showing {
                object,
                watcher: watcher.clone(),
                to: Vec::new(),
            });
            showing.to.push(watcher.id);
        }
    }
    let mut by_viewer: HashMap<Viewer, Vec<Showing>> = HashMap::new();
    for ((viewer, ..), showing) in showings {
        by_viewer.entry(viewer).or_default().push(showing);
    }
    by_viewer
}

/// What this watcher has to be shown, each object once.
fn objects_for(watcher: &Watcher, changed: &Changed, found: &Found, known: Option<&KnownIds>) -> Vec<LiveObject> {
    let Watcher {
        interest,
        viewer,
        account,
        ..
    } = watcher;
    let requests = changed.requests.iter().filter_map(|id| {
        let request = AccessRequestId::from_uuid(*id);
        let takes = match found.requests.get(id) {
            Some(route) => interest.takes_request(viewer, route),
            None => interest.takes_gone_request(viewer, request, known),
        };
        takes.then_some(LiveObject::AccessRequest(request))
    });
    let credentials = changed.credentials.iter().filter_map(|id| {
        let credential = CredentialId::from_uuid(*id);
        let takes = match found.credentials.get(id) {
            Some(route) => interest.takes_credential(viewer, route),
            None => interest.takes_gone_credential(viewer, credential, known),
        };
        takes.then_some(LiveObject::Credential(credential))
    });
    let accounts = changed.accounts.iter().filter_map(|changed| {
        let takes = interest.takes_account(*account, *changed);
        takes.then_some(LiveObject::Viewer(*changed))
    });
    let mut objects: Vec<LiveObject> = match interest {
        Interest::AccessRequest(_) | Interest::AccessRequests(_) => requests.collect(),
        Interest::Credentials(_) => credentials.collect(),
        Interest::Viewer => accounts.collect(),
    };
    if let (true, Interest::AccessRequest(id)) = (watcher.is_starting, interest) {
        let first = LiveObject::AccessRequest(*id);
        if !objects.contains(&first) {
            objects.push(first);
        }
    }
    objects
}
