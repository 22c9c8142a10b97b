//! The strategies, and the headers in which keys are sent.

use std::{collections::BTreeSet, sync::Arc};

use domain::id::AuthStrategyId;
use http::HeaderName;

use super::Map;
use crate::{
    header_name,
    record::{AuthStrategyRecord, Unreadable, Update},
    strategy::Strategy,
};

/// All strategies. A strategy that cannot be read is none that a version could have, but the headers that hold its keys
/// are remembered until it is known to be gone: a client may send them to any version.
#[derive(Clone, Debug)]
pub(crate) struct Strategies {
    readable: Map<AuthStrategyId, Arc<Strategy>>,
    /// Those that cannot be read, with every header that was known for theirs since they last could be, folded.
    unreadable: Map<AuthStrategyId, Arc<BTreeSet<String>>>,
    /// The key headers of all of them, in the form of [`header_name::folded`].
    key_headers: Arc<BTreeSet<String>>,
}

impl Strategies {
    pub(super) fn none() -> Self {
        Self {
            readable: Map::new_with_hasher_and_ptr_kind(foldhash::fast::RandomState::default()),
            unreadable: Map::new_with_hasher_and_ptr_kind(foldhash::fast::RandomState::default()),
            key_headers: Arc::default(),
        }
    }

    /// A strategy that can be read.
    pub(super) fn get(&self, id: AuthStrategyId) -> Option<&Arc<Strategy>> {
        self.readable.get(&id)
    }

    /// Whether a header, its name folded, may hold a key by its name.
    pub(super) fn is_key_header(&self, folded_name: &str) -> bool {
        self.key_headers.contains(folded_name)
    }

    /// Whether the key headers of all strategies are known for certain.
    pub(crate) fn are_all_readable(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// It is this now, or gone.
    pub(super) fn set(&mut self, id: AuthStrategyId, record: Option<AuthStrategyRecord>) {
        self.unreadable.remove_mut(&id);
        match record {
            Some(record) => self.readable.insert_mut(id, Arc::new(Strategy::of(record))),
            None => {
                self.readable.remove_mut(&id);
            }
        }
        self.gather_key_headers();
    }

    /// It is there, and what it is cannot be read but for these names.
    pub(super) fn set_unreadable(&mut self, id: AuthStrategyId, key_names: &[String]) {
        let mut names = self.names_of(id).unwrap_or_default();
        let told = key_names.iter().filter_map(|name| HeaderName::try_from(name).ok());
        names.extend(told.map(|name| header_name::folded(&name).into_owned()));
        self.readable.remove_mut(&id);
        self.unreadable.insert_mut(id, Arc::new(names));
        self.gather_key_headers();
    }

    /// Takes over what an earlier state knew of the strategies that cannot be read now.
    pub(super) fn remember(&mut self, earlier: &Self) {
        let unreadable: Vec<AuthStrategyId> = self.unreadable.keys().copied().collect();
        for id in unreadable {
            let names: Vec<String> = earlier.names_of(id).into_iter().flatten().collect();
            self.set_unreadable(id, &names);
        }
    }

    /// The key headers of one strategy, folded; `None` when it is not known at all.
    fn names_of(&self, id: AuthStrategyId) -> Option<BTreeSet<String>> {
        let readable = self.readable.get(&id);
        let names = readable.map(|strategy| strategy.folded_key_names().collect());
        names.or_else(|| self.unreadable.get(&id).map(|names| (**names).clone()))
    }

    fn gather_key_headers(&mut self) {
        let readable = self.readable.values().flat_map(|strategy| strategy.folded_key_names());
        let unreadable = self.unreadable.values().flat_map(|names| names.iter().cloned());
        self.key_headers = Arc::new(readable.chain(unreadable).collect());
    }

    /// All of them, as updates that make the same of none.
    pub(super) fn updates(&self) -> impl Iterator<Item = Update> + '_ {
        let readable = self.readable.values().map(|strategy| strategy.record().clone().into());
        let unreadable = self.unreadable.iter().map(|(id, names)| {
            Update::Unreadable(Unreadable::AuthStrategy {
                id: *id,
                key_names: names.iter().cloned().collect(),
            })
        });
        readable.chain(unreadable)
    }

    #[cfg(test)]
    pub(super) fn key_headers(&self) -> &BTreeSet<String> {
        &self.key_headers
    }
}
