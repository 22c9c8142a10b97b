//! From a key's hash, or a credential's id, to the app that has it.
//!
//! ```text
//!   place of the key:  │ shard (10 bits) │ fingerprint (24) │ … │
//!   an entry, 6 bytes: │ fingerprint (24) │ the first 24 bits of the app's place │    sorted within its shard
//! ```
//!
//! An entry may be a false friend: another key with the same fingerprint, another app with the same first bits. Whoever
//! asks compares the whole key with what the app has.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::shards::{SHARD_BITS, Shards, lower_bound, shard_at};

/// The first bits of an app's place, as a number.
pub(super) type Owner = u32;
pub(super) const OWNER_BITS: u32 = 24;
const FINGERPRINT_BITS: u32 = 24;

type Entry = [u8; 6];

#[derive(Clone, Debug, Default)]
pub(super) struct Index(Shards<Arc<[Entry]>>);

/// Shard, fingerprint and owner in one number.
const fn numbered(place: u64, owner: Owner) -> u64 {
    place >> (u64::BITS - SHARD_BITS - FINGERPRINT_BITS) << OWNER_BITS | owner as u64
}

/// The number without the shard, its bytes in the order that they are compared in.
const fn entry(number: u64) -> Entry {
    let [_, _, a, b, c, d, e, f] = number.to_be_bytes();
    [a, b, c, d, e, f]
}

/// As a fraction of 2^32.
const fn fingerprint(entry: &Entry) -> u32 {
    let [a, b, c, ..] = *entry;
    u32::from_be_bytes([a, b, c, 0])
}

const fn owner(entry: &Entry) -> Owner {
    let [.., a, b, c] = *entry;
    Owner::from_be_bytes([0, a, b, c])
}

fn owners(entries: &[Entry], place: u64) -> impl Iterator<Item = Owner> + use<'_> {
    let wanted = fingerprint(&entry(numbered(place, 0)));
    let first = lower_bound(entries, wanted, fingerprint);
    entries[first..]
        .iter()
        .take_while(move |entry| fingerprint(entry) == wanted)
        .map(owner)
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

/// An index that is made at once: part by part, each sorted and written before the next is gathered, as all entries
/// together would take as much memory again.
#[derive(Debug, Default)]
pub(super) struct NewIndex {
    index: Index,
    part: Vec<u64>,
    similar: BTreeSet<Owner>,
}

impl NewIndex {
    pub(super) const PARTS: u64 = 4;

    /// The part that an entry belongs to.
    pub(super) const fn part_of(place: u64) -> u64 {
        place >> (u64::BITS - Self::PARTS.ilog2())
    }

    /// Takes an entry of the present part.
    pub(super) fn insert(&mut self, place: u64, owner: Owner) {
        self.part.push(numbered(place, owner));
    }

    pub(super) fn close_part(&mut self) {
        self.part.sort_unstable();
        let pairs = self.part.windows(2);
        let similar = pairs.filter(|pair| pair[0] >> OWNER_BITS == pair[1] >> OWNER_BITS);
        let similar = similar.flatten().map(|number| owner(&entry(*number)));
        self.similar.extend(similar);
        let shard = |number: &u64| (*number >> (FINGERPRINT_BITS + OWNER_BITS)) as usize;
        for numbers in self.part.chunk_by(|one, other| shard(one) == shard(other)) {
            if let Some(first) = numbers.first() {
                let entries = numbers.iter().map(|number| entry(*number)).collect();
                self.index.0.set(shard(first), entries);
            }
        }
        self.part.clear();
    }

    /// The index, and who owns entries that cannot be told apart by their place.
    pub(super) fn finish(self) -> (Index, BTreeSet<Owner>) {
        (self.index, self.similar)
    }
}

/// An index while a batch of changes is made.
#[derive(Debug)]
pub(super) struct OpenIndex {
    closed: Index,
    open: BTreeMap<usize, Vec<Entry>>,
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
        let entry = entry(numbered(place, owner));
        let entries = self.entries(place);
        let at = entries.partition_point(|other| *other < entry);
        entries.insert(at, entry);
    }

    /// Takes out one entry of what was put in.
    pub(super) fn remove(&mut self, place: u64, owner: Owner) {
        let entries = self.entries(place);
        if let Ok(at) = entries.binary_search(&entry(numbered(place, owner))) {
            entries.remove(at);
        }
    }

    fn entries(&mut self, place: u64) -> &mut Vec<Entry> {
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
