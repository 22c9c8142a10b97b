//! The apps, each with what stands under its id: its requests and its credentials.
//!
//! ```text
//!   shard:  places │ rows (52 bytes) │ requests (17) │ credentials (57) │ ends, of those that have any (20) │ texts
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
    shards::{SHARD_BITS, Shards, lower_bound, place_of_id, shard_at},
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
    /// Which credentials have an end, by their place in the list: most have none.
    ending: Box<[u32]>,
    ends: Box<[Ends]>,
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
    /// Milliseconds, in bytes: as a number it would be aligned, and seven bytes of each row be lost.
    created_at: [u8; 8],
    flags: u8,
}

const HAS_KEY: u8 = 1;
const HAS_EXPIRY: u8 = 2;
const HAS_REVOCATION: u8 = 4;
const IS_OAUTH_CLIENT: u8 = 8;

/// When a credential ends, or was ended; which of the two count, the row's flags say.
#[derive(Clone, Copy, Debug)]
struct Ends {
    expires_at: [u8; 8],
    revoked_at: [u8; 8],
}

const LONG_AGO: Ends = Ends {
    expires_at: i64::MIN.to_le_bytes(),
    revoked_at: i64::MIN.to_le_bytes(),
};

// What a key costs is decided here.
const _: () = assert!(size_of::<AppRow>() == 52 && size_of::<RequestRow>() == 17);
const _: () = assert!(size_of::<CredentialRow>() == 57 && size_of::<Ends>() == 16);

/// What stands under an app's id, in a form that can be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AppState {
    pub(super) app: Option<AppRecord>,
    pub(super) requests: Vec<(VersionId, AccessRequestStatus)>,
    pub(super) credentials: Vec<CredentialRecord>,
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
        while let Some(shard) = states.peek().map(|((place, _), _)| shard_at(*place)) {
            let changed = std::iter::from_fn(|| states.next_if(|((place, _), _)| shard_at(*place) == shard));
            let merged = self.0.get(shard).changed(changed);
            self.0.set(shard, Arc::new(merged));
        }
    }
}

impl AppShard {
    fn changed(&self, states: impl IntoIterator<Item = ((u64, AppId), AppState)>) -> Self {
        let mut new = OpenShard::like(self);
        let mut old = (0..self.rows.len()).map(|at| App { shard: self, at }).peekable();
        for ((place, id), state) in states {
            while let Some(app) = old.next_if(|app| (app.place(), app.id()) < (place, id)) {
                new.copy(app);
            }
            let _replaced = old.next_if(|app| app.id() == id);
            if !state.is_empty() {
                new.push(id, place, state);
            }
        }
        old.for_each(|app| new.copy(app));
        new.close()
    }
}

/// A shard that is being written.
#[derive(Debug)]
struct OpenShard {
    places: Vec<Owner>,
    rows: Vec<AppRow>,
    requests: Vec<RequestRow>,
    credentials: Vec<CredentialRow>,
    ending: Vec<u32>,
    ends: Vec<Ends>,
    texts: String,
}

impl OpenShard {
    /// With room for the same and a little more.
    fn like(shard: &AppShard) -> Self {
        Self {
            places: Vec::with_capacity(shard.places.len() + 1),
            rows: Vec::with_capacity(shard.rows.len() + 1),
            requests: Vec::with_capacity(shard.requests.len() + 2),
            credentials: Vec::with_capacity(shard.credentials.len() + 8),
            ending: Vec::with_capacity(shard.ending.len() + 2),
            ends: Vec::with_capacity(shard.ends.len() + 2),
            texts: String::with_capacity(shard.texts.len() + 64),
        }
    }

    /// Takes an app over as it is.
    fn copy(&mut self, app: App<'_>) {
        let App { shard, at } = app;
        self.requests.extend_from_slice(app.request_rows());
        let first = app.first_credential() as u32;
        let end = shard.rows[at].credentials_end;
        let ending = shard.ending.partition_point(|credential| *credential < first)
            ..shard.ending.partition_point(|credential| *credential < end);
        let moved = (self.credentials.len() as u32).wrapping_sub(first);
        let ordinals = shard.ending[ending.clone()].iter();
        self.ending
            .extend(ordinals.map(|credential| credential.wrapping_add(moved)));
        self.ends.extend_from_slice(&shard.ends[ending]);
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
            let (row, ends) = CredentialRow::of(credential);
            if let Some(ends) = ends {
                self.ending.push(self.credentials.len() as u32);
                self.ends.push(ends);
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

    fn close(self) -> AppShard {
        AppShard {
            places: self.places.into(),
            rows: self.rows.into(),
            requests: self.requests.into(),
            credentials: self.credentials.into(),
            ending: self.ending.into(),
            ends: self.ends.into(),
            texts: self.texts.into(),
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
    fn of(record: &CredentialRecord) -> (Self, Option<Ends>) {
        let CredentialRecord {
            id,
            app_id: _,
            kind,
            key_hash,
            created_at,
            expires_at,
            revoked_at,
        } = record;
        let mut flags = match kind {
            CredentialKind::ApiKey => 0,
            CredentialKind::OauthClient => IS_OAUTH_CLIENT,
        };
        for (is_there, flag) in [
            (key_hash.is_some(), HAS_KEY),
            (expires_at.is_some(), HAS_EXPIRY),
            (revoked_at.is_some(), HAS_REVOCATION),
        ] {
            flags |= if is_there { flag } else { 0 };
        }
        let row = Self {
            key_hash: hash_or_zeros(*key_hash),
            id: *id,
            created_at: created_at.as_millis().to_le_bytes(),
            flags,
        };
        let bytes = |at: &Option<Timestamp>| at.map_or(0, Timestamp::as_millis).to_le_bytes();
        let ends = Ends {
            expires_at: bytes(expires_at),
            revoked_at: bytes(revoked_at),
        };
        (row, row.has_ends().then_some(ends))
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    const fn has_ends(&self) -> bool {
        self.has(HAS_EXPIRY | HAS_REVOCATION)
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
        let rows = self.credential_rows();
        let first = rows.partition_point(|row| row.key_hash < *hash);
        let found = rows[first..]
            .iter()
            .take_while(|row| row.key_hash == *hash)
            .position(|row| row.has(HAS_KEY))?;
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

    pub(crate) const fn app(self) -> App<'a> {
        self.app
    }

    fn ends(self) -> Ends {
        let shard = self.app.shard;
        let found = self
            .row()
            .has_ends()
            .then(|| shard.ending.binary_search(&(self.at as u32)).ok())
            .flatten();
        // A row without its ends would be a mistake of ours: then it ended long ago.
        found.map_or(LONG_AGO, |at| shard.ends[at])
    }

    pub(super) fn facts(self) -> access::CredentialFacts {
        let row = self.row();
        let ends = self.ends();
        let instant = |bytes: [u8; 8]| Timestamp::from_millis(i64::from_le_bytes(bytes));
        access::CredentialFacts {
            kind: if row.has(IS_OAUTH_CLIENT) {
                CredentialKind::OauthClient
            } else {
                CredentialKind::ApiKey
            },
            created_at: instant(row.created_at),
            expires_at: row.has(HAS_EXPIRY).then(|| instant(ends.expires_at)),
            revoked_at: row.has(HAS_REVOCATION).then(|| instant(ends.revoked_at)),
        }
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
            key_hash: self.row().key_hash(),
            created_at,
            expires_at,
            revoked_at,
        }
    }
}
