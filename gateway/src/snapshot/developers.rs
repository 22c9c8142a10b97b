//! The developers' states.

use std::sync::Arc;

use domain::{developer::DeveloperStatus, id::DeveloperId};

use super::shards::{Shards, place_of_id, shard_at};
use crate::record::DeveloperRecord;

/// The rows of a shard are sorted by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Developers(Shards<Arc<[Row]>>);

type Row = (DeveloperId, DeveloperStatus);

impl Developers {
    pub(super) fn status(&self, id: DeveloperId) -> Option<DeveloperStatus> {
        let rows = self.0.get(shard_of(id));
        let at = rows.binary_search_by_key(&id, |(other, _)| *other).ok()?;
        Some(rows[at].1)
    }

    pub(super) fn set(&mut self, id: DeveloperId, record: Option<DeveloperRecord>) {
        let shard = shard_of(id);
        let mut rows = self.0.get(shard).to_vec();
        let at = rows.binary_search_by_key(&id, |(other, _)| *other);
        match (at, record) {
            (Ok(at), Some(record)) => rows[at].1 = record.status,
            (Ok(at), None) => {
                rows.remove(at);
            }
            (Err(at), Some(record)) => rows.insert(at, (id, record.status)),
            (Err(_), None) => return,
        }
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

fn shard_of(id: DeveloperId) -> usize {
    shard_at(place_of_id(id.uuid()))
}
