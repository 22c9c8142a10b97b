//! A persistent array of shards: what a change leaves alone is shared between the snapshot before and the one after.
//!
//! ```text
//!   root ─► 32 nodes ─► 32 shards each      a change copies one shard, its node's 32 pointers and the root's 32
//! ```

use std::{
    hash::{BuildHasher as _, Hasher as _},
    sync::Arc,
};

use domain::api_key::ApiKeyHash;
use foldhash::quality::FixedState;
use uuid::Uuid;

const FAN_BITS: u32 = 5;
const FAN: usize = 1 << FAN_BITS;
pub(super) const SHARD_BITS: u32 = 2 * FAN_BITS;

/// 1,024 shards. At a million keys each holds about a thousand, so that a change copies some ninety kilobytes; with more
/// shards a change would cost less, and a look-up more, as their heads fill the processor's cache.
#[derive(Clone, Debug)]
pub(super) struct Shards<T>(Arc<[Arc<[T; FAN]>; FAN]>);

impl<T: Clone + Default> Default for Shards<T> {
    fn default() -> Self {
        let empty: Arc<[T; FAN]> = Arc::new(std::array::from_fn(|_| T::default()));
        Self(Arc::new(std::array::from_fn(|_| Arc::clone(&empty))))
    }
}

impl<T: Clone> Shards<T> {
    pub(super) fn get(&self, shard: usize) -> &T {
        &self.0[shard / FAN][shard % FAN]
    }

    /// Puts a shard in the place of another. What other snapshots see stays.
    pub(super) fn set(&mut self, shard: usize, value: T) {
        let node = &mut Arc::make_mut(&mut self.0)[shard / FAN];
        Arc::make_mut(node)[shard % FAN] = value;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> + use<'_, T> {
        self.0.iter().flat_map(|node| node.iter())
    }
}

/// Where an object stands among the shards: evenly spread, whatever the ids have in common. Its first bits choose the
/// shard.
pub(super) fn place_of_id(id: Uuid) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write_u128(id.as_u128());
    hasher.finish()
}

/// The place of a key, whose hash is evenly spread by itself.
pub(super) fn place_of_key(hash: &ApiKeyHash) -> u64 {
    match hash.as_bytes().first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => 0,
    }
}

/// The shard at a place.
pub(super) const fn shard_at(place: u64) -> usize {
    (place >> (u64::BITS - SHARD_BITS)) as usize
}

/// The 32 bits after those that choose the shard.
pub(super) const fn within_shard(place: u64) -> u32 {
    (place >> (u32::BITS - SHARD_BITS)) as u32
}

/// Where in a sorted list of evenly spread numbers those that are not below `target` begin. `reading` gives a number as
/// a fraction of 2^32. It looks where the target should be, and goes on from there: one cache line, mostly, where
/// halving would touch five.
pub(super) fn lower_bound<T>(sorted: &[T], target: u32, reading: impl Fn(&T) -> u32) -> usize {
    let guess = (u64::from(target) * sorted.len() as u64) >> u32::BITS;
    let mut at = guess as usize;
    while at > 0 && reading(&sorted[at - 1]) >= target {
        at -= 1;
    }
    while at < sorted.len() && reading(&sorted[at]) < target {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_that_differ_little_are_spread() {
        let mut used = vec![0_u32; 1 << SHARD_BITS];
        for number in 0..100_000_u128 {
            used[shard_at(place_of_id(Uuid::from_u128(number << 40)))] += 1;
        }
        // 98 expected; half or twice as many in some shard would be a hash that does not spread.
        assert!(used.iter().all(|count| (49..196).contains(count)));
    }

    #[test]
    fn a_change_is_not_seen_by_the_copy_before() {
        let mut shards: Shards<u32> = Shards::default();
        shards.set(1_023, 1);
        let before = shards.clone();
        shards.set(1_023, 2);
        shards.set(0, 3);
        assert_eq!((*before.get(1_023), *before.get(0)), (1, 0));
        assert_eq!((*shards.get(1_023), *shards.get(0)), (2, 3));
        assert_eq!(shards.iter().sum::<u32>(), 5);
    }

    proptest! {
        #[test]
        fn the_lower_bound_is_found_however_the_numbers_lie(
            mut sorted in proptest::collection::vec(prop_oneof![0_u32..9, any::<u32>()], 0..40),
            target in prop_oneof![0_u32..9, any::<u32>()],
        ) {
            sorted.sort_unstable();
            let expected = sorted.partition_point(|number| *number < target);
            prop_assert_eq!(lower_bound(&sorted, target, |number| *number), expected);
        }
    }
}
