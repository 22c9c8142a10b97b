//! An app with its requests and its credentials.

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    app::AppStatus,
    credential::CredentialKind,
    id::{AppId, CredentialId, DeveloperId, VersionId},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Id,
    state_code::{AccessRequestStatusCode, AppStatusCode, CredentialKindCode},
};
use crate::{
    record::{AccessRequestRecord, AppRecord, CredentialRecord},
    snapshot::{App, AppState, Loader, ToldTwice},
};

/// All that stands under an app's id, be the app itself there or not.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::snapshot_copy) struct AppFrame<'a> {
    id: Id,
    #[serde(borrow)]
    app: Option<AppFactsFrame<'a>>,
    requests: Vec<RequestFrame>,
    credentials: Vec<CredentialFrame>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AppFactsFrame<'a> {
    developer_id: Id,
    #[serde(with = "AppStatusCode")]
    status: AppStatus,
    name: &'a str,
    reference_id: &'a str,
}

#[derive(Debug, Serialize, Deserialize)]
struct RequestFrame {
    version_id: Id,
    #[serde(with = "AccessRequestStatusCode")]
    status: AccessRequestStatus,
}

#[derive(Debug, Serialize, Deserialize)]
struct CredentialFrame {
    id: Id,
    #[serde(with = "CredentialKindCode")]
    kind: CredentialKind,
    key_hash: Option<[u8; 32]>,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl<'a> AppFrame<'a> {
    pub(in crate::snapshot_copy) fn of(app: App<'a>) -> Self {
        Self {
            id: app.id().uuid().into_bytes(),
            app: AppFactsFrame::of(app),
            requests: app.requests().map(RequestFrame::of).collect(),
            credentials: app
                .credentials()
                .map(|credential| CredentialFrame::of(credential.record()))
                .collect(),
        }
    }

    pub(super) fn load_into(self, loader: &mut Loader) -> Result<(), ToldTwice> {
        let Self {
            id,
            app,
            requests,
            credentials,
        } = self;
        let id = AppId::from_uuid(Uuid::from_bytes(id));
        let state = AppState {
            app: app.map(|app| app.record(id)),
            requests: requests.iter().map(RequestFrame::row).collect(),
            credentials: credentials
                .into_iter()
                .map(|credential| credential.record(id))
                .collect(),
        };
        loader.app(id, state)
    }
}

impl<'a> AppFactsFrame<'a> {
    /// None when there is no such app.
    fn of(app: App<'a>) -> Option<Self> {
        let (developer_id, status) = app.facts()?;
        Some(Self {
            developer_id: developer_id.uuid().into_bytes(),
            status,
            name: app.name(),
            reference_id: app.reference_id(),
        })
    }

    fn record(self, id: AppId) -> AppRecord {
        let Self {
            developer_id,
            status,
            name,
            reference_id,
        } = self;
        AppRecord {
            id,
            developer_id: DeveloperId::from_uuid(Uuid::from_bytes(developer_id)),
            status,
            name: name.to_owned(),
            reference_id: reference_id.to_owned(),
        }
    }
}

impl RequestFrame {
    fn of(record: AccessRequestRecord) -> Self {
        let AccessRequestRecord {
            app_id: _,
            version_id,
            status,
        } = record;
        Self {
            version_id: version_id.uuid().into_bytes(),
            status,
        }
    }

    fn row(&self) -> (VersionId, AccessRequestStatus) {
        (VersionId::from_uuid(Uuid::from_bytes(self.version_id)), self.status)
    }
}

impl CredentialFrame {
    fn of(record: CredentialRecord) -> Self {
        let CredentialRecord {
            id,
            app_id: _,
            kind,
            key_hash,
            created_at,
            expires_at,
            revoked_at,
        } = record;
        Self {
            id: id.uuid().into_bytes(),
            kind,
            key_hash: key_hash.map(|hash| *hash.as_bytes()),
            created_at: created_at.as_millis(),
            expires_at: expires_at.map(Timestamp::as_millis),
            revoked_at: revoked_at.map(Timestamp::as_millis),
        }
    }

    fn record(self, app_id: AppId) -> CredentialRecord {
        let Self {
            id,
            kind,
            key_hash,
            created_at,
            expires_at,
            revoked_at,
        } = self;
        CredentialRecord {
            id: CredentialId::from_uuid(Uuid::from_bytes(id)),
            app_id,
            kind,
            key_hash: key_hash.map(ApiKeyHash::from_bytes),
            created_at: Timestamp::from_millis(created_at),
            expires_at: expires_at.map(Timestamp::from_millis),
            revoked_at: revoked_at.map(Timestamp::from_millis),
        }
    }
}
