//! Records on the wire: the present state of one object, or that it is gone.

use domain::{
    Timestamp,
    access_request::AccessRequestStatus,
    app::AppStatus,
    auth_strategy::AuthStrategyType,
    credential::CredentialKind,
    developer::DeveloperStatus,
    gateway_service::{GatewayService, RouteInput},
    id::{AppId, AuthStrategyId, CredentialId, DeveloperId, VersionId},
    version::VersionLifecycle,
};
use serde::{Deserialize, Serialize};

use super::text::{KeyHash, Named, id, nullable, optional_id};
use crate::record::{
    AccessRequestRecord, AppRecord, AuthStrategyRecord, CredentialRecord, DeveloperRecord, Unreadable, Update,
    VersionRecord,
};

/// One object. `state` is null when it is gone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "each field is documented where its state is")]
pub enum Record {
    /// A version of a product.
    Version {
        #[serde(with = "id")]
        id: VersionId,
        #[serde(deserialize_with = "nullable")]
        state: Option<Version>,
    },
    /// An authentication strategy.
    AuthStrategy {
        #[serde(with = "id")]
        id: AuthStrategyId,
        #[serde(deserialize_with = "nullable")]
        state: Option<AuthStrategy>,
    },
    /// A developer's account.
    Developer {
        #[serde(with = "id")]
        id: DeveloperId,
        #[serde(deserialize_with = "nullable")]
        state: Option<Developer>,
    },
    /// A developer's app.
    App {
        #[serde(with = "id")]
        id: AppId,
        #[serde(deserialize_with = "nullable")]
        state: Option<App>,
    },
    /// An app's credential.
    Credential {
        #[serde(with = "id")]
        id: CredentialId,
        #[serde(deserialize_with = "nullable")]
        state: Option<Credential>,
    },
    /// The request that counts for an app and a version.
    AccessRequest {
        #[serde(with = "id")]
        app: AppId,
        #[serde(with = "id")]
        version: VersionId,
        #[serde(deserialize_with = "nullable")]
        state: Option<AccessRequest>,
    },
}

/// A version's state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    pub(super) lifecycle: Named<VersionLifecycle>,
    #[serde(with = "optional_id")]
    strategy: Option<AuthStrategyId>,
    #[serde(deserialize_with = "nullable")]
    service: Option<Service>,
}

/// A version's upstream and routes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    upstream_url: String,
    routes: Vec<Route>,
}

/// A route.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    hosts: Vec<String>,
    paths: Vec<String>,
    methods: Vec<String>,
    strip_path: bool,
}

/// A strategy's state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthStrategy {
    kind: Named<AuthStrategyType>,
    key_names: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    credential_ttl_days: Option<u32>,
}

/// A developer's state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Developer {
    status: Named<DeveloperStatus>,
}

/// An app's state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    #[serde(with = "id")]
    developer: DeveloperId,
    status: Named<AppStatus>,
    name: String,
    reference_id: String,
}

/// A credential's state. Instants are milliseconds since the Unix epoch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    #[serde(with = "id")]
    app: AppId,
    kind: Named<CredentialKind>,
    #[serde(deserialize_with = "nullable")]
    key_hash: Option<KeyHash>,
    created_at: i64,
    #[serde(deserialize_with = "nullable")]
    expires_at: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    revoked_at: Option<i64>,
}

/// A request's state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRequest {
    status: Named<AccessRequestStatus>,
}

/// What a record says is not what the domain allows.
#[derive(Debug, thiserror::Error)]
#[error("the service of version {version} is not valid: {refusals:?}")]
pub struct InvalidService {
    version: VersionId,
    refusals: Vec<domain::Refusal>,
}

impl From<Update> for Record {
    fn from(update: Update) -> Self {
        match update {
            Update::Version(id, state) => Self::Version {
                id,
                state: state.map(|record| {
                    let VersionRecord {
                        id: _,
                        lifecycle,
                        strategy,
                        service,
                    } = record;
                    Version {
                        lifecycle: Named(lifecycle),
                        strategy,
                        service: service.map(Service::from),
                    }
                }),
            },
            Update::AuthStrategy(id, state) => Self::AuthStrategy {
                id,
                state: state.map(|record| {
                    let AuthStrategyRecord {
                        id: _,
                        kind,
                        key_names,
                        credential_ttl_days,
                    } = record;
                    AuthStrategy {
                        kind: Named(kind),
                        key_names,
                        credential_ttl_days,
                    }
                }),
            },
            Update::Developer(id, state) => Self::Developer {
                id,
                state: state.map(|DeveloperRecord { id: _, status }| Developer { status: Named(status) }),
            },
            Update::App(id, state) => Self::App {
                id,
                state: state.map(|record| {
                    let AppRecord {
                        id: _,
                        developer_id,
                        status,
                        name,
                        reference_id,
                    } = record;
                    App {
                        developer: developer_id,
                        status: Named(status),
                        name,
                        reference_id,
                    }
                }),
            },
            Update::Credential(id, state) => Self::Credential {
                id,
                state: state.map(|record| {
                    let CredentialRecord {
                        id: _,
                        app_id,
                        kind,
                        key_hash,
                        created_at,
                        expires_at,
                        revoked_at,
                    } = record;
                    Credential {
                        app: app_id,
                        kind: Named(kind),
                        key_hash: key_hash.map(KeyHash),
                        created_at: created_at.as_millis(),
                        expires_at: expires_at.map(Timestamp::as_millis),
                        revoked_at: revoked_at.map(Timestamp::as_millis),
                    }
                }),
            },
            Update::AccessRequest(app, version, state) => Self::AccessRequest {
                app,
                version,
                state: state.map(|record| AccessRequest {
                    status: Named(record.status),
                }),
            },
            // Only gateways have these, and they send no records. Whoever was told that it is gone would close it, too.
            Update::Unreadable(Unreadable::AuthStrategy { id, key_names: _ }) => Self::AuthStrategy { id, state: None },
            Update::Unreadable(Unreadable::App(id)) => Self::App { id, state: None },
        }
    }
}

impl From<GatewayService> for Service {
    fn from(service: GatewayService) -> Self {
        let GatewayService { upstream_url, routes } = service;
        let route = |route: &domain::gateway_service::Route| Route {
            hosts: route.hosts().iter().map(|host| host.as_str().to_owned()).collect(),
            paths: route.paths().to_vec(),
            methods: route.methods().to_vec(),
            strip_path: route.strip_path(),
        };
        Self {
            upstream_url: upstream_url.as_str().to_owned(),
            routes: routes.iter().map(route).collect(),
        }
    }
}

impl Service {
    pub(super) fn checked(self, version: VersionId) -> Result<GatewayService, InvalidService> {
        let routes: Vec<RouteInput> = self.routes.into_iter().map(RouteInput::from).collect();
        GatewayService::validate(&self.upstream_url, &routes).map_err(|refusals| InvalidService { version, refusals })
    }
}

impl From<Route> for RouteInput {
    fn from(route: Route) -> Self {
        let Route {
            hosts,
            paths,
            methods,
            strip_path,
        } = route;
        Self {
            hosts,
            paths,
            methods,
            strip_path,
        }
    }
}

impl TryFrom<Record> for Update {
    type Error = InvalidService;

    fn try_from(record: Record) -> Result<Self, InvalidService> {
        Ok(match record {
            Record::Version { id, state: None } => Self::Version(id, None),
            Record::Version { id, state: Some(state) } => {
                let Version {
                    lifecycle: Named(lifecycle),
                    strategy,
                    service,
                } = state;
                let service = service.map(|service| service.checked(id)).transpose()?;
                Self::from(VersionRecord {
                    id,
                    lifecycle,
                    strategy,
                    service,
                })
            }
            Record::AuthStrategy { id, state } => Self::AuthStrategy(
                id,
                state.map(|state| {
                    let AuthStrategy {
                        kind: Named(kind),
                        key_names,
                        credential_ttl_days,
                    } = state;
                    AuthStrategyRecord {
                        id,
                        kind,
                        key_names,
                        credential_ttl_days,
                    }
                }),
            ),
            Record::Developer { id, state } => Self::Developer(
                id,
                state.map(|Developer { status: Named(status) }| DeveloperRecord { id, status }),
            ),
            Record::App { id, state } => Self::App(
                id,
                state.map(|state| {
                    let App {
                        developer,
                        status: Named(status),
                        name,
                        reference_id,
                    } = state;
                    AppRecord {
                        id,
                        developer_id: developer,
                        status,
                        name,
                        reference_id,
                    }
                }),
            ),
            Record::Credential { id, state } => Self::Credential(
                id,
                state.map(|state| {
                    let Credential {
                        app,
                        kind: Named(kind),
                        key_hash,
                        created_at,
                        expires_at,
                        revoked_at,
                    } = state;
                    CredentialRecord {
                        id,
                        app_id: app,
                        kind,
                        key_hash: key_hash.map(|KeyHash(hash)| hash),
                        created_at: Timestamp::from_millis(created_at),
                        expires_at: expires_at.map(Timestamp::from_millis),
                        revoked_at: revoked_at.map(Timestamp::from_millis),
                    }
                }),
            ),
            Record::AccessRequest { app, version, state } => Self::AccessRequest(
                app,
                version,
                state.map(|AccessRequest { status: Named(status) }| AccessRequestRecord {
                    app_id: app,
                    version_id: version,
                    status,
                }),
            ),
        })
    }
}
