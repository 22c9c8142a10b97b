//! Permits: being allowed is a value, and the proxy takes it as an argument.
//!
//! ```text
//!   key ─► form ─► SHA-256 ─► index ─► domain::access::decide ─► Permit ─► proxy
//! ```

use std::sync::Arc;

use domain::{
    Timestamp,
    access::Denial,
    api_key::{ApiKey, ApiKeyHash},
    auth_strategy::AuthStrategyType,
    id::{AppId, CredentialId, VersionId},
};
use http::HeaderName;

use crate::{
    admission::CallHeaders,
    answer::Refused,
    record::VersionRecord,
    snapshot::{Closed, Credential, Snapshot, SnapshotReader},
    strategy::Strategy,
};

/// One call may pass, or go on, under this. Only [`Permit::of_call`] makes one.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    version: Arc<VersionRecord>,
    credential: CredentialId,
    key_hash: ApiKeyHash,
    key_name: HeaderName,
    app: AppId,
    ends_at: Option<Timestamp>,
}

impl Permit {
    /// Decides on a call to this version, and tells who calls.
    ///
    /// # Errors
    /// The answer to give instead. Only holders of a key that exists learn why.
    pub(crate) fn of_call<'a>(
        snapshot: &'a Snapshot,
        version: VersionId,
        headers: &impl CallHeaders,
        now: Timestamp,
    ) -> Result<(Self, Credential<'a>), Refused> {
        let version = snapshot.version(version).ok_or(Refused::NoRoute)?;
        let strategy = snapshot.strategy_of(version).ok_or(Refused::Unauthorized)?;
        let (key_name, key_hash, credential) = shown_credential(snapshot, strategy, headers)?;
        match snapshot.decide(credential, version, now) {
            Ok(ends_at) => {
                let permit = Self {
                    version: Arc::clone(version),
                    credential: credential.id(),
                    key_hash,
                    key_name,
                    app: credential.app().id(),
                    ends_at,
                };
                Ok((permit, credential))
            }
            Err(Closed::Denied(denial)) => Err(Refused::Denied(denial)),
            Err(Closed::Unknown) => Err(Refused::Unauthorized),
        }
    }

    /// No decision at all: for measuring what the decision costs.
    #[cfg(feature = "undecided")]
    pub(crate) fn undecided(snapshot: &Snapshot, version: VersionId) -> Result<Self, Refused> {
        Ok(Self {
            version: Arc::clone(snapshot.version(version).ok_or(Refused::NoRoute)?),
            credential: CredentialId::from_uuid(uuid::Uuid::nil()),
            key_hash: ApiKeyHash::from_bytes([0; 32]),
            key_name: HeaderName::from_static("apikey"),
            app: AppId::from_uuid(uuid::Uuid::nil()),
            ends_at: None,
        })
    }

    /// The answer to a call of a retired version: with the reason for a key that exists, without it for all others.
    pub(crate) fn of_retired(snapshot: &Snapshot, version: VersionId, headers: &impl CallHeaders) -> Refused {
        let shown = snapshot
            .version(version)
            .and_then(|version| snapshot.strategy_of(version))
            .map(|strategy| shown_credential(snapshot, strategy, headers));
        match shown {
            Some(Ok(_)) => Refused::Denied(Denial::VersionRetired),
            Some(Err(_)) | None => Refused::Retired,
        }
    }

    /// Asks again, of the snapshot that holds now: still allowed?
    ///
    /// # Errors
    /// The answer that the call would get now.
    pub(crate) fn check(&mut self, reader: &SnapshotReader, now: Timestamp) -> Result<(), Refused> {
        let snapshot = reader.load().ok_or(Refused::NotReady)?;
        let version = snapshot.version(self.version.id).ok_or(Refused::NoRoute)?;
        if version.service.is_none() {
            return Err(Refused::NoRoute);
        }
        let strategy = snapshot.strategy_of(version).ok_or(Refused::Unauthorized)?;
        if !strategy.key_names().contains(&self.key_name) {
            return Err(Refused::NoKey);
        }
        let credential = snapshot
            .credential_of_app(self.app, &self.key_hash)
            .filter(|credential| credential.id() == self.credential)
            .ok_or(Refused::Unauthorized)?;
        self.ends_at = snapshot
            .decide(credential, version, now)
            .map_err(|closed| match closed {
                Closed::Denied(denial) => Refused::Denied(denial),
                Closed::Unknown => Refused::Unauthorized,
            })?;
        Ok(())
    }

    /// When time alone will end it, if it will.
    pub(crate) const fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }

    /// The version that it opens.
    pub(crate) fn version(&self) -> &VersionRecord {
        &self.version
    }

    /// The credential that it was given for.
    pub(crate) const fn credential(&self) -> CredentialId {
        self.credential
    }

    /// The app that it was given to.
    pub(crate) const fn app_id(&self) -> AppId {
        self.app
    }
}

/// The credential whose key stands in one of the strategy's headers.
fn shown_credential<'a>(
    snapshot: &'a Snapshot,
    strategy: &Strategy,
    headers: &impl CallHeaders,
) -> Result<(HeaderName, ApiKeyHash, Credential<'a>), Refused> {
    match strategy.kind() {
        AuthStrategyType::KeyAuth => {}
        AuthStrategyType::OpenidConnect => return Err(Refused::BearerUnauthorized),
    }
    let mut shown = strategy
        .key_names()
        .iter()
        .flat_map(|name| headers.values(name).map(move |value| (name, value)));
    let (name, value) = shown.next().ok_or(Refused::NoKey)?;
    if shown.next().is_some() {
        return Err(Refused::DuplicateKey);
    }
    if value.is_empty() {
        return Err(Refused::NoKey);
    }
    let hash = ApiKey::hash_sent(value).map_err(|_| Refused::Unauthorized)?;
    let credential = snapshot.credential_of_key(&hash).ok_or(Refused::Unauthorized)?;
    Ok((name.clone(), hash, credential))
}
