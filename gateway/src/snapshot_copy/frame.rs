//! What a copy consists of, as postcard writes it. The records' own types stay free of any form on disk.

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    developer::DeveloperStatus,
    gateway_service::{CanonicalHost, GatewayService, Route, RouteInput},
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
    version::VersionLifecycle,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CopyError, CopyHeader};
use crate::{
    record::{
        AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord, Update, VersionRecord,
    },
    snapshot::{App, AppState, Loader, ToldTwice},
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

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VersionFrame<'a> {
    id: Id,
    #[serde(with = "VersionLifecycleCode")]
    lifecycle: VersionLifecycle,
    strategy: Option<Id>,
    #[serde(borrow)]
    service: Option<ServiceFrame<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ServiceFrame<'a> {
    upstream_url: &'a str,
    #[serde(borrow)]
    routes: Vec<RouteFrame<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RouteFrame<'a> {
    #[serde(borrow)]
    hosts: Vec<&'a str>,
    #[serde(borrow)]
    paths: Vec<&'a str>,
    #[serde(borrow)]
    methods: Vec<&'a str>,
    strip_path: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeveloperFrame {
    id: Id,
    #[serde(with = "DeveloperStatusCode")]
    status: DeveloperStatus,
}

/// All that stands under an app's id, be the app itself there or not.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AppFrame<'a> {
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
            Update::App(..) | Update::AccessRequest(..) | Update::Credential(..) => return None,
        })
    }

    pub(super) fn load_into(self, loader: &mut Loader) -> Result<(), CopyError> {
        match self {
            Self::AuthStrategy(frame) => loader.apply(frame.record().into()),
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

impl<'a> VersionFrame<'a> {
    fn of(record: &'a VersionRecord) -> Self {
        let VersionRecord {
            id,
            lifecycle,
            strategy,
            service,
        } = record;
        Self {
            id: id.uuid().into_bytes(),
            lifecycle: *lifecycle,
            strategy: strategy.map(|strategy| strategy.uuid().into_bytes()),
            service: service.as_ref().map(ServiceFrame::of),
        }
    }

    fn record(self) -> Result<VersionRecord, CopyError> {
        let Self {
            id,
            lifecycle,
            strategy,
            service,
        } = self;
        Ok(VersionRecord {
            id: VersionId::from_uuid(Uuid::from_bytes(id)),
            lifecycle,
            strategy: strategy.map(|id| AuthStrategyId::from_uuid(Uuid::from_bytes(id))),
            service: service.map(|service| service.checked()).transpose()?,
        })
    }
}

impl<'a> ServiceFrame<'a> {
    fn of(service: &'a GatewayService) -> Self {
        let GatewayService { upstream_url, routes } = service;
        Self {
            upstream_url: upstream_url.as_str(),
            routes: routes.iter().map(RouteFrame::of).collect(),
        }
    }

    /// Checked like an admin's input: what this version would not accept, it does not serve.
    fn checked(self) -> Result<GatewayService, CopyError> {
        let Self { upstream_url, routes } = self;
        let routes: Vec<RouteInput> = routes.into_iter().map(RouteFrame::input).collect();
        GatewayService::validate(upstream_url, &routes)
            .map_err(|_| CopyError::Damaged("a gateway service is not valid"))
    }
}

impl<'a> RouteFrame<'a> {
    fn of(route: &'a Route) -> Self {
        Self {
            hosts: route.hosts().iter().map(CanonicalHost::as_str).collect(),
            paths: route.paths().iter().map(String::as_str).collect(),
            methods: route.methods().iter().map(String::as_str).collect(),
            strip_path: route.strip_path(),
        }
    }

    fn input(self) -> RouteInput {
        let Self {
            hosts,
            paths,
            methods,
            strip_path,
        } = self;
        RouteInput {
            hosts: owned(&hosts),
            paths: owned(&paths),
            methods: owned(&methods),
            strip_path,
        }
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
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

impl<'a> AppFrame<'a> {
    pub(super) fn of(app: App<'a>) -> Self {
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

    fn load_into(self, loader: &mut Loader) -> Result<(), ToldTwice> {
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

// The states as numbers, by their order here. A new state goes to the end, and changes FORMAT: a version that does not
// know it must refuse the copy.

#[derive(Serialize, Deserialize)]
#[serde(remote = "AuthStrategyType")]
enum AuthStrategyTypeCode {
    KeyAuth,
    OpenidConnect,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "VersionLifecycle")]
enum VersionLifecycleCode {
    Draft,
    Active,
    Deprecated,
    Retired,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DeveloperStatus")]
enum DeveloperStatusCode {
    Pending,
    Approved,
    Rejected,
    Revoked,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AppStatus")]
enum AppStatusCode {
    Active,
    Suspended,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AccessRequestStatus")]
enum AccessRequestStatusCode {
    Pending,
    Approved,
    Rejected,
    Revoked,
    Cancelled,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CredentialKind")]
enum CredentialKindCode {
    ApiKey,
    OauthClient,
}
