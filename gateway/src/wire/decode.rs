//! Reading records, and what becomes of those that cannot be read.
//!
//! | Record | What cannot be read closes |
//! |---|---|
//! | version | its traffic: its routes stay where they can be read, and nothing opens them (401; 410 when even its lifecycle cannot be read); else they are gone (404) |
//! | strategy | every version that has it: 401. Its key headers are still kept from all upstreams, by the names that are known, and keys by their form |
//! | app | all that its keys open; its credentials and requests stay, for when it can be read again |
//! | developer, credential, request | what it would open |
//! | of a kind or an object that cannot be told | everything: the snapshot is withdrawn, 503 |

use std::str::FromStr;

use domain::{
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
    version::VersionLifecycle,
};
use serde_json::{Map, Value};

use super::{
    record::{Record, Service},
    text::Named,
};
use crate::record::{Unreadable, Update, VersionRecord};

/// A record stands for something that cannot be told: whatever it is, it must not stay open.
#[derive(Debug, thiserror::Error)]
#[error("a record cannot be read, nor what it stands for: {0}")]
pub struct Unattributable(String);

/// Reads a record; one that cannot be read becomes an update that closes what it stands for, and is logged.
///
/// # Errors
/// [`Unattributable`] when even that cannot be told.
pub fn decode(record: &str) -> Result<Update, Unattributable> {
    let strictly = serde_json::from_str::<Record>(record)
        .map_err(|error| error.to_string())
        .and_then(|record| Update::try_from(record).map_err(|error| error.to_string()));
    strictly.or_else(|error| {
        let update = closing(record).ok_or_else(|| Unattributable(error.clone()))?;
        tracing::error!(
            error,
            closed = ?update,
            "a record of the control plane cannot be read and closes what it stands for; is this gateway of an older version?"
        );
        Ok(update)
    })
}

/// The update that closes what the record stands for.
fn closing(record: &str) -> Option<Update> {
    let envelope: Map<String, Value> = serde_json::from_str(record).ok()?;
    let mut fields = envelope.into_iter();
    let (kind, Value::Object(object)) = fields.next()? else {
        return None;
    };
    if fields.next().is_some() {
        return None;
    }
    match kind.as_str() {
        "version" => {
            let id = id::<VersionId>(&object, "id")?;
            Some(closed_version(id, object.get("state")).into())
        }
        "auth_strategy" => Some(Update::Unreadable(Unreadable::AuthStrategy {
            id: id::<AuthStrategyId>(&object, "id")?,
            key_names: legible_key_names(object.get("state")),
        })),
        "developer" => Some(Update::Developer(id::<DeveloperId>(&object, "id")?, None)),
        "app" => Some(Update::Unreadable(Unreadable::App(id::<AppId>(&object, "id")?))),
        "credential" => Some(Update::Credential(id::<CredentialId>(&object, "id")?, None)),
        "access_request" => Some(Update::AccessRequest(
            id::<AppId>(&object, "app")?,
            id::<VersionId>(&object, "version")?,
            None,
        )),
        _ => None,
    }
}

fn id<T: FromStr>(object: &Map<String, Value>, field: &str) -> Option<T> {
    object.get(field)?.as_str()?.parse().ok()
}

/// The names of key headers, where they stand where this version looks for them.
fn legible_key_names(state: Option<&Value>) -> Vec<String> {
    let names = state.and_then(|state| state.get("key_names")).and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

/// The version with its routes and without a strategy, so that its calls are refused and fall to no other version's
/// route; without routes when they cannot be read. It stays there in any case: one that is gone takes the requests for
/// it along.
fn closed_version(id: VersionId, state: Option<&Value>) -> VersionRecord {
    let field = |name: &str| state.and_then(|state| state.get(name)).cloned();
    let lifecycle = field("lifecycle").and_then(|value| serde_json::from_value::<Named<VersionLifecycle>>(value).ok());
    let service = field("service").and_then(|value| serde_json::from_value::<Service>(value).ok());
    VersionRecord {
        id,
        // Retired, its routes stand back behind those of live versions.
        lifecycle: lifecycle.map_or(VersionLifecycle::Retired, |Named(lifecycle)| lifecycle),
        strategy: None,
        service: service.and_then(|service| service.checked(id).ok()),
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
