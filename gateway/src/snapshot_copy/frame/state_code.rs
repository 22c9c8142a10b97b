//! The states as numbers, by their order here. A new state goes to the end, and changes FORMAT: a version that does not
//! know it must refuse the copy.

use domain::{
    access_request::AccessRequestStatus, app::AppStatus, auth_strategy::AuthStrategyType, credential::CredentialKind,
    developer::DeveloperStatus, version::VersionLifecycle,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(remote = "AuthStrategyType")]
pub(super) enum AuthStrategyTypeCode {
    KeyAuth,
    OpenidConnect,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "VersionLifecycle")]
pub(super) enum VersionLifecycleCode {
    Draft,
    Active,
    Deprecated,
    Retired,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DeveloperStatus")]
pub(super) enum DeveloperStatusCode {
    Pending,
    Approved,
    Rejected,
    Revoked,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AppStatus")]
pub(super) enum AppStatusCode {
    Active,
    Suspended,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AccessRequestStatus")]
pub(super) enum AccessRequestStatusCode {
    Pending,
    Approved,
    Rejected,
    Revoked,
    Cancelled,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CredentialKind")]
pub(super) enum CredentialKindCode {
    ApiKey,
    OauthClient,
}
