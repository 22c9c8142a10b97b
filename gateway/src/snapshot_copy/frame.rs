//! What a copy consists of, as postcard writes it. The records' own types stay free of any form on disk.

mod app;
mod state_code;
mod version;

use domain::{
    Timestamp,
    auth_strategy::AuthStrategyType,
    developer::DeveloperStatus,
    id::{AuthStrategyId, DeveloperId},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(super) use self::app::AppFrame;
use self::{
    state_code::{AuthStrategyTypeCode, DeveloperStatusCode},
    version::VersionFrame,
};
use super::{CopyError, CopyHeader};
use crate::{
    record::{AuthStrategyRecord, DeveloperRecord, Unreadable, Update},
    snapshot::Loader,
};

type Id = [u8; 16];

/// One object, or the end.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Frame<'a> {
    AuthStrategy(#[serde(borrow)] AuthStrategyFrame<'a>),
    Version(#[serde(borrow)] VersionFrame<'a>),
    Developer(DeveloperFrame),
    App(#[serde(borrow)] AppFrame<'a>),
    End(EndFrame),
    UnreadableStrategy(#[serde(borrow)] UnreadableStrategyFrame<'a>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeaderFrame<'a> {
    position: &'a str,
    taken_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EndFrame {
    /// How many frames of objects there are.
    pub(super) objects: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AuthStrategyFrame<'a> {
    id: Id,
    #[serde(with = "AuthStrategyTypeCode")]
    kind: AuthStrategyType,
    #[serde(borrow)]
    key_names: Vec<&'a str>,
    credential_ttl_days: Option<u32>,
}

/// A strategy that could not be read when it was told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UnreadableStrategyFrame<'a> {
    id: Id,
    #[serde(borrow)]
    key_names: Vec<&'a str>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeveloperFrame {
    id: Id,
    #[serde(with = "DeveloperStatusCode")]
    status: DeveloperStatus,
}

/// Decodes all of `bytes`.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, CopyError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(CopyError::Damaged("a frame is longer than its contents")),
        Err(_) => Err(CopyError::Damaged("a frame cannot be read")),
    }
}

impl<'a> HeaderFrame<'a> {
    pub(super) fn of(header: &'a CopyHeader) -> Self {
        let CopyHeader { position, taken_at } = header;
        Self {
            position,
            taken_at: taken_at.as_millis(),
        }
    }

    pub(super) fn header(&self) -> CopyHeader {
        CopyHeader {
            position: self.position.to_owned(),
            taken_at: Timestamp::from_millis(self.taken_at),
        }
    }
}

impl<'a> Frame<'a> {
    /// The object as a frame; none for what stands under an app's id, see [`AppFrame::of`].
    pub(super) fn of(update: &'a Update) -> Option<Self> {
        Some(match update {
            Update::AuthStrategy(_, record) => Self::AuthStrategy(AuthStrategyFrame::of(record.as_ref()?)),
            Update::Version(_, record) => Self::Version(VersionFrame::of(record.as_ref()?)),
            Update::Developer(_, record) => Self::Developer(DeveloperFrame::of(record.as_ref()?)),
            Update::Unreadable(Unreadable::AuthStrategy { id, key_names }) => {
                Self::UnreadableStrategy(UnreadableStrategyFrame {
                    id: id.uuid().into_bytes(),
                    key_names: key_names.iter().map(String::as_str).collect(),
                })
            }
            Update::App(..)
            | Update::AccessRequest(..)
            | Update::Credential(..)
            | Update::Unreadable(Unreadable::App(_)) => return None,
        })
    }

    pub(super) fn load_into(self, loader: &mut Loader) -> Result<(), CopyError> {
        match self {
            Self::AuthStrategy(frame) => loader.apply(frame.record().into()),
            Self::UnreadableStrategy(frame) => loader.apply(frame.update()),
            Self::Version(frame) => loader.apply(frame.record()?.into()),
            Self::Developer(frame) => loader.apply(frame.record().into()),
            Self::App(frame) => frame.load_into(loader)?,
            Self::End(_) => {}
        }
        Ok(())
    }
}

impl<'a> AuthStrategyFrame<'a> {
    fn of(record: &'a AuthStrategyRecord) -> Self {
        let AuthStrategyRecord {
            id,
            kind,
            key_names,
            credential_ttl_days,
        } = record;
        Self {
            id: id.uuid().into_bytes(),
            kind: *kind,
            key_names: key_names.iter().map(String::as_str).collect(),
            credential_ttl_days: *credential_ttl_days,
        }
    }

    fn record(self) -> AuthStrategyRecord {
        let Self {
            id,
            kind,
            key_names,
            credential_ttl_days,
        } = self;
        AuthStrategyRecord {
            id: AuthStrategyId::from_uuid(Uuid::from_bytes(id)),
            kind,
            key_names: owned(&key_names),
            credential_ttl_days,
        }
    }
}

impl UnreadableStrategyFrame<'_> {
    fn update(self) -> Update {
        let Self { id, key_names } = self;
        Update::Unreadable(Unreadable::AuthStrategy {
            id: AuthStrategyId::from_uuid(Uuid::from_bytes(id)),
            key_names: owned(&key_names),
        })
    }
}

impl DeveloperFrame {
    fn of(record: &DeveloperRecord) -> Self {
        let DeveloperRecord { id, status } = record;
        Self {
            id: id.uuid().into_bytes(),
            status: *status,
        }
    }

    fn record(self) -> DeveloperRecord {
        let Self { id, status } = self;
        DeveloperRecord {
            id: DeveloperId::from_uuid(Uuid::from_bytes(id)),
            status,
        }
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
