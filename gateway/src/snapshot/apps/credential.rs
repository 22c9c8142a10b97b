//! The credentials of a shard: what each has in its row, and what only some have beside it.

use domain::{Timestamp, access, api_key::ApiKeyHash, credential::CredentialKind, id::CredentialId};

use super::App;
use crate::{record::CredentialRecord, snapshot::shards::place_of_key};

/// What there is of every credential.
#[derive(Clone, Copy, Debug)]
pub(super) struct CredentialRow {
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
const _: () = assert!(size_of::<CredentialRow>() == 55);

const fn hash_or_zeros(hash: Option<ApiKeyHash>) -> ApiKeyHash {
    match hash {
        Some(hash) => hash,
        None => ApiKeyHash::from_bytes([0; 32]),
    }
}

impl CredentialRow {
    /// The row, and what goes to the list of times.
    pub(super) fn of(record: &CredentialRecord) -> (Self, [Option<Timestamp>; 3]) {
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

    /// By this the rows of an app are sorted: the key's first eight bytes, which are one number to the processor.
    pub(super) fn place(&self) -> u64 {
        place_of_key(&self.key_hash)
    }

    pub(super) fn has_key(&self, hash: &ApiKeyHash) -> bool {
        self.key_hash == *hash && self.has(HAS_KEY)
    }
}

/// A credential of an app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credential<'a> {
    pub(super) app: App<'a>,
    /// Its place in the shard's list.
    pub(super) at: usize,
}

impl<'a> Credential<'a> {
    fn row(self) -> &'a CredentialRow {
        &self.app.shard.credentials[self.at]
    }

    pub(crate) fn id(self) -> CredentialId {
        self.row().id
    }

    pub(in crate::snapshot) fn key_hash(self) -> Option<ApiKeyHash> {
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

    pub(in crate::snapshot) fn facts(self) -> access::CredentialFacts {
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
