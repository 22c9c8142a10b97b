//! From a key's hash, or a credential's id, to the app that has it.
//!
//! ```text
//!   place of the key:  │ shard (10 bits) │ fingerprint (32) │ … │
//!   an entry, 8 bytes: │ fingerprint (32) │ the first 32 bits of the app's place │    sorted within its shard
//! ```
//!
//! An entry may be a false friend: another key with the same fingerprint, another app with the same first bits. Whoever
//! asks compares the whole key with what the app has.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::shards::{SHARD_BITS, Shards, lower_bound, shard_at, within_shard};

/// The first 32 bits of an app's place.
pub(super) type Owner = u32;

#[derive(Clone, Debug, Default)]
pub(super) struct Index(Shards<Arc<[u64]>>);

const fn entry(place: u64, owner: Owner) -> u64 {
    (within_shard(place) as u64) << u32::BITS | owner as u64
}

const fn fingerprint(entry: &u64) -> u32 {
    (*entry >> u32::BITS) as u32
}

fn owners(entries: &[u64], place: u64) -> impl Iterator<Item = Owner> + use<'_> {
    let wanted = within_shard(place);
    let first = lower_bound(entries, wanted, fingerprint);
    entries[first..]
        .iter()
        .take_while(move |entry| fingerprint(entry) == wanted)
        .map(|entry| *entry as u32)
}

impl Index {
    /// The apps that may have what stands at this place.
    pub(super) fn owners(&self, place: u64) -> impl Iterator<Item = Owner> + use<'_> {
        owners(self.0.get(shard_at(place)), place)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|entries| entries.len()).sum()
    }
}

/// The entries of an index that is made at once.
#[derive(Debug, Default)]
pub(super) struct Gathered(Vec<u128>);

impl Gathered {
    pub(super) fn insert(&mut self, place: u64, owner: Owner) {
        // Shard, fingerprint, owner.
        self.0
            .push(u128::from(place >> (u32::BITS - SHARD_BITS)) << u32::BITS | u128::from(owner));
    }

    /// The index. Who owns entries that cannot be told apart by place goes to `similar`.
    pub(super) fn index(self, similar: &mut BTreeSet<Owner>) -> Index {
        let Self(mut entries) = self;
        entries.sort_unstable();
        let pairs = entries
            .windows(2)
            .filter(|pair| pair[0] >> u32::BITS == pair[1] >> u32::BITS);
        similar.extend(pairs.flatten().map(|entry| *entry as Owner));
        let shard = |entry: &u128| (*entry >> u64::BITS) as usize;
        let mut index = Index::default();
        for entries in entries.chunk_by(|one, other| shard(one) == shard(other)) {
            if let Some(first) = entries.first() {
                index
                    .0
                    .set(shard(first), entries.iter().map(|entry| *entry as u64).collect());
            }
        }
        index
    }
}

/// An index while a batch of changes is made.
#[derive(Debug)]
pub(super) struct OpenIndex {
    closed: Index,
    open: BTreeMap<usize, Vec<u64>>,
}

impl OpenIndex {
    pub(super) const fn of(index: Index) -> Self {
        Self {
            closed: index,
            open: BTreeMap::new(),
        }
    }

    pub(super) fn owners(&self, place: u64) -> impl Iterator<Item = Owner> + use<'_> {
        let shard = shard_at(place);
        let entries = match self.open.get(&shard) {
            Some(open) => open.as_slice(),
            None => self.closed.0.get(shard),
        };
        owners(entries, place)
    }

    pub(super) fn insert(&mut self, place: u64, owner: Owner) {
        let entry = entry(place, owner);
        let entries = self.entries(place);
        let at = entries.partition_point(|other| *other < entry);
        entries.insert(at, entry);
    }

    /// Takes out one entry of what was put in.
    pub(super) fn remove(&mut self, place: u64, owner: Owner) {
        let entries = self.entries(place);
        if let Ok(at) = entries.binary_search(&entry(place, owner)) {
            entries.remove(at);
        }
    }

    fn entries(&mut self, place: u64) -> &mut Vec<u64> {
        let shard = shard_at(place);
        let Self { closed, open } = self;
        open.entry(shard).or_insert_with(|| closed.0.get(shard).to_vec())
    }

    pub(super) fn close(self) -> Index {
        let Self { mut closed, open } = self;
        for (shard, entries) in open {
            closed.0.set(shard, entries.into());
        }
        closed
    }
}
