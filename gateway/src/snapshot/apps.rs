//! The apps, each with what stands under its id: its requests and its credentials.
//!
//! ```text
//!   shard:  places │ rows (52 bytes) │ requests (17) │ credentials (55) │ times, of those that have more (12) │ texts
//!                        └── say where their part of each of the other lists ends ──┘
//! ```
//!
//! A row may stand for an app that is not there (yet), while its credentials or requests are: they open nothing.

use std::sync::Arc;

use domain::{
    Timestamp, access,
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    app::AppStatus,
    credential::CredentialKind,
    id::{AppId, CredentialId, DeveloperId, VersionId},
};

use super::{
    index::Owner,
    shards::{SHARD_BITS, Shards, lower_bound, place_of_id, place_of_key, shard_at},
};
use crate::record::{AccessRequestRecord, AppRecord, CredentialRecord};

#[derive(Clone, Debug, Default)]
pub(super) struct Apps(Shards<Arc<AppShard>>);

/// Some apps, sorted by place and then id; in each list, what is an app's stands together, in the apps' order.
#[derive(Debug, Default)]
pub(super) struct AppShard {
    /// The first 32 bits of each app's place.
    places: Box<[Owner]>,
    rows: Box<[AppRow]>,
    requests: Box<[RequestRow]>,
    /// An app's are sorted by hash and then id.
    credentials: Box<[CredentialRow]>,
    /// Whose the times are, by their place in the list of credentials: most have none.
    timed: Box<[u32]>,
    times: Box<[[u8; 8]]>,
    texts: Box<str>,
}

#[derive(Clone, Copy, Debug)]
struct AppRow {
    id: AppId,
    /// Without meaning when there is no app.
    developer_id: DeveloperId,
    /// `None`: there is no app, only what others say of it.
    status: Option<AppStatus>,
    requests_end: u32,
    credentials_end: u32,
    /// The name begins where the app before ends.
    name_end: u32,
    reference_id_end: u32,
}

type RequestRow = (VersionId, AccessRequestStatus);

#[derive(Clone, Copy, Debug)]
struct CredentialRow {
    /// Zeros when there is none.
    key_hash: ApiKeyHash,
    id: CredentialId,
    /// Milliseconds, up to the year 10889. (As a number it would be aligned, and bytes of each row be lost.)
    created_at: [u8; 6],
    flags: u8,
}

const HAS_KEY: u8 = 1;
const IS_OAUTH_CLIENT: u8 = 2;
// Which times stand in the list of times, in this order.
const HAS_EXPIRY: u8 = 4;
const HAS_REVOCATION: u8 = 8;
/// It was made at a time that the row has no room for.
const HAS_OTHER_CREATION: u8 = 16;

// What a key costs is decided here.
const _: () = assert!(size_of::<AppRow>() == 52 && size_of::<RequestRow>() == 17);
const _: () = assert!(size_of::<CredentialRow>() == 55);

/// What stands under an app's id, in a form that can be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AppState {
    pub(crate) app: Option<AppRecord>,
    pub(crate) requests: Vec<(VersionId, AccessRequestStatus)>,
    pub(crate) credentials: Vec<CredentialRecord>,
}

impl AppState {
    fn is_empty(&self) -> bool {
        self.app.is_none() && self.requests.is_empty() && self.credentials.is_empty()
    }
}

/// The place of an app.
pub(super) fn place_of(id: AppId) -> u64 {
    place_of_id(id.uuid())
}

/// How entries of an index name an app.
pub(super) const fn owner_at(place: u64) -> Owner {
    (place >> u32::BITS) as Owner
}

impl Apps {
    pub(super) fn get(&self, id: AppId) -> Option<App<'_>> {
        self.at(owner_at(place_of(id))).find(|app| app.id() == id)
    }

    /// The apps whose place begins like this.
    pub(super) fn at(&self, owner: Owner) -> impl Iterator<Item = App<'_>> + use<'_> {
        let shard = self.0.get(shard_at(u64::from(owner) << u32::BITS));
        // All in a shard share its bits: what follows them is what is spread.
        let first = lower_bound(&shard.places, owner << SHARD_BITS, |place| place << SHARD_BITS);
        (first..shard.places.len())
            .take_while(move |at| shard.places[*at] == owner)
            .map(move |at| App { shard, at })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = App<'_>> + use<'_> {
        self.0
            .iter()
            .flat_map(|shard| (0..shard.rows.len()).map(move |at| App { shard, at }))
    }

    /// Puts these states in the place of what stood under their ids. They are sorted by place and then id.
    pub(super) fn change(&mut self, states: impl IntoIterator<Item = ((u64, AppId), AppState)>) {
        let mut states = states.into_iter().peekable();
        let mut open = OpenShard::default();
        while let Some(shard) = states.peek().map(|((place, _), _)| shard_at(*place)) {
            let changed = std::iter::from_fn(|| states.next_if(|((place, _), _)| shard_at(*place) == shard));
            open.merge(self.0.get(shard), changed);
            self.0.set(shard, Arc::new(open.close()));
        }
    }
}

/// A shard that is being written.
#[derive(Debug, Default)]
struct OpenShard {
    places: Vec<Owner>,
    rows: Vec<AppRow>,
    requests: Vec<RequestRow>,
    credentials: Vec<CredentialRow>,
    timed: Vec<u32>,
    times: Vec<[u8; 8]>,
    texts: String,
}

impl OpenShard {
    fn merge(&mut self, old: &AppShard, states: impl IntoIterator<Item = ((u64, AppId), AppState)>) {
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
        credentials.sort_unstable_by_key(|credential| (hash_or_zeros(credential.key_hash), credential.id));
        for credential in &credentials {
            let (row, times) = CredentialRow::of(credential);
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
    fn close(&mut self) -> AppShard {
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

const fn hash_or_zeros(hash: Option<ApiKeyHash>) -> ApiKeyHash {
    match hash {
        Some(hash) => hash,
        None => ApiKeyHash::from_bytes([0; 32]),
    }
}

impl CredentialRow {
    /// The row, and what goes to the list of times.
    fn of(record: &CredentialRecord) -> (Self, [Option<Timestamp>; 3]) {
        let CredentialRecord {
            id,
            app_id: _,
            kind,
            key_hash,
            created_at,
            expires_at,
            revoked_at,
        } = record;
        let (created_at, other_creation) = match created_at.as_millis().to_le_bytes() {
            [room @ .., 0, 0] => (room, None),
            _ => ([0; 6], Some(*created_at)),
        };
        let times = [*expires_at, *revoked_at, other_creation];
        let mut flags = match kind {
            CredentialKind::ApiKey => 0,
            CredentialKind::OauthClient => IS_OAUTH_CLIENT,
        };
        for (is_there, flag) in [
            (key_hash.is_some(), HAS_KEY),
            (times[0].is_some(), HAS_EXPIRY),
            (times[1].is_some(), HAS_REVOCATION),
            (times[2].is_some(), HAS_OTHER_CREATION),
        ] {
            flags |= if is_there { flag } else { 0 };
        }
        let row = Self {
            key_hash: hash_or_zeros(*key_hash),
            id: *id,
            created_at,
            flags,
        };
        (row, times)
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn key_hash(&self) -> Option<ApiKeyHash> {
        self.has(HAS_KEY).then_some(self.key_hash)
    }
}

/// What stands under an app's id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct App<'a> {
    shard: &'a AppShard,
    at: usize,
}

impl<'a> App<'a> {
    fn row(self) -> &'a AppRow {
        &self.shard.rows[self.at]
    }

    fn row_before(self) -> Option<&'a AppRow> {
        self.at.checked_sub(1).map(|before| &self.shard.rows[before])
    }

    fn first_credential(self) -> usize {
        self.row_before().map_or(0, |row| row.credentials_end as usize)
    }

    fn credential_rows(self) -> &'a [CredentialRow] {
        &self.shard.credentials[self.first_credential()..self.row().credentials_end as usize]
    }

    fn request_rows(self) -> &'a [RequestRow] {
        let first = self.row_before().map_or(0, |row| row.requests_end as usize);
        &self.shard.requests[first..self.row().requests_end as usize]
    }

    fn place(self) -> u64 {
        place_of(self.id())
    }

    pub(crate) fn id(self) -> AppId {
        self.row().id
    }

    /// Whose it is, and whether it is in use; `None` when there is no such app.
    pub(crate) fn facts(self) -> Option<(DeveloperId, AppStatus)> {
        let row = self.row();
        Some((row.developer_id, row.status?))
    }

    pub(crate) fn name(self) -> &'a str {
        let first = self.row_before().map_or(0, |row| row.reference_id_end as usize);
        &self.shard.texts[first..self.row().name_end as usize]
    }

    pub(crate) fn reference_id(self) -> &'a str {
        &self.shard.texts[self.row().name_end as usize..self.row().reference_id_end as usize]
    }

    pub(super) fn request(self, version: VersionId) -> Option<AccessRequestStatus> {
        let request = self.request_rows().iter().find(|(id, _)| *id == version)?;
        Some(request.1)
    }

    pub(crate) fn credentials(self) -> impl Iterator<Item = Credential<'a>> + use<'a> {
        let first = self.first_credential();
        let end = self.row().credentials_end as usize;
        (first..end).map(move |at| Credential { app: self, at })
    }

    /// The credential with this key.
    pub(super) fn credential_of_key(self, hash: &ApiKeyHash) -> Option<Credential<'a>> {
        // By their first eight bytes, which are one number to the processor; they rarely leave a choice.
        let rows = self.credential_rows();
        let place = place_of_key(hash);
        let first = rows.partition_point(|row| place_of_key(&row.key_hash) < place);
        let found = rows[first..]
            .iter()
            .take_while(|row| place_of_key(&row.key_hash) == place)
            .position(|row| row.key_hash == *hash && row.has(HAS_KEY))?;
        Some(Credential {
            app: self,
            at: self.first_credential() + first + found,
        })
    }

    pub(super) fn record(self) -> Option<AppRecord> {
        let (developer_id, status) = self.facts()?;
        Some(AppRecord {
            id: self.id(),
            developer_id,
            status,
            name: self.name().to_owned(),
            reference_id: self.reference_id().to_owned(),
        })
    }

    pub(crate) fn requests(self) -> impl Iterator<Item = AccessRequestRecord> + use<'a> {
        let rows = self.request_rows().iter();
        rows.map(move |(version_id, status)| AccessRequestRecord {
            app_id: self.id(),
            version_id: *version_id,
            status: *status,
        })
    }

    pub(super) fn state(self) -> AppState {
        AppState {
            app: self.record(),
            requests: self.request_rows().to_vec(),
            credentials: self.credentials().map(Credential::record).collect(),
        }
    }
}

/// A credential of an app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credential<'a> {
    app: App<'a>,
    at: usize,
}

impl<'a> Credential<'a> {
    fn row(self) -> &'a CredentialRow {
        &self.app.shard.credentials[self.at]
    }

    pub(crate) fn id(self) -> CredentialId {
        self.row().id
    }

    pub(super) fn key_hash(self) -> Option<ApiKeyHash> {
        self.row().key_hash()
    }

    pub(crate) const fn app(self) -> App<'a> {
        self.app
    }

    /// Its part of the list of times. After its end: long ago. It is never asked for more, unless by a mistake of ours,
    /// which then closes.
    fn times(self) -> impl Iterator<Item = Timestamp> + use<'a> {
        let shard = self.app.shard;
        let first = shard
            .timed
            .partition_point(|credential| (*credential as usize) < self.at);
        let own = shard.timed[first..].iter().zip(&shard.times[first..]);
        own.take_while(move |(credential, _)| **credential as usize == self.at)
            .map(|(_, time)| Timestamp::from_millis(i64::from_le_bytes(*time)))
            .chain(std::iter::repeat(Timestamp::from_millis(i64::MIN)))
    }

    pub(super) fn facts(self) -> access::CredentialFacts {
        let row = self.row();
        let [a, b, c, d, e, f] = row.created_at;
        let mut facts = access::CredentialFacts {
            kind: if row.has(IS_OAUTH_CLIENT) {
                CredentialKind::OauthClient
            } else {
                CredentialKind::ApiKey
            },
            created_at: Timestamp::from_millis(i64::from_le_bytes([a, b, c, d, e, f, 0, 0])),
            expires_at: None,
            revoked_at: None,
        };
        if row.has(HAS_EXPIRY | HAS_REVOCATION | HAS_OTHER_CREATION) {
            let mut times = self.times();
            if row.has(HAS_EXPIRY) {
                facts.expires_at = times.next();
            }
            if row.has(HAS_REVOCATION) {
                facts.revoked_at = times.next();
            }
            if row.has(HAS_OTHER_CREATION) {
                facts.created_at = times.next().unwrap_or(facts.created_at);
            }
        }
        facts
    }

    pub(crate) fn record(self) -> CredentialRecord {
        let access::CredentialFacts {
            kind,
            created_at,
            expires_at,
            revoked_at,
        } = self.facts();
        CredentialRecord {
            id: self.id(),
            app_id: self.app.id(),
            kind,
            key_hash: self.key_hash(),
            created_at,
            expires_at,
            revoked_at,
        }
    }
}
