//! Shards are never changed: the next one is written from what stays of the present one and what is new.

use domain::id::{AppId, DeveloperId};

use super::{App, AppRow, AppShard, AppState, RequestRow, credential::CredentialRow, owner_at};
use crate::snapshot::index::Owner;

/// A shard that is being written.
#[derive(Debug, Default)]
pub(super) struct OpenShard {
    places: Vec<Owner>,
    rows: Vec<AppRow>,
    requests: Vec<RequestRow>,
    credentials: Vec<CredentialRow>,
    timed: Vec<u32>,
    times: Vec<[u8; 8]>,
    texts: String,
}

impl OpenShard {
    /// Writes a shard with these states in the place of what stood under their ids.
    pub(super) fn merge(&mut self, old: &AppShard, states: impl IntoIterator<Item = ((u64, AppId), AppState)>) {
        let mut old = (0..old.rows.len()).map(|at| App { shard: old, at }).peekable();
        for ((place, id), state) in states {
            while let Some(app) = old.next_if(|app| (app.place(), app.id()) < (place, id)) {
                self.copy(app);
            }
            let _replaced = old.next_if(|app| app.id() == id);
            if !state.is_empty() {
                self.push(id, place, state);
            }
        }
        old.for_each(|app| self.copy(app));
    }

    /// Takes an app over as it is.
    fn copy(&mut self, app: App<'_>) {
        let App { shard, at } = app;
        self.requests.extend_from_slice(app.request_rows());
        let first = app.first_credential() as u32;
        let end = shard.rows[at].credentials_end;
        let times = shard.timed.partition_point(|credential| *credential < first)
            ..shard.timed.partition_point(|credential| *credential < end);
        let moved = (self.credentials.len() as u32).wrapping_sub(first);
        let timed = shard.timed[times.clone()].iter();
        self.timed
            .extend(timed.map(|credential| credential.wrapping_add(moved)));
        self.times.extend_from_slice(&shard.times[times]);
        self.credentials.extend_from_slice(app.credential_rows());
        self.texts.push_str(app.name());
        let name_end = self.texts.len() as u32;
        self.texts.push_str(app.reference_id());
        self.places.push(shard.places[at]);
        self.rows.push(AppRow {
            requests_end: self.requests.len() as u32,
            credentials_end: self.credentials.len() as u32,
            name_end,
            reference_id_end: self.texts.len() as u32,
            ..shard.rows[at]
        });
    }

    fn push(&mut self, id: AppId, place: u64, state: AppState) {
        let AppState {
            app,
            requests,
            mut credentials,
        } = state;
        self.requests.extend(requests);
        credentials.sort_unstable_by_key(|credential| credential.id);
        let mut rows: Vec<_> = credentials.iter().map(CredentialRow::of).collect();
        rows.sort_by_key(|(row, _)| row.place());
        for (row, times) in rows {
            for time in times.into_iter().flatten() {
                self.timed.push(self.credentials.len() as u32);
                self.times.push(time.as_millis().to_le_bytes());
            }
            self.credentials.push(row);
        }
        let (developer_id, status, name_length) = match &app {
            Some(app) => {
                self.texts.push_str(&app.name);
                let name_end = self.texts.len();
                self.texts.push_str(&app.reference_id);
                (app.developer_id, Some(app.status), name_end)
            }
            None => (DeveloperId::from_uuid(uuid::Uuid::nil()), None, self.texts.len()),
        };
        self.places.push(owner_at(place));
        self.rows.push(AppRow {
            id,
            developer_id,
            status,
            requests_end: self.requests.len() as u32,
            credentials_end: self.credentials.len() as u32,
            name_end: name_length as u32,
            reference_id_end: self.texts.len() as u32,
        });
    }

    /// The shard, in lists that are just as long as they must be. What is left is empty, with room for the next.
    pub(super) fn close(&mut self) -> AppShard {
        fn taken<T: Copy>(list: &mut Vec<T>) -> Box<[T]> {
            let exact = Box::from(list.as_slice());
            list.clear();
            exact
        }
        let texts = Box::from(self.texts.as_str());
        self.texts.clear();
        AppShard {
            places: taken(&mut self.places),
            rows: taken(&mut self.rows),
            requests: taken(&mut self.requests),
            credentials: taken(&mut self.credentials),
            timed: taken(&mut self.timed),
            times: taken(&mut self.times),
            texts,
        }
    }
}
