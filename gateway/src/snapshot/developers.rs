//! The developers' states.

use std::sync::Arc;

use domain::{developer::DeveloperStatus, id::DeveloperId};

use super::shards::{Shards, lower_bound, place_of_id, shard_at, within_shard};
use crate::record::DeveloperRecord;

/// The rows of a shard are sorted by place.
#[derive(Clone, Debug, Default)]
pub(super) struct Developers(Shards<Arc<[Row]>>);

type Row = (DeveloperId, DeveloperStatus);

impl Developers {
    pub(super) fn status(&self, id: DeveloperId) -> Option<DeveloperStatus> {
        let place = place_of_id(id.uuid());
        let rows = self.0.get(shard_at(place));
        let at = lower_bound(rows, within_shard(place), |row| within_shard(place_of(row)));
        let mut similar = rows[at..].iter().take_while(|row| place_of(row) <= place);
        Some(similar.find(|row| row.0 == id)?.1)
    }

    pub(super) fn set(&mut self, id: DeveloperId, record: Option<DeveloperRecord>) {
        let shard = shard_at(place_of_id(id.uuid()));
        let mut rows = self.0.get(shard).to_vec();
        rows.retain(|(other, _)| *other != id);
        rows.extend(record.map(|record| (id, record.status)));
        rows.sort_unstable_by_key(place_of);
        self.0.set(shard, rows.into());
    }

    pub(super) fn records(&self) -> impl Iterator<Item = DeveloperRecord> + use<'_> {
        self.0.iter().flat_map(|rows| {
            rows.iter().map(|(id, status)| DeveloperRecord {
                id: *id,
                status: *status,
            })
        })
    }
}

fn place_of(row: &Row) -> u64 {
    place_of_id(row.0.uuid())
}
