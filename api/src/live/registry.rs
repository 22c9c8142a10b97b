//! The subscriptions of one node, and what is remembered for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::{Request, Variables, parser::types::ExecutableDocument};
use bytes::Bytes;
use domain::{Timestamp, id::AppId, viewer::Viewer};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    feed::Feed,
    interest::{CredentialRoute, Interest, KnownIds, KnownKey, LiveObject, RequestRoute},
    outbox::Outbox,
};
use crate::{
    http::{preparation::Prepared, query_cost::Cost},
    session::{access_token::Claims, directory::AccountDirectory, realm::AccountId},
};

/// A subscription's document, ready to be executed once for each event.
pub(super) struct Operation {
    document: Arc<ExecutableDocument>,
    operation_name: Option<String>,
    variables: Variables,
    /// What tells whether two subscribers asked the same.
    pub(super) digest: [u8; 32],
    /// What each event may cost.
    pub(super) cost: Cost,
}

impl Operation {
    pub(super) fn new(prepared: Prepared) -> Self {
        let variables = serde_json::to_vec(&prepared.variables).unwrap_or_default();
        let name = prepared.operation_name.as_deref().unwrap_or_default();
        let mut digest = Sha256::new();
        for part in [prepared.text.as_bytes(), name.as_bytes(), &variables] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        // It was paid for when it began, and is the same for every event.
        let cost = Cost {
            actual: prepared.cost.requested,
            ..prepared.cost
        };
        Self {
            document: prepared.document,
            operation_name: prepared.operation_name,
            variables: prepared.variables,
            digest: digest.finalize().into(),
            cost,
        }
    }

    /// The request to execute.
    pub(super) fn request(&self) -> Request {
        let mut request = Request::new(String::new()).variables(self.variables.clone());
        request.operation_name.clone_from(&self.operation_name);
        request.set_parsed_query((*self.document).clone());
        request
    }
}

/// One subscription.
pub(super) struct Subscription {
    pub(super) claims: Claims,
    pub(super) interest: Interest,
    pub(super) operation: Arc<Operation>,
    pub(super) outbox: Arc<Outbox>,
    /// The outbox's number for it.
    pub(super) number: u64,
    /// Is told when the subscription hears of every change from then on; `None` afterwards.
    pub(super) starting: Option<oneshot::Sender<()>>,
}

struct Entry {
    subscription: Subscription,
    known: Option<KnownKey>,
    /// What was last shown of the one object that it is about.
    last: Option<Bytes>,
}

#[derive(Default)]
struct Known {
    /// `None` until it was read.
    ids: Option<KnownIds>,
    /// How many subscriptions need it.
    users: usize,
}

#[derive(Default)]
struct Subscriptions {
    next_id: u64,
    entries: HashMap<u64, Entry>,
    /// What one event of each open subscription may cost, summed up by account.
    costs: HashMap<AccountId, usize>,
    known: HashMap<KnownKey, Known>,
}

/// What a round needs to know of one subscription.
#[derive(Clone)]
pub(super) struct Watcher {
    pub(super) id: u64,
    pub(super) account: AccountId,
    pub(super) viewer: Viewer,
    pub(super) interest: Interest,
    pub(super) operation: Arc<Operation>,
    pub(super) known: Option<KnownKey>,
    pub(super) is_starting: bool,
}

/// All subscriptions.
#[derive(Default)]
pub(super) struct Registry(Mutex<Subscriptions>);

impl Registry {
    /// Adds a subscription, unless its account's would cost more than `at_most` then. From now on the feed gathers what
    /// changes.
    pub(super) fn add(&self, subscription: Subscription, at_most: usize, feed: &Feed) -> Option<u64> {
        let mut all = self.lock();
        let cost = all.costs.entry(subscription.claims.account).or_default();
        let costs = cost.saturating_add(subscription.operation.cost.requested);
        if costs > at_most {
            return None;
        }
        *cost = costs;
        let id = all.next_id;
        all.next_id += 1;
        let known = subscription.interest.known_key(subscription.claims.account);
        if let Some(key) = known {
            all.known.entry(key).or_default().users += 1;
        }
        let entry = Entry {
            subscription,
            known,
            last: None,
        };
        all.entries.insert(id, entry);
        feed.set_open(true);
        Some(id)
    }

    /// Removes a subscription, and what was remembered for it alone.
    pub(super) fn remove(&self, id: u64, feed: &Feed) {
        let mut all = self.lock();
        let removed = all.entries.remove(&id);
        if let Some(Entry { subscription, .. }) = &removed {
            let account = subscription.claims.account;
            let cost = all.costs.get(&account).copied().unwrap_or_default();
            match cost.saturating_sub(subscription.operation.cost.requested) {
                0 => all.costs.remove(&account),
                left => all.costs.insert(account, left),
            };
        }
        if let Some(key) = removed.and_then(|entry| entry.known)
            && let Some(known) = all.known.get_mut(&key)
        {
            known.users -= 1;
            if known.users == 0 {
                all.known.remove(&key);
            }
        }
        feed.set_open(!all.entries.is_empty());
    }

    /// All subscriptions whose viewers may still act, with the eyes that they have now, and the keys of which nothing
    /// was read yet.
    pub(super) fn watchers(&self, directory: &AccountDirectory) -> (Vec<Watcher>, Vec<KnownKey>) {
        let all = self.lock();
        let now = Timestamp::now();
        let watcher = |(id, entry): (&u64, &Entry)| {
            let Subscription {
                claims,
                interest,
                operation,
                outbox: _,
                number: _,
                starting,
            } = &entry.subscription;
            // Who may not act any more is about to be told so by the connection.
            let viewer = directory.check(claims, now).ok()?;
            Some(Watcher {
                id: *id,
                account: claims.account,
                viewer,
                interest: interest.clone(),
                operation: Arc::clone(operation),
                known: entry.known,
                is_starting: starting.is_some(),
            })
        };
        let unread = all.known.iter().filter(|(_, known)| known.ids.is_none());
        let unread = unread.map(|(key, _)| *key).collect();
        (all.entries.iter().filter_map(watcher).collect(), unread)
    }

    /// Keeps what was read for some keys.
    pub(super) fn learn(&self, read: HashMap<KnownKey, KnownIds>) {
        let mut all = self.lock();
        for (key, ids) in read {
            if let Some(known) = all.known.get_mut(&key) {
                known.ids.get_or_insert(ids);
            }
        }
    }

    /// What of these ids is remembered, by key.
    pub(super) fn known_among(&self, ids: &[Uuid]) -> HashMap<KnownKey, KnownIds> {
        let all = self.lock();
        let mut found = HashMap::new();
        for (key, known) in &all.known {
            let Some(known) = &known.ids else {
                continue;
            };
            let among: KnownIds = ids.iter().filter_map(|id| Some((*id, *known.get(id)?))).collect();
            if !among.is_empty() {
                found.insert(*key, among);
            }
        }
        found
    }

    /// Remembers what is there and forgets what is gone.
    pub(super) fn update_known<'a>(
        &self,
        requests: impl IntoIterator<Item = &'a RequestRoute>,
        credentials: impl IntoIterator<Item = &'a CredentialRoute>,
        gone: &[Uuid],
    ) {
        let mut all = self.lock();
        let mut put = |key: KnownKey, id: Uuid, app: AppId| {
            if let Some(ids) = all.known.get_mut(&key).and_then(|known| known.ids.as_mut()) {
                ids.insert(id, app);
            }
        };
        for route in requests {
            put(KnownKey::RequestsOf(route.developer), route.id.uuid(), route.app);
        }
        for route in credentials {
            put(KnownKey::CredentialsOf(route.developer), route.id.uuid(), route.app);
            put(KnownKey::CredentialsOfApp(route.app), route.id.uuid(), route.app);
        }
        for ids in all.known.values_mut().filter_map(|known| known.ids.as_mut()) {
            for id in gone {
                ids.remove(id);
            }
        }
    }

    /// The subscription hears of every change from now on.
    pub(super) fn started(&self, id: u64) {
        if let Some(entry) = self.lock().entries.get_mut(&id)
            && let Some(starting) = entry.subscription.starting.take()
        {
            // Whoever waited may be gone.
            let _ = starting.send(());
        }
    }

    /// Hands a result to the subscription. Of one that is about a single object, what shows nothing new is left out,
    /// and it is over when the object is gone.
    pub(super) fn deliver(&self, id: u64, object: LiveObject, payload: &Bytes, is_gone: bool) -> bool {
        let mut all = self.lock();
        let Some(entry) = all.entries.get_mut(&id) else {
            return false;
        };
        let is_single = matches!(entry.subscription.interest, Interest::AccessRequest(_));
        if is_single && entry.last.as_ref() == Some(payload) {
            return false;
        }
        let Subscription { outbox, number, .. } = &entry.subscription;
        outbox.next(*number, Some(object), payload.clone());
        if is_single && is_gone {
            outbox.complete(*number);
        }
        if is_single {
            entry.last = Some(payload.clone());
        }
        true
    }

    /// All outboxes, some perhaps several times.
    pub(super) fn outboxes(&self) -> Vec<Arc<Outbox>> {
        let all = self.lock();
        let outboxes = all.entries.values();
        outboxes.map(|entry| Arc::clone(&entry.subscription.outbox)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Subscriptions> {
        // Nothing in there can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
