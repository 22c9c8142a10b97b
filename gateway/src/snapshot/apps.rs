//! The apps, each with what stands under its id: its requests and its credentials.
//!
//! ```text
//!   shard:  places │ rows (52 bytes) │ requests (17) │ credentials (55) │ times, of those that have more (12) │ texts
//!                        └── say where their part of each of the other lists ends ──┘
//! ```
//!
//! A row may stand for an app that is not there (yet), while its credentials or requests are: they open nothing.

mod credential;
mod open_shard;

use std::{ops::RangeInclusive, sync::Arc};

use domain::{
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    app::AppStatus,
    id::{AppId, DeveloperId, VersionId},
};

pub(crate) use self::credential::Credential;
use self::{credential::CredentialRow, open_shard::OpenShard};
use super::{
    index::{OWNER_BITS, Owner},
    shards::{SHARD_BITS, Shards, lower_bound, place_of_id, place_of_key, shard_at},
};
use crate::record::{AccessRequestRecord, AppRecord, CredentialRecord};

#[derive(Clone, Debug, Default)]
pub(super) struct Apps(Shards<Arc<AppShard>>);

/// Some apps, sorted by place and then id; in each list, what is an app's stands together, in the apps' order.
#[derive(Debug, Default)]
pub(super) struct AppShard {
    /// The beginning of each app's place.
    places: Box<[Owner]>,
    rows: Box<[AppRow]>,
    requests: Box<[RequestRow]>,
    /// An app's are sorted by their keys' places and then id.
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

// What a key costs is decided here.
const _: () = assert!(size_of::<AppRow>() == 52 && size_of::<RequestRow>() == 17);

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
    (place >> (u64::BITS - OWNER_BITS)) as Owner
}

/// The places that begin like this.
pub(super) const fn places_of(owner: Owner) -> RangeInclusive<u64> {
    let rest = u64::BITS - OWNER_BITS;
    let first = (owner as u64) << rest;
    first..=first | (u64::MAX >> OWNER_BITS)
}

/// So many rows of an app are read one after the other.
const FEW: usize = 16;

impl Apps {
    pub(super) fn get(&self, id: AppId) -> Option<App<'_>> {
        self.at(owner_at(place_of(id))).find(|app| app.id() == id)
    }

    /// The apps whose place begins like this.
    pub(super) fn at(&self, owner: Owner) -> impl Iterator<Item = App<'_>> + use<'_> {
        let shard = self.0.get(shard_at(*places_of(owner).start()));
        // All in a shard share its bits: what follows them is what is spread.
        let spread = |owner: &Owner| owner << (SHARD_BITS + Owner::BITS - OWNER_BITS);
        let first = lower_bound(&shard.places, spread(&owner), spread);
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

    pub(super) fn owner(self) -> Owner {
        self.shard.places[self.at]
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
        let rows = self.credential_rows();
        let place = place_of_key(hash);
        // Of few rows all are looked at: they are then read from memory at once, and halving would wait for one after
        // the other.
        let first = if rows.len() <= FEW {
            rows.iter().filter(|row| row.place() < place).count()
        } else {
            rows.partition_point(|row| row.place() < place)
        };
        let found = rows[first..]
            .iter()
            .take_while(|row| row.place() == place)
            .position(|row| row.has_key(hash))?;
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
